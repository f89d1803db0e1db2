"""Spreading values over pixels against broadcasting by hand, with derivatives of both orders."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.ops.channels import per_channel, per_image
from jgan.sharding import data_mesh

SHAPES = {"few": (2, 4, 6, 3), "one": (3, 8, 8, 1), "odd": (2, 3, 5, 2), "many": (2, 4, 4, 24), "empty": (0, 4, 4, 2), "vectors": (5, 3)}


def normal(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


def derivatives(function, v, tangent, x):
    """Of sin(v over x), so that second derivatives do not vanish."""

    def value(v):
        return jnp.sum(jnp.sin(function(v) * x))

    gradient = jax.grad(value)
    both = {"reverse over reverse": lambda v: jax.grad(lambda v: jnp.vdot(gradient(v), tangent))(v)}
    both |= {"forward over reverse": lambda v: jax.jvp(gradient, (v,), (tangent,))[1], "reverse": gradient, "value": function}
    return {name: f(v) for name, f in both.items()}


def assert_close(found, expected, tolerance=1e-12):
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=tolerance, atol=tolerance), found, expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_derivatives(shape, double_precision):
    x, (n, *_, c) = normal(0, *SHAPES[shape]), SHAPES[shape]
    for function, size in ((per_channel, (c,)), (per_image, (n, c))):
        if function is per_image and x.ndim == 2:
            continue
        v, tangent = normal(1, *size), normal(2, *size)

        def plain(v):
            return jnp.broadcast_to(v.reshape(v.shape[:-1] + (1,) * (x.ndim - v.ndim) + (c,)), x.shape)  # noqa: B023

        forms = (lambda v: function(v, x.shape)), plain  # noqa: B023
        assert_close(*jax.jit(lambda *of: [derivatives(form, *of) for form in forms])(v, tangent, x))  # noqa: B023


@pytest.mark.parametrize("function, size", [(per_channel, (3,)), (per_image, (2, 3))])
def test_vmap(function, size, double_precision):
    v, x = normal(0, 4, *size), normal(1, 4, 2, 4, 5, 3)

    def gradient(v, x):
        return jax.grad(lambda v: jnp.sum(jnp.sin(function(v, x.shape) * x)))(v)

    @jax.jit
    def three_ways(v, x):
        along_1 = jax.vmap(gradient, 1, 1)(v.swapaxes(0, 1), x.swapaxes(0, 1)).swapaxes(0, 1)
        return jax.vmap(gradient)(v, x), along_1, jnp.stack([gradient(*one) for one in zip(v, x, strict=True)])

    mapped, along_1, expected = three_ways(v, x)
    assert_close([mapped, along_1], [expected, expected])


def test_nothing_but_the_sum_is_sent_between_devices():
    if jax.device_count() < 2:
        pytest.skip("needs two devices")
    mesh = data_mesh(jax.devices()[:2])
    spread = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
    x = jax.device_put(jnp.ones((4, 8, 8, 2)), spread)
    with jax.set_mesh(mesh):
        gradient = jax.jit(jax.grad(lambda v, x: jnp.sum(per_channel(v, x.shape) * x)))
        text = gradient.lower(jnp.ones(2), x).compile().as_text()
        np.testing.assert_array_equal(gradient(jnp.ones(2), x), [256, 256])
    assert "f32[2]" in text and "all-reduce" in text and "all-gather" not in text and "f32[1,256]" not in text


def test_exported_without_a_number_of_images():
    x = jax.ShapeDtypeStruct((*jax.export.symbolic_shape("n"), 4, 4, 2), jnp.float32)
    gradient = jax.jit(jax.grad(lambda v, x: jnp.sum(per_channel(v, x.shape) * x)))
    exported = jax.export.export(gradient)(jax.ShapeDtypeStruct((2,), jnp.float32), x)
    np.testing.assert_array_equal(exported.call(jnp.ones(2), jnp.ones((3, 4, 4, 2))), [48, 48])


ERRORS = [
    (lambda: per_channel(jnp.ones(2), (1, 4, 4, 3)), r"expected values of shape \(3,\), found \(2,\)"),
    (lambda: per_image(jnp.ones((1, 3)), (2, 4, 4, 3)), r"expected values of shape \(2, 3\), found \(1, 3\)"),
]


@pytest.mark.parametrize("call, message", ERRORS)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
