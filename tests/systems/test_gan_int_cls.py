"""GAN-INT-CLS in miniature."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from tests.systems.check import check_presets, check_system, presets_of, records
from tests.systems.steps import moved
from tests.systems.untrained import random_run

from jgan.data.procedural import grammar
from jgan.data.vocabulary import decode
from jgan.evaluation import captions
from jgan.run.trained import load
from jgan.systems.gan_int_cls import SYSTEM, Config

TINY = Config(
    resolution=16,
    batch=8,
    limit=24,
    kimg=0.032,
    encoder_kimg=0.016,
    encoder_features=6,
    generator_features=4,
    discriminator_features=4,
    text_features=4,
    latent_size=5,
)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


@pytest.mark.slow
def test_each_stage_trains_its_part():
    source = SYSTEM.data(TINY)
    batch = {name: jnp.asarray(np.stack([source.read(i)[name] for i in range(8)])) for name in source.fields}
    stages = SYSTEM.build(TINY, source.spec)
    with jax.numpy_dtype_promotion("standard"):
        states = [jax.jit(stages[0].training.init)(jax.random.key(0), batch)]
        for stage in stages:
            state, metrics = jax.jit(stage.training.step)(states[-1], batch, jax.random.key(1))
            assert all(np.isfinite(value) for value in metrics.values())
            states.append(state)
    changed = [
        {name for name in state._fields if moved(getattr(before, name), getattr(state, name))}
        for before, state in zip(states, states[1:], strict=False)
    ]
    assert changed == [{"step", "encoder"}, {"step", "generator", "discriminator", "average"}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder_kimg": 0.032}, "expected encoder_kimg below kimg, 0.032, found 0.032"),
        ({"batch": 7}, "expected an even batch"),
        ({"resolution": 24}, "expected a resolution of 16, 32"),
    ],
)
def test_settings_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        SYSTEM.build(dataclasses.replace(TINY, **changes), SYSTEM.data(TINY).spec)


def test_pairs_are_held_out_of_shapes_only(tmp_path):
    held_out = dataclasses.replace(TINY, hold_out=True, limit=300)
    sources = [SYSTEM.data(config) for config in (held_out, dataclasses.replace(TINY, limit=300))]
    texts = [decode(source.columns["caption"], source.names["caption"]) for source in sources]
    assert texts[0] == [text for text in texts[1] if not grammar.says_held_out(text)] and len(texts[0]) < 300
    assert sources[0].spec == sources[1].spec
    with pytest.raises(ValueError, match="expected shapes to hold out pairs"):
        SYSTEM.data(dataclasses.replace(held_out, data=str(_pictures(tmp_path))))


def _pictures(folder):
    for number in range(2):
        Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(folder / f"{number}.png")
    (folder / "captions.csv").write_text("file,caption\n0,a moon\n1,a star\n")
    return folder


def test_captions_in_images_out(tmp_path):
    trained = load(random_run(SYSTEM, TINY, tmp_path / "run", scale=0.1))
    weights = {name: np.abs(value) if name.endswith("variance") else value for name, value in trained.weights.items()}
    trained = dataclasses.replace(trained, weights=weights)
    images = trained(range(3), caption="a large red moon")
    assert images.shape == (3, 16, 16, 3) and images.dtype == np.uint8 and len(np.unique(images, axis=0)) == 3
    text = trained.outputs(caption=["a large red moon", "a large blue star"], only="text")["text"]
    np.testing.assert_allclose(np.mean(text**2, axis=1), 1, rtol=1e-3)
    assert (text[0] != text[1]).any()
    again = trained(range(3), caption=["a large blue star"] * 3, text=np.repeat(text[:1], 3, axis=0))
    np.testing.assert_array_equal(again, images)  # embeddings take the place of captions
    with pytest.raises(ValueError, match="expected caption in words of the data, found crimson, mon; the nearest known are moon"):
        trained(caption="a large crimson mon")


@pytest.mark.slow
def test_system(tmp_path, monkeypatch):
    monkeypatch.setattr(captions, "UNSEEN", 40)
    arguments = {
        "sample": ["--seeds", "0-3", "--caption", "a large red moon", "--out", "OUT.png"],
        "interpolate": ["--captions", "a large red moon", "a large blue star", "--frames", "2", "--out", "OUT.gif"],
    }
    check_system(SYSTEM, dataclasses.replace(TINY, score_samples=16), tmp_path, arguments)
    scored = records(tmp_path / "whole")[-1]
    assert 0 <= scored["captions/exact/held_out_pairs"] <= 1
