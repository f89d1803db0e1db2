"""ProGAN in miniature: its stages, and runs that stop inside of a fade."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of, records, same_run, stopped_at

from jgan.run.main import main
from jgan.run.plan import legs
from jgan.systems import _growing
from jgan.systems.progan import SYSTEM, Config

# 4 px for two steps, then 8 px, which fade in for three.
TINY = Config(
    resolution=8,
    first_resolution=4,
    batch=8,
    stable_kimg=0.016,
    fade_kimg=0.024,
    channel_base=32,
    channel_max=8,
    latent_size=6,
    limit=40,
    score_samples=16,
)


@pytest.fixture(autouse=True)
def implicit_promotion():
    """optax promotes dtypes implicitly."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


@pytest.mark.slow
def test_system(tmp_path):
    """Without the score, for whose classifier the images are too small."""
    check_system(SYSTEM._replace(score=None), TINY, tmp_path)


@pytest.mark.slow
def test_every_command(tmp_path):
    check_system(SYSTEM, dataclasses.replace(TINY, resolution=16, first_resolution=8), tmp_path, skip=())


@pytest.mark.slow
def test_a_run_that_stops_inside_of_a_fade(tmp_path):
    system = SYSTEM._replace(presets={"tiny": TINY}, score=None)
    settings = ["--kimg=0.032", "--record-kimg=0.008", "--checkpoint-kimg=0.008", "--steps-per-call=1", "--devices=1"]
    main(system, ["train", "--workdir", str(tmp_path / "whole"), *settings])
    with stopped_at(3), pytest.raises(SystemExit):
        main(system, ["train", "--workdir", str(tmp_path / "parts"), *settings])
    main(system, ["train", "--resume", str(tmp_path / "parts")])
    same_run(tmp_path / "whole", tmp_path / "parts")
    for run in ("whole", "parts"):
        np.testing.assert_allclose([record["alpha"] for record in records(tmp_path / run)], [1, 1, 0, 1 / 3], rtol=1e-6)


def grown_states():
    """The last state of the first stage and the first of the second, and both stages."""
    config = dataclasses.replace(TINY, kimg=0.032, steps_per_call=1)
    source = SYSTEM.data(config)
    stages = SYSTEM.build(config, source.spec)
    batches = [{"image": jnp.asarray(np.stack([stage.source().read(i)["image"] for i in range(8)]))} for stage in stages]
    before = stages[0].training.init(jax.random.key(0), batches[0])
    for _ in range(2):
        before, _ = jax.jit(stages[0].training.step)(before, batches[0], jax.random.key(1))
    fresh = stages[1].training.init(jax.random.key(2), batches[1])
    return stages, before, stages[1].grow(None, before, fresh), fresh


def test_what_grows_and_what_stays():
    stages, before, after, fresh = grown_states()
    inputs = {"z": jax.random.normal(jax.random.key(3), (3, 6)), "truncation": jnp.ones((3,))}
    images = [stage.training.sample(state, None, inputs)["image"] for stage, state in zip(stages, (before, after), strict=True)]
    assert images[0].shape == (3, 8, 8, 3)
    np.testing.assert_allclose(images[1], images[0], atol=1e-6)
    assert after.step == 2 and jax.tree.structure(after) == jax.tree.structure(fresh)
    for name in ("generator", "discriminator"):
        moments, old, new = (getattr(state, name).optimizer[0] for state in (after, before, fresh))
        np.testing.assert_array_equal(moments.nu["level_0"]["kernel"], old.nu["level_0"]["kernel"])
        np.testing.assert_array_equal(moments.nu["level_1"]["conv0"]["kernel"], new.nu["level_1"]["conv0"]["kernel"])
        assert moments.count == 2 and "level_1" not in old.nu
    np.testing.assert_array_equal(after.average["level_1"]["conv0"]["kernel"], fresh.average["level_1"]["conv0"]["kernel"])
    np.testing.assert_array_equal(after.average["dense"]["kernel"], before.average["dense"]["kernel"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [5_000, 15_000, 20_000]),
        ({"kimg": 16.0}, [5_000, 11_000]),
        ({"kimg": 3.0}, [3_000]),
        ({"first_resolution": 32}, [40_000]),
        ({"first_resolution": 16}, [5_000, 35_000]),
    ],
)
def test_lengths_of_stages(changes, expected):
    config = dataclasses.replace(TINY, resolution=32, first_resolution=8, fade_kimg=10.0, stable_kimg=5.0, kimg=40.0)
    config = dataclasses.replace(config, **changes)
    stages = SYSTEM.build(config, SYSTEM.data(config).spec)
    assert [stage.images for stage in stages] == expected
    first = config.first_resolution
    assert [stage.source().fields["image"].shape[0] for stage in stages] == [first * 2**number for number in range(len(stages))]


def test_alpha_is_a_function_of_images_seen():
    """Whatever the batches are, the new level has the same share at the same image."""
    for batch in (4, 16):
        config = dataclasses.replace(TINY, fade_kimg=0.32, stable_kimg=0.16, kimg=1.0, batch=batch)
        stages = SYSTEM.build(config, SYSTEM.data(config).spec)
        border = legs(stages, config.steps_per_call)[1].first
        assert border * batch == {4: 160, 16: 192}[batch]  # whole calls of four steps
        shares = [_growing.share(jnp.int32(border + seen // batch), border, batch, 320.0) for seen in (0, 80, 160, 320, 800)]
        np.testing.assert_allclose(shares, [0, 0.25, 0.5, 1, 1])


def test_real_images_fade_in_as_generated_ones():
    seen = []
    spy = _growing.Training(None, lambda state, batch, key: (seen.append(batch) or state, {}), None)  # type: ignore[arg-type]
    state = type("State", (), {"step": jnp.int32(1)})
    images = jnp.asarray(np.random.default_rng(0).normal(size=(2, 8, 8, 3)), jnp.float32)
    _, metrics = _growing.fading(spy, 4, 8, lambda step: jnp.float32(0.25), True).step(state, {"image": images}, None)
    small = np.asarray(images).reshape(2, 4, 2, 4, 2, 3).mean((2, 4))
    coarse = np.repeat(np.repeat(small.reshape(2, 2, 2, 2, 2, 3).mean((2, 4)), 2, 1), 2, 2)
    np.testing.assert_allclose(seen[0]["image"], 0.25 * small + 0.75 * coarse, atol=1e-6)
    np.testing.assert_allclose(seen[0]["alpha"], [0.25, 0.25])
    assert metrics == {"alpha": 0.25}


@pytest.mark.parametrize("resolution, first", [(16, 12), (16, 32), (32, 5)])
def test_resolutions_that_no_level_has(resolution, first):
    config = dataclasses.replace(TINY, data="no/such/folder", resolution=resolution, first_resolution=first)
    with pytest.raises(ValueError, match=f"expected a first resolution of 4, 8, .*, found {first}"):
        SYSTEM.data(config)
