"""DAGAN in miniature, on embedded shapes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of
from tests.systems.steps import moved, play

from jgan.run.settings import changeable_fields
from jgan.systems.dagan import SYSTEM, Config, _adam, _turned, open_letters

TINY = Config(resolution=16, features=4, latent_size=4, batch=8, limit=40, partners=2, mismatched=True, symmetries=True)
PAPER = {"loss": "wasserstein", "discriminator_steps": 2, "dropout": 0.5, "mismatched": False}


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    of_embedded = dataclasses.replace(SYSTEM.presets[name], held_out=TINY.held_out)
    check_presets(SYSTEM._replace(presets={"tiny": TINY, name: of_embedded}), [name])


def test_the_length_of_a_run_says_how_fast_it_learns_and_stays():
    assert "kimg" not in changeable_fields(Config) and "score_kimg" in changeable_fields(Config)


def test_classes_that_are_held_out():
    learned, unseen = open_letters(TINY), open_letters(TINY, "test")
    names = [{source.names["label"][label] for label in source.columns["label"]} for source in (learned, unseen)]
    assert names[1] == {"star", "moon"} and not names[0] & names[1] and learned.size + unseen.size == TINY.limit
    with pytest.raises(ValueError, match="expected the split train, or test .*, found val"):
        open_letters(TINY, "val")


def test_both_images_of_a_pair_are_turned_alike():
    first = np.random.default_rng(0).integers(0, 255, (64, 16, 16, 1)).astype(np.uint8)
    found = _turned({"input": first, "target": 255 - first, "label": np.arange(64)}, jax.random.key(0))
    np.testing.assert_array_equal(found["target"], 255 - found["input"])
    assert moved(first, found["input"])


def test_a_step():
    first, last, metrics = play(SYSTEM, TINY, steps=1)
    for player in ("generator", "discriminator"):
        assert moved(getattr(first, player).params, getattr(last, player).params)
    assert metrics["discriminator/r1"] > 0 and np.isfinite(metrics["generator/loss"]).all()


@pytest.mark.slow
def test_the_paper():
    _, last, metrics = play(SYSTEM, dataclasses.replace(TINY, **PAPER), steps=1)
    assert metrics["discriminator/gradient_penalty"] > 0 and last.discriminator.guard.skipped == 0


def test_the_rate_falls_over_the_second_half_of_the_updates():
    changes = []
    with jax.numpy_dtype_promotion("standard"):  # optax promotes dtypes implicitly
        adam = _adam(dataclasses.replace(TINY, beta1=0.0, beta2=0.0, learning_rate=0.5), 4)
        state = adam.init(jnp.zeros(()))
        for _ in range(5):
            change, state = adam.update(jnp.ones(()), state)
            changes.append(float(change))
    np.testing.assert_allclose(changes, [-0.5, -0.5, -0.5, -0.25, 0.0], atol=1e-6)


@pytest.mark.slow
def test_system(tmp_path):
    trained = check_system(SYSTEM, TINY, tmp_path, skip=("translate",))
    images = np.zeros((3, 16, 16, 1), np.uint8)
    assert trained(range(3), input=images).shape == images.shape
