"""Path length: closed forms, second order, precision and errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jgan import penalties


def synthesize(kernel, w):
    """Images [N, 2, 3, 1] that depend linearly on the styles w [N, L, D] or [N, D]."""
    flat = w.reshape(w.shape[0], -1)
    return (flat @ kernel).reshape(-1, 2, 3, 1)


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("layers", [None, 1, 4])
def test_lengths_and_their_gradients_follow_the_closed_form(layers, double_precision):
    shape = (5, 2) if layers is None else (5, layers, 2)
    w, y = draw(0, *shape), draw(1, 5, 2, 3, 1)
    count = layers or 1
    kernel = draw(2, 2 * count, 6)
    pulled = y.reshape(5, 6) @ kernel.T
    lengths = np.sqrt((pulled**2).sum(axis=1) / count)
    slope = np.einsum("ni,nj->ij", pulled / (count * lengths[:, None]), y.reshape(5, 6))

    def total(kernel):
        values = penalties.path_lengths_along(jnp.asarray(y), lambda w: synthesize(kernel, w), jnp.asarray(w))
        return jnp.sum(values), values

    (_, values), gradient = jax.jit(jax.value_and_grad(total, has_aux=True))(jnp.asarray(kernel))
    np.testing.assert_allclose(values, lengths, rtol=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-12, atol=1e-12)


def test_directions_are_normal_over_the_root_of_the_pixels():
    """E|J^T y|^2 is the squared Frobenius norm of J over the number of pixels."""
    kernel = jnp.asarray(draw(2, 2, 6), jnp.float32)
    lengths = penalties.path_lengths(jax.random.key(0), lambda w: synthesize(kernel, w), jnp.zeros((8192, 2)))
    np.testing.assert_allclose(jnp.mean(jnp.square(lengths)), jnp.sum(jnp.square(kernel)) / 6, rtol=0.05)


def test_penalty_is_the_squared_distance_to_the_mean_length():
    kernel, w, key = jnp.asarray(draw(2, 4, 6), jnp.float32), jnp.asarray(draw(0, 5, 2, 2), jnp.float32), jax.random.key(0)
    lengths = penalties.path_lengths(key, lambda w: synthesize(kernel, w), w)
    penalty, of_mean = jax.value_and_grad(lambda mean: penalties.path_length(key, lambda w: synthesize(kernel, w), w, mean)[0])(0.5)
    np.testing.assert_allclose(penalty, (lengths[0] - 0.5) ** 2, rtol=1e-6)
    assert of_mean == 0.0


def test_derivatives_of_a_nonlinear_generator(double_precision):
    w = jnp.asarray(draw(0, 3, 2, 2))
    penalty = jax.jit(lambda kernel: penalties.path_length(jax.random.key(0), lambda w: jnp.tanh(synthesize(kernel, w)), w, 0.5))
    check_grads(penalty, (jnp.asarray(draw(2, 4, 6)),), order=1, modes=["fwd", "rev"], rtol=1e-4)


def test_half_precision_gives_float32():
    kernel, w = jnp.asarray(draw(2, 4, 6), jnp.bfloat16), jnp.asarray(draw(0, 5, 2, 2), jnp.bfloat16)
    assert penalties.path_lengths(jax.random.key(0), lambda w: synthesize(kernel, w), w).dtype == jnp.float32


def test_generator_that_ignores_its_style_has_finite_gradients():
    w = jnp.ones((2, 3))
    slope = jax.grad(lambda k: jnp.sum(penalties.path_length(jax.random.key(0), lambda w: k * w[:, None, None], w, 1.0)))(0.0)
    assert jnp.isfinite(slope)


def test_wrong_shapes_are_refused():
    key, w = jax.random.key(0), jnp.zeros((5, 2))
    with pytest.raises(ValueError, match=r"images \[N, H, W, C\], found \(5, 2\)"):
        penalties.path_lengths(key, lambda w: w, w)
    with pytest.raises(ValueError, match=r"w of shape \[N, L, D\] or \[N, D\], found \(5, 2, 1, 1\)"):
        penalties.path_lengths(key, lambda w: w, w[:, :, None, None])
    with pytest.raises(ValueError, match=r"N = 5, found \(5, 3\) and \(5, 2\)"):
        penalties.path_lengths_along(jnp.zeros((5, 3)), lambda w: w, w)


def test_what_the_average_after_its_update_changes():
    """The mean of the lengths is pulled 0.99^2 times as much, and their variance is what it was: the docstring of `make_losses`."""
    lengths, average = jnp.asarray([0.5, 1.0, 3.0]), 0.7

    def published(lengths):
        return jnp.mean(jnp.square(lengths - (average + 0.01 * (jnp.mean(lengths) - average))))

    def stated(lengths):
        return jnp.var(lengths) + 0.99**2 * jnp.square(jnp.mean(lengths) - average)

    for f in (lambda f: f(lengths), lambda f: jax.grad(f)(lengths)):
        np.testing.assert_allclose(f(published), f(stated), rtol=1e-5)
