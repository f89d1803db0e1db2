"""Batch norm: the formula, its moving averages, half precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.adapters import from_linen
from jgan.models.normalisation import BatchNorm


def images(*shape):
    return jnp.asarray(3 + 2 * np.random.default_rng(0).normal(size=shape), jnp.float32)


@pytest.fixture
def network():
    return from_linen(BatchNorm(momentum=0.8, epsilon=0.01))


@pytest.mark.parametrize("shape", [(6, 3), (4, 5, 2, 3)], ids=["features", "images"])
def test_the_statistics_of_the_batch_then_their_averages(network, shape):
    x, axes = images(*shape), tuple(range(len(shape) - 1))
    params, state = network.init(jax.random.key(0), x)
    params = {"scale": jnp.asarray([1.0, 2.0, 0.5]), "bias": jnp.asarray([0.0, 1.0, -1.0])}
    values = np.asarray(x)
    mean, variance = values.mean(axes), values.var(axes)
    scale, bias = (np.asarray(params[name]) for name in ("scale", "bias"))
    apply = jax.jit(network.apply, static_argnames="train")
    y, after = apply(params, state, x, train=True)
    np.testing.assert_allclose(y, (values - mean) / np.sqrt(variance + 0.01) * scale + bias, rtol=1e-4, atol=1e-5)
    averages = jax.tree.map(np.asarray, after["batch_stats"])
    np.testing.assert_allclose(averages["mean"], 0.2 * mean, rtol=1e-5)
    np.testing.assert_allclose(averages["variance"], 0.8 + 0.2 * variance, rtol=1e-5)
    y, unchanged = apply(params, after, x)
    expected = (values - averages["mean"]) / np.sqrt(averages["variance"] + 0.01) * scale + bias
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    jax.tree.map(np.testing.assert_array_equal, unchanged, after)


def test_initial_scales_spread_around_one():
    params, _ = from_linen(BatchNorm(deviation=0.02)).init(jax.random.key(0), jnp.zeros((2, 2000)))
    np.testing.assert_allclose([params["scale"].mean(), params["scale"].std()], [1, 0.02], rtol=0.1)
    assert (params["bias"] == 0).all()


def test_statistics_of_bfloat16_are_taken_in_float32(network):
    x = (100 + images(64, 3)).astype(jnp.bfloat16)
    params, state = network.init(jax.random.key(0), x)
    y, after = network.apply(params, state, x, train=True)
    _, exact = network.apply(params, state, x.astype(jnp.float32), train=True)
    assert y.dtype == jnp.bfloat16 and {p.dtype for p in jax.tree.leaves((params, after))} == {np.dtype("float32")}
    jax.tree.map(np.testing.assert_array_equal, after, exact)
