"""Bilinear lookup against products with dense matrices, its derivatives in every mode, and the form for TPUs."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from benchmarks.compiler import program

from jgan.ops import lookup
from jgan.ops.lookup import bilinear_lookup
from jgan.sharding import data_mesh

SHAPES = {  # of the texture, of the coordinates
    "colour": ((2, 9, 30, 3), (5, 4)),
    "grey": ((1, 6, 70, 1), (3, 2)),
    "many channels": ((2, 4, 5, 80), (2, 3)),
    "one pixel": ((2, 2, 2, 3), (1, 3)),
    "one line": ((1, 2, 8, 2), (2, 1)),
}
SECOND_ORDER = ("colour", "one pixel")  # the rules of derivatives know nothing of shapes


def arguments(shapes):
    """A periodic texture, and rows and columns within and without its period, whole numbers among them."""
    (n, height, width, channels), places = shapes
    random = np.random.default_rng(0)
    period = random.normal(size=(n, height - 1, width - 1, channels))
    row, column = random.uniform(-2.5, 2.5, size=(2, n, *places)) * np.reshape([height, width], (2, 1, 1, 1))
    row[:, 0, 0], column[:, -1, -1] = height - 1, -width
    return jnp.asarray(np.pad(period, ((0, 0), (0, 1), (0, 1), (0, 0)), mode="wrap")), jnp.asarray(row), jnp.asarray(column)


def dense(texture, row, column):
    """By a matrix of weights along each axis."""

    def weights(coordinate, size):
        before = jnp.floor(coordinate)
        index, rest = before.astype(int) % (size - 1), (coordinate - before)[..., None]
        return jax.nn.one_hot(index, size) * (1 - rest) + jax.nn.one_hot(index + 1, size) * rest

    return jnp.einsum("nabr,nabs,nrsc->nabc", weights(row, texture.shape[1]), weights(column, texture.shape[2]), texture)


def loss(function, *at):
    return jnp.sum(jnp.tanh(function(*at)))


def first_derivatives(function, *at):
    """Values and the gradient in the texture and both coordinates."""
    return {"value": function(*at), "reverse": jax.grad(functools.partial(loss, function), argnums=(0, 1, 2))(*at)}


def derivatives(function, *at):
    """Values and derivatives to second order in the texture and both coordinates, in every mode."""
    tangents = jax.tree.map(lambda x: jnp.cos(17 * x), at)

    def slope(*at):
        return jax.jvp(functools.partial(loss, function), at, tangents)[1]

    gradient = jax.grad(functools.partial(loss, function), argnums=(0, 1, 2))
    return first_derivatives(function, *at) | {
        "forward": slope(*at),
        "reverse over reverse": jax.grad(lambda *at: sum(jnp.sum(g**2) for g in gradient(*at)), argnums=(0, 1, 2))(*at),
        "forward over reverse": jax.jvp(gradient, at, tangents)[1],
        "reverse over forward": jax.grad(slope, argnums=(0, 1, 2))(*at),
    }


def assert_close(found, expected, tolerance=1e-10):
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=tolerance, atol=tolerance), found, expected)


@pytest.mark.parametrize("shapes", SHAPES)
def test_values_and_derivatives(shapes, double_precision):
    at = arguments(SHAPES[shapes])
    order = derivatives if shapes in SECOND_ORDER else first_derivatives
    ours, theirs = (jax.jit(functools.partial(order, function))(*at) for function in (bilinear_lookup, dense))
    for name in theirs:
        assert_close(ours[name], theirs[name])


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_precision_textures(dtype):
    texture, row, column = (x.astype(jnp.float32) for x in arguments(SHAPES["colour"]))
    texture = texture.astype(dtype)
    values, transposed = jax.vjp(bilinear_lookup, texture, row, column)
    assert values.dtype == dtype
    np.testing.assert_array_equal(values, bilinear_lookup(texture.astype(jnp.float32), row, column).astype(dtype))
    assert [slope.dtype for slope in transposed(values)] == [dtype, jnp.float32, jnp.float32]


@pytest.mark.parametrize("held", [lookup.HELD, 1])  # all rows of the table at once, and those of one line of coordinates
@pytest.mark.parametrize("shapes", SHAPES)
def test_the_form_for_tpus(shapes, held, double_precision):
    texture, row, column = arguments(SHAPES[shapes])

    @jax.jit
    def both(texture, row, column):
        looked_up, transposed = jax.vjp(lambda texture: dense(texture, row, column), texture)
        values = jnp.cos(17 * looked_up)
        spread = lookup.spread_in_rows(values, row, column, size=texture.shape[1:3], held=held)
        return (lookup.lookup_in_rows(texture, row, column, held=held), spread), (looked_up, transposed(values)[0])

    assert_close(*both(texture, row, column))


@pytest.mark.parametrize("mapped", [(0, None, None), (None, 1, 1), (3, 0, 2)])
def test_vmap(mapped, double_precision):
    at = arguments(SHAPES["colour"])
    several = [x if axis is None else jnp.stack([x, 2 * x, 3 * x], axis=axis) for x, axis in zip(at, mapped, strict=True)]
    gradient = jax.grad(lambda *at: jnp.sum(jnp.tanh(bilinear_lookup(*at))))

    @jax.jit
    def both(*several):
        one_by_one = [[x if axis is None else jnp.take(x, i, axis) for x, axis in zip(several, mapped, strict=True)] for i in range(3)]
        return jax.vmap(gradient, mapped)(*several), jnp.stack([gradient(*at) for at in one_by_one])

    assert_close(*both(*several))


@pytest.mark.parametrize("settings", [{}, {"held": 1}])
def test_every_device_keeps_its_images(settings):
    texture, row, column = (jnp.concatenate([x.astype(jnp.float32)] * 4) for x in arguments(SHAPES["colour"]))
    values, transposed = jax.vjp(lambda texture: dense(texture, row, column), texture)
    mesh = data_mesh(jax.devices()[:4])
    batch = jax.NamedSharding(mesh, jax.P("data"))
    for function, first, expected in (
        (functools.partial(lookup.lookup_in_rows, **settings), texture, values),
        (functools.partial(lookup.spread_in_rows, size=texture.shape[1:3], **settings), values, transposed(values)[0]),
        (bilinear_lookup, texture, values),
        (jax.grad(lambda texture, *at: jnp.sum(bilinear_lookup(texture, *at) ** 2) / 2), texture, transposed(values)[0]),
    ):
        with jax.set_mesh(mesh):
            compiled = jax.jit(function, in_shardings=batch, out_shardings=batch).lower(first, row, column).compile()
            found = compiled(*(jax.device_put(x, batch) for x in (first, row, column)))
        assert program.collectives(compiled.as_text()) == {}
        assert_close(found, expected, 1e-4)


@pytest.mark.parametrize(
    "texture, row, column",
    [
        ((1, 4, 4), (1, 2, 2), (1, 2, 2)),
        ((1, 4, 4, 3), (1, 2), (1, 2)),
        ((2, 4, 4, 3), (1, 2, 2), (1, 2, 2)),
        ((1, 4, 1, 3), (1, 2, 2), (1, 2, 2)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(texture, row, column):
    with pytest.raises(ValueError, match="expected a texture"):
        bilinear_lookup(*map(jnp.zeros, (texture, row, column)))
