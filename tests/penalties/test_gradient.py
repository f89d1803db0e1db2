"""Gradient penalties: closed forms in float64, equality with reverse over reverse, transformations, precision and errors."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jgan import penalties


def quadratic(params, x):
    """D(x) = x^T A x / 2 + b^T x, whose gradient is S x + b with S = (A + A^T) / 2."""
    return 0.5 * jnp.einsum("ni,ij,nj->n", x, params["a"], x) + x @ params["b"]


# name -> (penalty of (critic, x), f, f') with f a function of the gradient's norm
OF_NORM = {
    "r1": (penalties.r1, lambda n: n**2, lambda n: 2 * n),
    "r2": (penalties.r2, lambda n: n**2, lambda n: 2 * n),
    "two_sided": (penalties.gradient_penalty_at, lambda n: (n - 1) ** 2, lambda n: 2 * (n - 1)),
    "zero_centred": (functools.partial(penalties.gradient_penalty_at, target=0.0), lambda n: n**2, lambda n: 2 * n),
    "one_sided": (
        functools.partial(penalties.gradient_penalty_at, target=2.0, one_sided=True),
        lambda n: np.maximum(n - 2, 0) ** 2,
        lambda n: 2 * np.maximum(n - 2, 0),
    ),
}


def drawn(key, name):
    """Penalties that draw, as functions of (critic, real, fake)."""
    return {
        "gradient_penalty": lambda critic, real, fake: penalties.gradient_penalty(key, critic, real, fake),
        "lipschitz": lambda critic, real, fake: penalties.lipschitz(key, critic, real, fake, target=0.1),
        "dragan": lambda critic, real, fake: penalties.dragan(key, critic, real),
        "max_gradient": lambda critic, real, fake: penalties.max_gradient(critic, real),
        "r1": lambda critic, real, fake: penalties.r1(critic, real),
    }[name]


DRAWN = ["gradient_penalty", "lipschitz", "dragan", "max_gradient", "r1"]


@pytest.mark.parametrize("name", OF_NORM)
def test_value_and_gradients_are_those_of_the_closed_form(name, double_precision):
    penalty, f, slope = OF_NORM[name]
    random = np.random.default_rng(0)
    a, b, x = random.normal(size=(4, 4)), random.normal(size=4), random.normal(size=(5, 4))
    gradient = x @ (0.5 * (a + a.T)) + b
    norm = np.linalg.norm(gradient, axis=1)
    outward = slope(norm)[:, None] * gradient / norm[:, None]
    expected = {"a": 0.5 * (outward.T @ x + x.T @ outward), "b": outward.sum(axis=0)}

    def total(params, x):
        values = penalty(functools.partial(quadratic, params), x)
        return jnp.sum(values), values

    params = {"a": jnp.asarray(a), "b": jnp.asarray(b)}
    (_, values), (of_params, of_x) = jax.jit(jax.value_and_grad(total, argnums=(0, 1), has_aux=True))(params, jnp.asarray(x))
    np.testing.assert_allclose(values, f(norm), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(of_params["a"], expected["a"], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(of_params["b"], expected["b"], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(of_x, outward @ (0.5 * (a + a.T)), rtol=1e-12, atol=1e-12)


def convolutional(params, images):
    x = jax.lax.conv_general_dilated(images, params["first"], (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    x = x - jnp.mean(x, axis=0, keepdims=True)  # a critic that mixes examples, as batch statistics do
    return jnp.mean(jnp.tanh(x), axis=(1, 2)) @ params["last"]


def conv_inputs(dtype=jnp.float32):
    random = np.random.default_rng(1)
    params = {"first": random.normal(size=(3, 3, 3, 4)), "last": random.normal(size=4)}
    images = random.normal(size=(2, 8, 6, 6, 3))
    return jax.tree.map(lambda x: jnp.asarray(x, dtype), params), jnp.asarray(images[0], dtype), jnp.asarray(images[1], dtype)


def reverse_over_reverse(critic, x):
    gradient = jax.grad(lambda x: jnp.sum(critic(x)))(x)
    return jnp.sum(jnp.square(gradient), axis=(1, 2, 3))


@pytest.mark.parametrize("transformed", ["plain", "remat", "vmap", "scan"])
def test_r1_gradient_equals_reverse_over_reverse(transformed):
    params, real, _ = conv_inputs()
    critic = jax.checkpoint(convolutional) if transformed == "remat" else convolutional

    def gradient_with(penalty):
        def mean(params):
            return jnp.mean(penalty(lambda x: critic(params, x), real))

        gradient = jax.value_and_grad(mean)
        if transformed == "vmap":  # a population of critics
            return jax.vmap(gradient)(jax.tree.map(lambda p: jnp.stack([p, 2.0 * p]), params))
        if transformed == "scan":
            return jax.lax.scan(
                lambda carry, scale: (carry, gradient(jax.tree.map(lambda p: scale * p, params))), None, jnp.arange(1.0, 3.0)
            )
        return gradient(params)

    results = jax.jit(lambda: [gradient_with(penalty) for penalty in (penalties.r1, reverse_over_reverse)])()
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=2e-5, atol=1e-7), *results)


@pytest.mark.parametrize("name", DRAWN)
def test_derivatives(name, double_precision):
    random = np.random.default_rng(3)
    w, real, fake = (jnp.asarray(random.normal(size=shape)) for shape in ((3, 2), (4, 3), (4, 3)))

    def mixing(w, x):
        y = jnp.tanh(x @ w)
        return jnp.sum(y, axis=1) * jnp.mean(y)

    check_grads(jax.jit(lambda w: jnp.sum(drawn(jax.random.key(0), name)(lambda x: mixing(w, x), real, fake))), (w,), order=1, rtol=1e-5)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("shape", [(4, 7), (4, 3, 5, 1), (4, 2, 2, 2, 3)])
def test_linear_critics_have_the_norm_of_their_weights(name, shape):
    random = np.random.default_rng(2)
    w, real, fake = (jnp.asarray(random.normal(size=s), jnp.float32) for s in (shape[1:], shape, shape))
    penalty = drawn(jax.random.key(0), name)
    result = jax.jit(lambda w, *images: penalty(lambda x: jnp.sum(x * w[None], axis=tuple(range(1, x.ndim))), *images))(w, real, fake)
    norm = np.linalg.norm(np.asarray(w))
    expected = {"lipschitz": (norm - 0.1) ** 2, "max_gradient": norm**2, "r1": norm**2}.get(name, (norm - 1) ** 2)
    np.testing.assert_allclose(result, np.full(4, expected), rtol=2e-5)


@pytest.mark.parametrize("name", DRAWN)
def test_half_precision_gives_float32(name):
    params, real, fake = conv_inputs(jnp.bfloat16)
    penalty = drawn(jax.random.key(0), name)
    value, slope = jax.jit(jax.value_and_grad(lambda p: jnp.mean(penalty(lambda x: convolutional(p, x), real, fake))))(params)
    assert value.dtype == jnp.float32 and all(jnp.all(jnp.isfinite(s)) for s in jax.tree.leaves(slope))


@pytest.mark.parametrize("name", DRAWN)
def test_squares_beyond_the_range_of_float16(name):
    """A gradient of ten times 100 has the square 1e5, and the largest float16 is 65504."""
    w, x = jnp.full((10,), 100.0, jnp.float16), jnp.zeros((2, 10), jnp.float16)
    penalty = drawn(jax.random.key(0), name)
    values, pullback = jax.vjp(lambda w: penalty(lambda x: x @ w, x, x), w)
    assert values.dtype == jnp.float32
    np.testing.assert_allclose(values, np.full(2, 1e5), rtol=0.01)
    np.testing.assert_allclose(pullback(jnp.full(2, 0.5))[0], np.full(10, 200.0), rtol=0.01)


@pytest.mark.parametrize("name", DRAWN)
def test_flat_critic_has_finite_gradients(name):
    """At gradient 0 the norm has no derivative: it must not become NaN."""
    x = jnp.ones((3, 4))
    slope = jax.jit(jax.grad(lambda w: jnp.sum(drawn(jax.random.key(0), name)(lambda x: x @ w, x, 2.0 * x))))(jnp.zeros(4))
    assert jnp.all(jnp.isfinite(slope))


def test_points_lie_between_real_and_fake_and_are_drawn_per_example():
    real, fake = jnp.zeros((64, 2)), jnp.ones((64, 2))
    penalty = functools.partial(penalties.gradient_penalty, jax.random.key(0), lambda x: 0.5 * jnp.square(x[:, 0]), target=0.0)
    norms = np.sqrt(jax.jit(penalty)(real, fake))
    assert 0.0 <= np.min(norms) < 0.1 and 0.9 < np.max(norms) <= 1.0 and len(np.unique(norms)) > 60


def test_dragan_moves_by_a_fraction_of_the_spread():
    """With D(x) = x^2 / 2 and all data at +-3, the mean squared gradient norm is 3^2 + (0.5 * 3)^2."""
    real = jnp.where(jnp.arange(8192)[:, None] % 2 == 0, 3.0, -3.0)
    penalty = functools.partial(penalties.dragan, jax.random.key(0), lambda x: 0.5 * jnp.square(x[:, 0]), scale=0.5, target=0.0)
    np.testing.assert_allclose(np.mean(jax.jit(penalty)(real)), 9.0 + 2.25, rtol=0.05)


def test_sharded_batch_keeps_its_sharding():
    mesh = jax.make_mesh((jax.device_count(),), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    params, real, _ = conv_inputs()
    sharded = jax.device_put(real, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data")))
    penalty = jax.jit(lambda p, x: penalties.r1(lambda x: convolutional(p, x), x))
    result = penalty(params, sharded)
    assert len(result.sharding.device_set) == jax.device_count() and result.sharding.spec[0] == "data"
    np.testing.assert_allclose(result, penalty(params, real), rtol=1e-5)


def test_wrong_shapes_and_types_are_refused():
    x = jnp.zeros((4, 6, 6, 3))
    with pytest.raises(ValueError, match=r"critic \[N, ...\] -> \[N\], found \(4, 6, 6, 3\) -> \(4, 6, 6\)"):
        jax.eval_shape(lambda x: penalties.r1(lambda x: x[..., 0], x), x)
    with pytest.raises(ValueError, match="add a batch axis"):
        penalties.r1(lambda x: x, jnp.zeros(()))
    with pytest.raises(TypeError, match="found uint8"):
        penalties.r1(lambda x: x[:, 0, 0, 0], x.astype(jnp.uint8))
    with pytest.raises(ValueError, match="one shape"):
        penalties.gradient_penalty(jax.random.key(0), lambda x: x[:, 0, 0, 0], x, x[:2])
