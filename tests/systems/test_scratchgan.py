"""ScratchGAN in miniature."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of, records
from tests.systems.steps import moved, play

from jgan.data.procedural import grammar
from jgan.data.vocabulary import decode
from jgan.systems import scratchgan
from jgan.systems.scratchgan import SYSTEM, Config
from jgan.types import Network

TINY = Config(batch=16, embedding=4, features=6, limit=48, generator_rate=1e-2, discriminator_rate=1e-2)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


def test_steps():
    first, last, metrics = play(SYSTEM, TINY)
    assert all(np.isfinite(values).all() for values in metrics.values())
    assert moved(first.generator.params, last.generator.params) and moved(first.discriminator.params, last.discriminator.params)
    # The baseline follows the returns.
    baseline = 0.0
    for mean in metrics["generator/return"]:
        baseline += TINY.baseline_renewal * (mean - baseline)
    np.testing.assert_allclose(last.baseline, baseline, rtol=1e-5)
    assert (metrics["generator/length"] >= 1).all() and (metrics["generator/length"] <= 11).all()


@pytest.mark.parametrize("changes", [{"reward_at_end": True, "discount": 1.0}, {"baseline_renewal": 0.0}], ids=["at end", "no baseline"])
def test_ablations(changes):
    _, last, metrics = play(SYSTEM, dataclasses.replace(TINY, **changes))
    assert all(np.isfinite(values).all() for values in metrics.values())
    assert last.baseline == 0 or "baseline_renewal" not in changes


def test_a_rewarded_word_becomes_more_probable(monkeypatch):
    """With a discriminator that likes one word, which is drawn more often after some steps."""
    config = dataclasses.replace(TINY, generator_rate=3e-2)
    source = SYSTEM.data(config)
    wanted, batch = source.names["tokens"].index("moon"), {"tokens": jnp.asarray(source.columns["tokens"][:16])}

    def likes(params, state, tokens, *, key=None, train=False):
        return jnp.where(tokens == wanted, 5.0, -5.0) + params, state

    monkeypatch.setattr(scratchgan.sentences, "discriminator", lambda *sizes: Network(lambda key, tokens: (jnp.zeros(()), {}), likes))
    training = SYSTEM.build(config, source.spec)
    inputs = {"uniforms": jax.random.uniform(jax.random.key(1), (512, 11)), "truncation": jnp.ones((512,))}
    with jax.numpy_dtype_promotion("standard"):
        state, step, shares = training.init(jax.random.key(0), batch), jax.jit(training.step), []
        for _ in range(2):
            shares.append(float(jnp.mean(training.sample(state, None, inputs)["tokens"] == wanted)))
            for _ in range(30):
                state, _ = step(state, batch, jax.random.key(0))
    assert shares[1] > 2 * shares[0] > 0


def test_system(tmp_path):
    arguments = {"evaluate": ["--temperatures", "0.5", "1"]}
    trained = check_system(SYSTEM, TINY, tmp_path, arguments, skip=())
    scored = records(tmp_path / "whole")[-1]
    assert 0 < scored["score/total_variation"] <= 1 and 0 <= scored["score/validity"] < 0.1
    texts = decode(trained(range(4)), trained.spec.names["tokens"])
    words = {word for sentence in grammar.sentences() for word in sentence.split()}
    assert (tmp_path / "sample.txt").read_text().splitlines() == texts and {w for text in texts for w in text.split()} <= words
    sentences = list(grammar.sentences()[:2])
    nats = trained.outputs(tokens=sentences)["nats"]
    cold = trained.outputs(tokens=sentences, truncation=0.5)["nats"]
    assert nats.shape == (2,) and (nats > 0).all() and not np.allclose(nats, cold)
    assert (trained(range(3), truncation=0) == trained(range(3, 6), truncation=0)).all()


def test_what_is_rewarded():
    tokens = jnp.asarray([[4, 5, 0, 0], [4, 5, 6, 7]])
    logits = jnp.full((2, 4), jnp.log(3.0))  # sigmoid 3/4
    found = [scratchgan.rewards(logits, tokens, at_end).tolist() for at_end in (False, True)]
    np.testing.assert_allclose(found, [[[0.5, 0.5, 0.5, 0], [0.5] * 4], [[0, 0, 0.5, 0], [0, 0, 0, 0.5]]], rtol=1e-6)
