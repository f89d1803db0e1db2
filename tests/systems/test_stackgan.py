"""StackGAN in miniature."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, described, presets_of, records
from tests.systems.steps import moved

from jgan.evaluation import captions
from jgan.systems.stackgan import SYSTEM, Config, bilinear

TINY = Config(
    resolution=32,
    batch=8,
    limit=24,
    kimg=0.032,
    encoder_kimg=0.008,
    stage1_kimg=0.008,
    encoder_features=6,
    generator_features=4,
    discriminator_features=4,
    between_weight=0.5,
    stage2_generator_features=4,
    stage2_discriminator_features=4,
    blocks=1,
    text_features=4,
    latent_size=5,
)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


@pytest.mark.slow
def test_stage_2_trains_on_what_stage_1_has_learned():
    source = SYSTEM.data(TINY)
    batch = {name: jnp.asarray(np.stack([source.read(i)[name] for i in range(8)])) for name in source.fields}
    states, stages = [], SYSTEM.build(TINY, source.spec)[1:]
    with jax.numpy_dtype_promotion("standard"):
        for stage in stages:
            fresh = jax.jit(stage.training.init)(jax.random.key(len(states)), batch)
            begun = stage.grow(jax.random.key(9), states[-1][1], fresh) if states else fresh
            assert described(begun) == described(fresh)
            after, metrics = jax.jit(stage.training.step)(begun, batch, jax.random.key(1))
            assert all(np.isfinite(value) for value in metrics.values()) and metrics["generator/divergence"] > 0
            states.append((begun, after))
    changed = [{name for name in after._fields if moved(getattr(begun, name), getattr(after, name))} for begun, after in states]
    assert changed == [{"step", "generator", "discriminator", "average"}] * 2
    before, last = (after for _, after in states)
    assert not moved((before.average, before.generator.state), last.generator.state["small"]) and last.step == 2
    inputs = {"z": jnp.ones((2, 5 + 2 * 4)), "truncation": jnp.ones(2), "caption": batch["caption"][:2]}
    first, second = (jax.jit(s.training.sample)(state, None, inputs) for s, state in zip(stages, (before, last), strict=True))
    np.testing.assert_allclose(first["small"], second["small"], atol=1e-6)  # drawn as they were
    np.testing.assert_allclose(first["image"], bilinear(first["small"]), atol=1e-6)
    assert second["image"].shape == (2, 32, 32, 3) and np.abs(second["image"] - first["image"]).max() > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kimg": 0.016}, "expected encoder_kimg and stage1_kimg below kimg, 0.016, together, found 0.008 and 0.008"),
        ({"batch": 7}, "expected an even batch"),
        ({"resolution": 16}, "expected a resolution of 16, 32, 64, 128, ..., found 8"),
        ({"resolution": 33}, "expected a resolution"),
    ],
)
def test_settings_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        SYSTEM.build(dataclasses.replace(TINY, **changes), SYSTEM.data(TINY).spec)


@pytest.mark.slow
def test_system(tmp_path, monkeypatch):
    monkeypatch.setattr(captions, "UNSEEN", 40)
    monkeypatch.setattr(captions, "HELD_OUT_REPEATS", 2)
    arguments = {
        "sample": ["--seeds", "0-3", "--caption", "a large red moon", "--out", "OUT.png"],
        "interpolate": ["--captions", "a large red moon", "a large blue star", "--frames", "2", "--out", "OUT.gif"],
    }
    check_system(SYSTEM, dataclasses.replace(TINY, score_samples=16), tmp_path, arguments)
    scored = records(tmp_path / "whole")[-1]
    assert 0 <= scored["captions/exact/held_out_pairs"] <= 1 and any(name.startswith("score/exact/") for name in scored)
