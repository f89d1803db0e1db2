"""The first StyleGAN in miniature: its stages, its truncation, and its commands."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of

from jgan.systems.stylegan1 import SYSTEM, Config

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
    style_size=6,
    mapping_layers=2,
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
def test_coarse_layers_are_truncated_towards_the_running_mean():
    """At 64 px the eight layers up to 32 px are, the two of 64 px are not."""
    config = dataclasses.replace(TINY, resolution=64, first_resolution=64)
    (stage,) = SYSTEM.build(config, SYSTEM.data(config).spec)
    state = stage.training.init(jax.random.key(0), {"image": jnp.zeros((2, 64, 64, 3), jnp.uint8)})
    network = state.generator.state
    mean = {"average": {"w": jnp.full((6,), 0.5)}}
    state = state._replace(generator=state.generator._replace(state={**network, "mapping": mean}))
    draw = jax.jit(lambda truncation: stage.training.sample(state, None, {"z": jnp.ones((2, 6)), "truncation": truncation}))
    whole, some = (draw(jnp.full((2,), truncation))["ws"] for truncation in (1.0, 0.25))
    assert whole.shape == (2, 10, 6) and (whole == whole[:, :1]).all()
    np.testing.assert_allclose(some[:, :8], 0.5 + 0.25 * (whole[:, :8] - 0.5), rtol=1e-5)
    np.testing.assert_array_equal(some[:, 8:], whole[:, 8:])
