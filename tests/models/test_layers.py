"""Layers with equalized learning rate: variances, learning rates, statistics of the batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.layers import Convolution, Dense, StyledConvolution, ToImage, minibatch_deviation, unit_length


def normal(*shape):
    return jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)


@pytest.mark.parametrize("n, group, used", [(8, 4, 4), (6, 4, 3), (5, 4, 1), (2, 4, 2), (4, 1, 1)])
def test_minibatch_deviation(n, group, used):
    x = np.asarray(normal(n, 3, 2, 5))
    found = jax.jit(minibatch_deviation, static_argnums=1)(x, group)
    np.testing.assert_array_equal(found[..., :5], x)
    for i in range(n):
        together = x[i % (n // used) :: n // used]
        assert len(together) == used
        np.testing.assert_allclose(found[i, ..., 5], np.mean(np.sqrt(together.var(axis=0) + 1e-8)), rtol=1e-5)


def test_minibatch_deviation_of_bfloat16_is_computed_in_float32():
    x = 100 + normal(4, 2, 2, 8)
    half = minibatch_deviation(x.astype(jnp.bfloat16))
    exact = minibatch_deviation(x.astype(jnp.bfloat16).astype(jnp.float32))
    assert half.dtype == jnp.bfloat16
    np.testing.assert_allclose(half[..., 8].astype(jnp.float32), exact[..., 8], rtol=0.005)


def test_unit_length():
    x = normal(4, 16) * jnp.asarray([[1.0], [1e3], [1e-2], [0.0]])
    found = unit_length(x)
    np.testing.assert_allclose(jnp.mean(found[:3] ** 2, axis=1), 1, rtol=1e-3)
    np.testing.assert_allclose(found[0] * jnp.sqrt(jnp.mean(x[0] ** 2)), x[0], rtol=1e-5)
    np.testing.assert_array_equal(found[3], 0)


IMAGES = (64, 6, 6, 32)
LAYERS = {  # module, shapes of the inputs
    "dense": (Dense(64), [(512, 32)]),
    "dense, slow": (Dense(64, "leaky_relu", rate=0.01), [(512, 32)]),
    "convolution": (Convolution(32), [IMAGES]),
    "one by one, linear": (Convolution(32, 1, "linear"), [IMAGES]),
    "styled": (StyledConvolution(32), [IMAGES, (64, 16)]),
    "to image": (ToImage(16), [IMAGES, (64, 16)]),
}


@pytest.mark.parametrize("name", LAYERS)
def test_unit_variance_stays_about_one(name):
    """The second moment, which is what He initialisation keeps; the border of a convolution sees padding."""
    module, shapes = LAYERS[name]
    inputs = [normal(*shape) for shape in shapes]
    if len(inputs) == 2:
        inputs[1] = jnp.zeros_like(inputs[1])  # the styles are then 1
    inputs += [None] if name == "styled" else []
    found = jax.jit(lambda key: module.init_with_output(key, *inputs)[0])(jax.random.key(0))
    inner = found[:, 1:-1, 1:-1] if found.ndim == 4 else found
    np.testing.assert_allclose(np.mean(np.square(inner)), 1, rtol=0.2)


def test_a_rate_slows_learning_and_nothing_else():
    x, fast, slow = normal(8, 16), Dense(4, bias=1.0), Dense(4, rate=0.01, bias=1.0)
    params = jax.jit(fast.init)(jax.random.key(0), x)
    scaled = jax.tree.map(lambda p: p * 100, params)
    np.testing.assert_allclose(jax.jit(slow.init)(jax.random.key(0), x)["params"]["bias"], 100, rtol=1e-6)
    np.testing.assert_allclose(jax.jit(slow.apply)(scaled, x), jax.jit(fast.apply)(params, x), rtol=1e-5, atol=1e-5)
    gradients = [jax.jit(jax.grad(lambda p, m=m: jnp.sum(m.apply(p, x) ** 2)))(p) for m, p in ((fast, params), (slow, scaled))]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a * 0.01, b, rtol=1e-4, atol=1e-5), *gradients)


@pytest.mark.parametrize("module", [Convolution(8), Convolution(8, 1, use_bias=False), Convolution(8, down=True, clamp=0.1)])
def test_half_precision_in_half_precision_out(module):
    params = jax.jit(module.init)(jax.random.key(0), normal(2, 4, 6, 3))
    assert {p.dtype for p in jax.tree.leaves(params)} == {jnp.dtype(jnp.float32)}
    found = jax.jit(lambda params, x: module.apply(params, x, 0.5))(params, normal(2, 4, 6, 3).astype(jnp.bfloat16))
    assert found.dtype == jnp.bfloat16
    assert found.shape == ((2, 2, 3, 8) if module.down else (2, 4, 6, 8))
    assert module.clamp is None or jnp.max(jnp.abs(found)) <= 0.051


def test_noise_enters_with_its_learned_strength():
    module, x, w, noise = StyledConvolution(3, up=True), normal(2, 4, 4, 3), normal(2, 8), normal(2, 8, 8, 1)
    params = jax.jit(module.init)(jax.random.key(0), x, w, noise)
    apply = jax.jit(module.apply)
    plain = apply(params, x, w, None)
    np.testing.assert_array_equal(apply(params, x, w, noise), plain)
    noisy = {"params": {**params["params"], "noise_strength": jnp.float32(0.5)}}
    before = [np.where(y > 0, y, y * 5) / np.float32(np.sqrt(2)) for y in map(np.asarray, (plain, apply(noisy, x, w, noise)))]
    np.testing.assert_allclose(before[1] - before[0], np.broadcast_to(0.5 * noise, plain.shape), rtol=1e-3, atol=1e-4)
