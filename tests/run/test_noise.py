"""Trained generators of noise from Python: a seed has its image, samples to be measured, parts of checkpoints."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.run import noise
from jgan.types import Network

SHAPE = (2, 3, 1)


@pytest.fixture
def trained():
    def apply(params, state, z):
        return jnp.clip(z @ params + state, -1.0, 1.0).reshape(-1, *SHAPE), state

    weights = np.random.default_rng(0).normal(size=(4, 6)) / 4
    return noise.Trained(Network(None, apply), jnp.asarray(weights, jnp.float32), jnp.float32(0.1), 4, SHAPE)


def test_a_seed_has_its_image_whatever_is_drawn_beside_it(trained):
    images = trained(range(100))
    assert images.shape == (100, *SHAPE) and images.dtype == np.uint8
    np.testing.assert_array_equal(trained([99, 0, 7]), images[[99, 0, 7]])
    assert len(np.unique(images.reshape(100, -1), axis=0)) == 100


def test_truncation_leads_to_the_image_of_zero(trained):
    expected = np.full((2, *SHAPE), round(0.1 * 127.5 + 127.5))
    np.testing.assert_array_equal(trained([0, 1], truncation=0.0), expected)
    np.testing.assert_array_equal(trained.sampler(None, 0.0, 2)(jax.random.key(0))["image"], np.full((2, *SHAPE), 0.1, np.float32))


def test_images_to_be_measured(trained):
    draw = trained.sampler(np.arange(3), batch=500)
    drawn, again, other = (draw(jax.random.key(seed))["image"] for seed in (0, 0, 1))
    assert drawn.shape == (500, *SHAPE)
    np.testing.assert_array_equal(drawn, again)
    assert jnp.abs(drawn - other).max() > 0.1
    deviation = jnp.linalg.norm(trained.params, axis=0)
    np.testing.assert_allclose(jnp.std(drawn, axis=0).reshape(-1), deviation, rtol=0.2)


@pytest.mark.parametrize("n", [1, 4, 6])
def test_in_batches(n):
    seen = []

    def function(x):
        seen.append(x.shape)
        return x.sum(axis=1)

    x = jnp.arange(3.0 * n).reshape(n, 3)
    np.testing.assert_array_equal(noise.in_batches(function, x, 4), x.sum(axis=1))
    assert set(seen) == {(4, 3)}


def test_inputs_of_a_run():
    first, again, other = (noise.inputs(seed, 5, followed=6, scored=7) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first["inputs"]["z"], again["inputs"]["z"])
    assert np.abs(first["inputs"]["z"] - other["inputs"]["z"]).max() > 0.1
    drawn = [first["draw_inputs"](jax.random.key(seed))["z"] for seed in (0, 1)]
    assert first["inputs"]["z"].shape == (6, 5) and drawn[0].shape == (7, 5)
    assert np.abs(drawn[0] - drawn[1]).max() > 0.1
