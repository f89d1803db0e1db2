"""Formulations of operations that give the same numbers, for `benchmarks/compiler/forms.py`; the first of each is the one in use."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.ops.convolution import convolution
from jgan.ops.lookup import bilinear_lookup, lookup_in_rows, lookup_in_windows
from jgan.ops.modulation import down_convolution, modulated_convolution, up_convolution
from jgan.ops.resample import BINOMIAL, normalised, upfirdn

TAPS = np.outer(normalised(BINOMIAL), normalised(BINOMIAL)).astype(np.float32)
DIMENSIONS = ("NHWC", "HWIO", "NHWC")


class Sizes(NamedTuple):
    """Of the arrays that operations are measured on."""

    batch: int
    resolution: int  # height and width of the result, of the argument where it is halved, pixels
    channels: int  # at that resolution; twice as many at half of it
    dtype: Any


class Alternatives(NamedTuple):
    """One operation."""

    forms: dict[str, Callable]  # (*arguments) -> arrays, all the same; the first is the one in use
    arguments: tuple


def up_convolutions(sizes: Sizes) -> Alternatives:
    """[N, H/2, W/2, 2C] -> [N, H, W, C]: a transposed convolution, then [1, 3, 3, 1]."""

    def library(x, kernel):
        dilated = {"lhs_dilation": (2, 2), "dimension_numbers": DIMENSIONS}
        y = jax.lax.conv_general_dilated(x, kernel[::-1, ::-1], (1, 1), ((2, 2), (2, 2)), **dilated)
        return depthwise(y, 1, gain=4)

    def folded(x, kernel):
        """The filter in the kernel, its four phases as channels of one dense convolution."""
        y = phases_as_channels(x, filtered(kernel, gain=4).swapaxes(2, 3), stride=2, size=(2 * x.shape[1] + 4, 2 * x.shape[2] + 4))
        return y[:, 2:-2, 2:-2]

    def four_phases(x, kernel):
        """The four phases of the transposed convolution as channels of one dense convolution of 2x2, then the filter."""
        y = phases_as_channels(x, kernel.swapaxes(2, 3), stride=2, size=(2 * x.shape[1] + 1, 2 * x.shape[2] + 1))
        return upfirdn(y, normalised(BINOMIAL), padding=(1, 1, 1, 1), gain=4)

    n, r, c, dtype = sizes
    arguments = normal(dtype, (n, r // 2, r // 2, 2 * c), (3, 3, 2 * c, c))
    return with_gradients({"transposed": up_convolution, "four_phases": four_phases, "folded": folded, "library": library}, arguments)


def phases_as_channels(y, kernel, *, stride, size):
    """Returns a transposed convolution as one plain one: all pixels of one phase, modulo the stride, are some of its channels."""
    kh, kw, i, o = kernel.shape
    rows, columns = -(-kh // stride), -(-kw // stride)
    kernel = jnp.pad(kernel, ((0, rows * stride - kh), (0, columns * stride - kw), (0, 0), (0, 0)))
    kernel = kernel.reshape(rows, stride, columns, stride, i, o)[::-1, :, ::-1].transpose(0, 2, 5, 1, 3, 4)
    phases = convolution(y, kernel.reshape(rows, columns, o, -1), padding=((rows - 1,) * 2, (columns - 1,) * 2))
    n, h, w, _ = phases.shape
    x = phases.reshape(n, h, w, stride, stride * i).swapaxes(2, 3).reshape(n, h * stride, w * stride, i)
    return jax.lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), (0, size[0] - h * stride, 0), (0, size[1] - w * stride, 0), (0, 0, 0)])


def down_convolutions(sizes: Sizes) -> Alternatives:
    """[N, H, W, C] -> [N, H/2, W/2, 2C]: [1, 3, 3, 1], then a strided convolution."""

    def folded(x, kernel):
        return convolution(x, filtered(kernel), stride=2, padding=2)

    def library(x, kernel):
        return jax.lax.conv_general_dilated(depthwise(x, 2), kernel, (2, 2), "VALID", dimension_numbers=DIMENSIONS)

    n, r, c, dtype = sizes
    arguments = normal(dtype, (n, r, r, c), (3, 3, c, 2 * c))
    return with_gradients({"filter_then_stride": down_convolution, "folded": folded, "library": library}, arguments)


def filters(sizes: Sizes) -> Alternatives:
    """[N, H, W, C] -> [N, H, W, C]: [1, 3, 3, 1] along both axes."""

    def by_platform(x):
        return upfirdn(x, normalised(BINOMIAL), padding=(2, 1, 2, 1))

    def two_passes(x):
        for axis in (1, 2):
            padded = jnp.pad(x, [(2, 1) if i == axis else (0, 0) for i in range(4)])
            slices = [jax.lax.slice_in_dim(padded, i, i + x.shape[axis], axis=axis) for i in range(4)]
            x = functools.reduce(jnp.add, [part * np.asarray(tap, x.dtype) for part, tap in zip(slices, normalised(BINOMIAL), strict=True)])
        return x

    def one_sum(x):
        padded = jnp.pad(x, ((0, 0), (2, 1), (2, 1), (0, 0)))
        h, w = x.shape[1:3]
        shifted = [padded[:, i : i + h, j : j + w] * TAPS[i, j].astype(x.dtype) for i in range(4) for j in range(4)]
        return functools.reduce(jnp.add, shifted)

    def banded_products(x):
        h, w = (jnp.asarray(banded(size), x.dtype) for size in x.shape[1:3])
        return jnp.einsum("iI,jJ,nIJc->nijc", h, w, x, optimize=True)

    n, r, c, dtype = sizes
    forms = {
        "by_platform": by_platform,
        "two_passes": two_passes,
        "one_sum": one_sum,
        "banded_products": banded_products,
        "depthwise": lambda x: depthwise(x, (2, 1)),
    }
    return with_gradients(forms, normal(dtype, (n, r, r, c)))


def modulated_convolutions(sizes: Sizes) -> Alternatives:
    """[N, H, W, C] -> [N, H, W, C], every image with another kernel."""

    def per_image(x, kernel, styles):
        n, h, w, c = x.shape
        kernels = kernel[None] * styles.astype(x.dtype)[:, None, None, :, None]
        kernels = kernels * jax.lax.rsqrt(jnp.sum(jnp.square(kernels), axis=(1, 2, 3), keepdims=True) + np.asarray(1e-8, x.dtype))
        groups = kernels.transpose(1, 2, 3, 0, 4).reshape(*kernel.shape[:3], -1)
        images = x.transpose(1, 2, 0, 3).reshape(1, h, w, n * c)
        y = jax.lax.conv_general_dilated(images, groups, (1, 1), "SAME", dimension_numbers=DIMENSIONS, feature_group_count=n)
        return y.reshape(h, w, n, -1).transpose(2, 0, 1, 3)

    n, r, c, dtype = sizes
    (styles,) = normal(jnp.float32, (n, c))
    arguments = (*normal(dtype, (n, r, r, c), (3, 3, c, c)), styles)
    return with_gradients({"scaled_activations": modulated_convolution, "kernel_per_image": per_image}, arguments)


def lookups(sizes: Sizes) -> Alternatives:
    """[N, 4 H - 4, 4 W - 4, 3] -> [N, 2 H + 10, 2 W + 10, 3]: turned by a radian, as adaptive augmentation looks images up."""

    def of_period(lookup):
        return lambda period: lookup(jnp.pad(period, ((0, 0), (0, 1), (0, 1), (0, 0)), mode="wrap"), row, column)

    def four_pixels(period):
        n, height, width, channels = period.shape
        pixels = period.reshape(n, height * width, channels)
        (top, down), (left, right) = (jnp.divmod(x, 1) for x in (row, column))
        down, right = down[..., None], right[..., None]

        def at(y, x):
            index = (top + y).astype(jnp.int32) % height * width + (left + x).astype(jnp.int32) % width
            return jax.vmap(lambda pixels, index: pixels[index])(pixels, index)

        return (at(0, 0) * (1 - right) + at(0, 1) * right) * (1 - down) + (at(1, 0) * (1 - right) + at(1, 1) * right) * down

    size = 2 * sizes.resolution + 10
    y, x = np.broadcast_to(np.mgrid[:size, :size], (sizes.batch, 2, size, size)).swapaxes(0, 1)
    row, column = (jnp.asarray(a * np.cos(1) + b * np.sin(1), jnp.float32) for a, b in ((y, x), (x, -y)))
    forms = {"by_platform": bilinear_lookup, "windows": lookup_in_windows, "rows": lookup_in_rows}
    forms = {name: of_period(lookup) for name, lookup in forms.items()} | {"four_pixels": four_pixels}
    return with_gradients(forms, normal(jnp.float32, (sizes.batch, 4 * sizes.resolution - 4, 4 * sizes.resolution - 4, 3)))


def with_gradients(forms: dict[str, Callable], arguments: tuple) -> Alternatives:
    """Forms of a function as programs that compute its value and the gradients of a weighted sum of it."""
    result = jax.eval_shape(next(iter(forms.values())), *arguments)

    def program(form):
        def run(weights, *arguments):
            value, pullback = jax.vjp(form, *arguments)
            return value, pullback(weights)

        return run

    return Alternatives({name: program(form) for name, form in forms.items()}, (*normal(result.dtype, result.shape), *arguments))


def normal(dtype: Any, *shapes: tuple[int, ...]) -> tuple[jax.Array, ...]:
    """Random arrays."""
    random = np.random.default_rng(0)
    return tuple(jnp.asarray(random.standard_normal(shape, np.float32), dtype) for shape in shapes)


def depthwise(x: jax.Array, padding: int | tuple[int, int], gain: float = 1.0) -> jax.Array:
    """The filter as a convolution in as many groups as there are channels."""
    c, pads = x.shape[3], (padding, padding) if isinstance(padding, int) else padding
    kernel = jnp.broadcast_to(jnp.asarray(TAPS * np.float32(gain), x.dtype)[:, :, None, None], (4, 4, 1, c))
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), (pads, pads), dimension_numbers=DIMENSIONS, feature_group_count=c)


def filtered(kernel: jax.Array, gain: float = 1.0) -> jax.Array:
    """[k, k, I, O] -> [k + 3, k + 3, I, O]: the kernel of a convolution and the filter at once."""
    k, _, i, o = kernel.shape
    flat = upfirdn(kernel.reshape(1, k, k, i * o), normalised(BINOMIAL), padding=(3, 3, 3, 3), gain=gain)
    return flat.reshape(k + 3, k + 3, i, o)


def banded(size: int) -> np.ndarray:
    """The filter along one axis as a matrix [size, size]."""
    return sum(tap * np.eye(size, k=shift) for tap, shift in zip(normalised(BINOMIAL), (-2, -1, 0, 1), strict=True))
