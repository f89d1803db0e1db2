"""Values of channels or of images spread over pixels, and their transpose, sums over pixels.

XLA for CPUs is up to twenty times slower at sums that leave fewer numbers than a vector of the processor holds, as the gradients of biases
and styles are at high resolution. So the two are operations of their own here, each the other's transpose.
"""

import math
from pathlib import Path

import jax
import jax.numpy as jnp

from jgan.compat import ad
from jgan.ops.primitive import devices_of_batch, fold_into_batch, primitive_of
from jgan.types import Array

ROW = 256  # numbers of a row that neighbouring pixels are summed in
_CPUINFO = Path("/proc/cpuinfo")


def vector_of(cpuinfo: str) -> int:
    """Computes float32 numbers in a vector of a processor, by what Linux says of it: 16 with AVX-512, else 8.

    >>> vector_of("flags : fpu sse2 avx2 avx512f"), vector_of("flags : fpu sse2 avx2"), vector_of("")
    (16, 8, 8)
    """
    return 16 if "avx512f" in cpuinfo.split() else 8


VECTOR = vector_of(_CPUINFO.read_text() if _CPUINFO.exists() else "")


def per_channel(values: Array, shape: tuple[int, ...]) -> Array:
    """Computes values [C], as of a bias, in the shape [..., C] of images: the same for every pixel of every image.

    Raises:
      ValueError: if the shape ends with another number of channels.

    >>> per_channel(jnp.ones(3), (2, 4, 5, 3)).shape
    (2, 4, 5, 3)
    """
    _check(values, (shape[-1],))
    return _spread.bind(values[None], between=tuple(shape[:-1]))[0]


def per_image(values: Array, shape: tuple[int, ...]) -> Array:
    """Computes values [N, C], as of a style, in the shape [N, ..., C] of images: the same for every pixel of an image.

    Raises:
      ValueError: if the shape has another number of images or channels.

    >>> per_image(jnp.ones((2, 3)), (2, 4, 5, 3)).shape
    (2, 4, 5, 3)
    """
    _check(values, (shape[0], shape[-1]))
    return _spread.bind(values, between=tuple(shape[1:-1]))


def _check(values, expected):
    if values.shape != expected:
        raise ValueError(f"expected values of shape {expected}, found {values.shape}")


def _spread_array(v, *, between):
    """[M, C] -> [M, *between, C]."""
    m, c = v.shape
    return jnp.broadcast_to(v.reshape(m, *(1,) * len(between), c), (m, *between, c))


def _sum_array(x):
    """[M, ..., C] -> [M, C]."""
    return jnp.sum(x, axis=range(1, x.ndim - 1))


def sum_in_rows(x):
    """Returns the same, where channels are few first as sums of rows of neighbouring pixels, which fill vectors."""
    m, c, pixels = x.shape[0], x.shape[-1], math.prod(x.shape[1:-1])
    narrow = isinstance(pixels, int) and 0 < c <= VECTOR  # an exported function may leave sizes open
    together = math.gcd(pixels, 2 ** int(math.log2(ROW / c))) if narrow else 1
    if together == 1 or devices_of_batch() > 1:  # rows of all devices would be sent around
        return _sum_array(x)
    rows = jnp.sum(x.reshape(m, pixels // together, together * c), axis=1)
    return jnp.sum(jax.lax.optimization_barrier(rows).reshape(m, together, c), axis=1)


def _transpose_of_spread(ct, v, *, between):
    return [_sum.bind(ct)]


def _transpose_of_sum(ct, x):
    return [_spread.bind(ct, between=x.aval.shape[1:-1])]


_spread = primitive_of("jgan_spread", _spread_array)
_sum = primitive_of("jgan_sum", _sum_array, cpu=sum_in_rows)
ad.deflinear2(_spread, _transpose_of_spread)
ad.deflinear2(_sum, _transpose_of_sum)
fold_into_batch(_spread)
fold_into_batch(_sum)
