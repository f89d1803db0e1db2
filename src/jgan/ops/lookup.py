"""Bilinear lookup in periodic images, as warps need it: on TPU in long rows, since small windows cost it dearly.

XLA for TPUs gathers windows of 2 x 2 pixels from an array forty times as large as the images, with their few channels along the lanes of
its registers, and adds them up again, for the transpose, in a loop over all of them. There the lookup reads from a table whose every row
fills the lanes, with pixels side by side, and picks four of them by their weights. It is linear in the images; the two directions are
separate operations, each the other's transpose.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jgan.checks import as_given, lift
from jgan.compat import ad
from jgan.ops.primitive import devices_of_batch, fold_into_batch, primitive_of
from jgan.types import Array

LANES = 128  # numbers of a row in a register of a TPU
HELD = 2**31  # bytes of gathered rows that one device holds at once


def bilinear_lookup(texture: Array, row: Array, column: Array) -> Array:
    """Returns the values of periodic images between their pixels.

    Args:
      texture: [N, R + 1, S + 1, C], periods of R x S pixels whose first row and column are repeated last.
      row, column: [N, A, B], in pixels; whole numbers are the pixels themselves.

    Returns:
      [N, A, B, C], computed in float32 or better, returned in the floating type of the texture.

    Raises:
      ValueError: if the shapes do not fit.

    >>> texture = jnp.array([0.0, 1.0, 2.0, 0.0]).reshape(1, 1, 4, 1).repeat(2, axis=1)
    >>> bilinear_lookup(texture, jnp.zeros((1, 1, 3)), jnp.array([[[0.5, 2.5, 4.0]]])).ravel().tolist()
    [0.5, 1.0, 1.0]
    """
    if texture.ndim != 4 or row.ndim != 3 or row.shape != column.shape or row.shape[0] != texture.shape[0] or min(texture.shape[1:3]) < 2:
        raise ValueError(
            "expected a texture [N, R + 1, S + 1, C] with periods of a pixel at least, and rows and columns [N, A, B], "
            f"found {texture.shape}, {row.shape} and {column.shape}"
        )
    return as_given(_lookup.bind(lift(texture), lift(row), lift(column)), texture)


def _split(coordinate, period):
    """The pixel before a coordinate, within the period, and what is left: whole numbers, and of [0, 1)."""
    before = jnp.floor(coordinate)
    return before.astype(jnp.int32) % period, coordinate - before


def lookup_in_windows(texture, row, column):
    """Computes `bilinear_lookup` by one gather of 2 x 2 pixels for each place."""
    height, width, channels = texture.shape[1:]
    (top, down), (left, right) = _split(row, height - 1), _split(column, width - 1)
    # One gather of 2 x 2 windows, whose transpose scatters a quarter as many updates as four gathers of pixels would; the batch is declared
    # as such, for a sharded batch to stay where it is.
    numbers = lax.GatherDimensionNumbers(
        offset_dims=(3, 4, 5),
        collapsed_slice_dims=(),
        start_index_map=(1, 2),
        operand_batching_dims=(0,),
        start_indices_batching_dims=(0,),
    )
    index, mode = jnp.stack([top, left], axis=-1), lax.GatherScatterMode.PROMISE_IN_BOUNDS
    window = lax.gather(texture, index, numbers, (1, 2, 2, channels), mode=mode)
    down, right = down[..., None, None], right[..., None]
    line = window[..., 0, :, :] * (1 - down) + window[..., 1, :, :] * down
    return line[..., 0, :] * (1 - right) + line[..., 1, :] * right


def spread_in_windows(values, row, column, *, size):
    """Computes the transpose."""
    return _transposed(lambda texture: lookup_in_windows(texture, row, column), (values.shape[0], *size, values.shape[3]), values)


def _transposed(linear, shape, values):
    """The transpose of a linear function of an array of some shape."""
    return jax.linear_transpose(linear, jax.ShapeDtypeStruct(shape, values.dtype))(values)[0]


def _columns(channels):
    """Columns of a block: as many as fill a row of the table with two lines of all channels."""
    return max(2, LANES // (2 * channels))


def _blocks(width, channels):
    """How far apart blocks begin, since neighbours share a column, and how many lie side by side."""
    step = _columns(channels) - 1
    return step, -(-(width - 1) // step)


def _table(texture):
    """Texture -> [N, R J, 2 C K]: for each of its lines and J blocks of K columns, the block and the one in the line below."""
    n, height, width, channels = texture.shape
    step, across = _blocks(width, channels)
    padded = jnp.pad(texture, ((0, 0), (0, 0), (0, across * step + 1 - width), (0, 0))).transpose(0, 3, 1, 2)
    blocks = padded[..., :-1].reshape(n, channels, height, across, step)
    blocks = jnp.concatenate([blocks, padded[..., step::step, None]], axis=-1)
    pairs = jnp.stack([blocks[:, :, :-1], blocks[:, :, 1:]], axis=1)
    return pairs.transpose(0, 3, 4, 1, 2, 5).reshape(n, (height - 1) * across, -1)


def _places(row, column, size, channels):
    """Rows of the table, and where between its two lines and among its columns the coordinates lie."""
    step, across = _blocks(size[1], channels)
    (top, down), (left, right) = _split(row, size[0] - 1), _split(column, size[1] - 1)
    return top * across + left // step, down, (left % step).astype(row.dtype) + right


def _pick(table, place, channels):
    """Table [N, M, 2 C K], places [N, P] -> values [N, P, C]."""
    index, down, right = place
    rows = jax.vmap(lambda table, index: table.at[index].get(mode="promise_in_bounds"))(table, index)
    line, channel, across = np.unravel_index(np.arange(table.shape[2]), (2, channels, _columns(channels)))
    weights = _nearness(down, line) * _nearness(right, across)
    chosen = jnp.asarray(channel[:, None] == np.arange(channels), table.dtype)
    return jnp.einsum("npl,lc->npc", rows * weights, chosen, precision=lax.Precision.HIGHEST)


def _nearness(coordinate, lanes):
    """Weights [N, P, L] of lanes at whole coordinates: 1 where they are the same, 0 from a pixel away."""
    return jnp.maximum(0, 1 - jnp.abs(coordinate[:, :, None] - lanes[None, None].astype(coordinate.dtype)))


def _strips(arrays, held):
    """Arrays [N, A, B, ...] of values at places -> [strips, N, P, ...], the rows of the table for a strip taking at most `held` bytes; of
    an N that is not known yet, as in exported programs, a line."""
    n, height, width = arrays[0].shape[:3]
    known = isinstance(n, int)
    count = min(height, math.ceil(4 * LANES * n * height * width / devices_of_batch() / held)) if known else height
    rows = -(-height // count)

    def cut(x):
        x = jnp.pad(x, ((0, 0), (0, rows * count - height), *((0, 0),) * (x.ndim - 2)))
        return jnp.moveaxis(x.reshape(n, count, rows * width, *x.shape[3:]), 1, 0)

    return jax.tree.map(cut, arrays)


def lookup_in_rows(texture, row, column, held=HELD):
    """Computes `bilinear_lookup` by rows of a table."""
    (n, height, width), channels = row.shape, texture.shape[3]
    table, places = _table(texture), _places(row, column, texture.shape[1:3], channels)
    values = lax.map(lambda place: _pick(table, place, channels), _strips(places, held))
    return jnp.moveaxis(values, 0, 1).reshape(n, -1, width, channels)[:, :height]


def spread_in_rows(values, row, column, *, size, held=HELD):
    """Computes the transpose."""
    n, channels = values.shape[0], values.shape[3]
    shape = (n, *size, channels)
    table = jax.eval_shape(_table, jax.ShapeDtypeStruct(shape, values.dtype))

    def add(sum_so_far, strip):
        value, place = strip[0], strip[1:]
        return sum_so_far + _transposed(lambda table: _pick(table, place, channels), table.shape, value), None

    strips = _strips((values, *_places(row, column, size, channels)), held)
    return _transposed(_table, shape, lax.scan(add, jnp.zeros(table.shape, table.dtype), strips)[0])


def _slope(texture, axis):
    """What a step of a pixel along an axis adds to a texture."""
    steps = jnp.diff(texture, axis=axis)
    return jnp.concatenate([steps, lax.slice_in_dim(steps, 0, 1, axis=axis)], axis=axis)


def _on_line(row, column, axis):
    """The coordinates with that along an axis moved to the pixel before: a slope is the same up to the next."""
    return (jnp.floor(row), column) if axis == 1 else (row, jnp.floor(column))


def _of_slope(change, texture, row, column, axis):
    """The derivative of the lookup along one of its coordinates, times a change of it."""
    return _lookup.bind(_slope(texture, axis), *_on_line(row, column, axis)) * change[..., None]


def _spread_of_slope(change, values, row, column, axis, size):
    """The same of its transpose."""
    slopes = _spread.bind(values * change[..., None], *_on_line(row, column, axis), size=size)
    return _transposed(functools.partial(_slope, axis=axis), slopes.shape, slopes)


def _transpose_of_lookup(ct, texture, row, column):
    return [_spread.bind(ct, row, column, size=texture.aval.shape[1:3]), None, None]


def _transpose_of_spread(ct, values, row, column, *, size):
    return [_lookup.bind(ct, row, column), None, None]


_lookup = primitive_of("jgan_lookup", lookup_in_windows, tpu=lookup_in_rows)
_spread = primitive_of("jgan_spread_of_lookup", spread_in_windows, tpu=spread_in_rows)
ad.defjvp(
    _lookup,
    lambda change, texture, row, column: _lookup.bind(change, row, column),
    functools.partial(_of_slope, axis=1),
    functools.partial(_of_slope, axis=2),
)
ad.defjvp(
    _spread,
    lambda change, values, row, column, *, size: _spread.bind(change, row, column, size=size),
    functools.partial(_spread_of_slope, axis=1),
    functools.partial(_spread_of_slope, axis=2),
)
ad.primitive_transposes[_lookup] = _transpose_of_lookup
ad.primitive_transposes[_spread] = _transpose_of_spread
fold_into_batch(_lookup)
fold_into_batch(_spread)
