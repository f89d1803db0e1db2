"""Bias, activation, gain and clamp against published vectors."""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.ops.activation import ACTIVATIONS, bias_activation

VECTORS = pathlib.Path(__file__).parents[2] / ".." / "shared" / "parity" / "ops.npz"
PUBLISHED = {"lrelu": "leaky_relu"}  # names that differ there


@pytest.mark.skipif(not VECTORS.exists(), reason="needs ../shared/parity/ops.npz")
def test_published_vectors():
    """There a gain stands instead of the activation's own one, and a clamp is not scaled by it."""
    with np.load(VECTORS) as file:
        cases = [c for c in json.loads(bytes(file["meta.json"])) if c["op"] == "bias_act"]
        assert {PUBLISHED.get(c["act"], c["act"]) for c in cases} == set(ACTIVATIONS)
        for case in cases:
            x, bias, expected = (file[f"{case['name']}.{part}"] for part in "xby")
            activation = PUBLISHED.get(case["act"], case["act"])
            gain = 1.0 if case["gain"] is None else case["gain"] / ACTIVATIONS[activation][1]
            clamp = None if case["clamp"] is None else case["clamp"] / gain
            found = bias_activation(jnp.asarray(np.moveaxis(x, 1, -1)), jnp.asarray(bias), activation, gain, clamp)
            np.testing.assert_allclose(np.moveaxis(found, -1, 1), expected, rtol=1e-4, atol=1e-6, err_msg=case["name"])


@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_the_clamp_scales_with_the_gain(gain):
    x = jnp.asarray([[-3.0, -0.1, 0.1, 3.0]])
    found = bias_activation(x, None, "linear", gain=gain, clamp=2.0)
    np.testing.assert_allclose(found, [[-2 * gain, -0.1 * gain, 0.1 * gain, 2 * gain]], rtol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("shape", [(2, 3), (2, 4, 5, 3)])
def test_dtype_and_shape_of_the_images(dtype, shape):
    found = bias_activation(jnp.ones(shape, dtype), jnp.asarray([0.0, 1.0, -3.0]), gain=0.5, clamp=1.0)
    assert found.dtype == dtype and found.shape == shape
    expected = np.clip(np.array([1.0, 2.0, -0.4]) * np.sqrt(2) * 0.5, -0.5, 0.5)
    np.testing.assert_allclose(found.astype(jnp.float32), np.broadcast_to(expected, shape), rtol=0.01)


def leaky_relu(x, gain):
    return bias_activation(x[None], gain=gain)[0]


def by_library(x):
    return jax.nn.leaky_relu(x, 0.2) * np.float32(np.sqrt(2))


@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_leaky_relu_and_its_slopes(gain):
    x, scale = jnp.asarray([-jnp.inf, -2.0, -0.0, 0.0, 3.0, jnp.inf, jnp.nan]), np.sqrt(2) * gain
    np.testing.assert_allclose(leaky_relu(x, gain), scale * np.asarray(jax.nn.leaky_relu(x, 0.2)), rtol=1e-6)
    slopes = np.diag(scale * np.asarray([0.2, 0.2, 1.0, 1.0, 1.0, 1.0, 0.2]))
    for jacobian in (jax.jacfwd, jax.jacrev):
        np.testing.assert_allclose(jax.jit(jacobian(lambda x: leaky_relu(x, gain)))(x), slopes, rtol=1e-6)


@pytest.mark.parametrize("derivative", [jax.jacfwd, jax.jacrev, lambda f: jax.vmap(jax.grad(f))], ids=["forward", "reverse", "lanes"])
def test_derivatives_of_a_penalty_through_leaky_relu(derivative):
    """As of R1: those of the squared norm of a gradient."""
    x = jnp.asarray(np.random.default_rng(0).normal(size=(4, 3)), jnp.float32)

    def penalty(function, x):
        return jnp.sum(jnp.square(jax.grad(lambda x: jnp.sum(jnp.sin(function(x))))(x)))

    found, expected = (jax.jit(derivative(lambda x, f=f: penalty(f, x)))(x) for f in (lambda x: leaky_relu(x, 1.0), by_library))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_no_gradient_beyond_the_clamp():
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(bias_activation(x, None, "relu", clamp=1.0))))(jnp.asarray([-1.0, 0.5, 2.0]))
    np.testing.assert_allclose(gradient, [0.0, np.sqrt(2), 0.0], rtol=1e-6)


def test_unknown_activation():
    with pytest.raises(ValueError, match=r"expected an activation of \['elu', .*found 'lrelu'"):
        bias_activation(jnp.zeros((1, 2)), activation="lrelu")
