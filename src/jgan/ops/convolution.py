"""Two-dimensional convolutions, closed under differentiation.

With F(x, k) -> y a strided and padded convolution, T(y, k) -> x its adjoint in x and W(x, y) -> k its adjoint in k, all three are
bilinear, and every derivative of any order of any of them is again one of the three:

    dF: T(ct, k), W(x, ct)        dT: F(ct, k), W(ct, y)        dW: T(y, ct), F(x, ct)

So first, second and mixed derivatives, forward and reverse, all lower to the same three kinds of dense convolution. Each is written
with NHWC/HWIO dimension numbers, explicit transposes and, but for T, explicit padding: so XLA compiles them to its fast kernels on every
backend and inside `scan` and `cond`. On CPU they may be convolutions of oneDNN (`jgan.ops.onednn`). Under `vmap`, mapped activations fold
into the batch and mapped kernels give one dense convolution per lane instead of a grouped one.

All three take groups of channels, which on CPU are one dense convolution each. Groups of a single channel are sums of shifted products,
which are as closed.
"""

import functools
import itertools

import jax
import jax.numpy as jnp

from jgan.compat import ad, batching
from jgan.ops import onednn
from jgan.ops.primitive import primitive_of
from jgan.types import Array

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def convolution(x: Array, kernel: Array, stride: int = 1, padding: int | tuple = 0, groups: int = 1) -> Array:
    """Computes the convolution (cross-correlation, as everywhere in deep learning): y[n, i, j, o] = sum x[n, i s + a, j s + b, c] kernel[a,
    b, c, o].

    Args:
      x: [N, H, W, I].
      kernel: [kh, kw, I / groups, O], of the dtype of `x`.
      stride: step in both directions, in pixels.
      padding: zeros around `x`, in pixels: one number, or ((top, bottom), (left, right)); negative numbers crop.
      groups: of channels, each convolved by itself: the first I / groups of them yield the first O / groups, and so on.

    Returns:
      [N, h, w, O] with h = (H + top + bottom - kh) // stride + 1.

    Raises:
      ValueError: if ranks, channels or dtypes do not fit, or the kernel is larger than the padded image.

    >>> convolution(jnp.ones((1, 4, 4, 3)), jnp.ones((3, 3, 3, 8)), stride=2, padding=1).shape
    (1, 2, 2, 8)
    """
    _check(x, kernel, groups, kernel_axis=2)
    padding = ((padding,) * 2,) * 2 if isinstance(padding, int) else tuple(map(tuple, padding))
    size = tuple(n + sum(p) for n, p in zip(x.shape[1:3], padding, strict=True))
    if any(n < k for n, k in zip(size, kernel.shape[:2], strict=True)):
        raise ValueError(f"expected a padded image of at least the kernel's size {kernel.shape[:2]}, found {size}; pad more")
    if groups > 1 and kernel.shape[2] == 1:
        return _depthwise(x, kernel, stride=stride, padding=padding)
    return _forward.bind(x, kernel, stride=stride, padding=padding, groups=groups)


def transposed_convolution(y: Array, kernel: Array, stride: int = 1, size: tuple[int, int] | None = None, groups: int = 1) -> Array:
    """Returns the adjoint of `convolution` in its image: x[n, i s + a, j s + b, c] += y[n, i, j, o] kernel[a, b, c, o].

    Args:
      y: [N, h, w, O].
      kernel: [kh, kw, I / groups, O], of the dtype of `y`: the kernel of the convolution of which this is the adjoint.
      stride: up-sampling factor.
      size: (H, W) of the result; by default the smallest, ((h - 1) stride + kh, (w - 1) stride + kw).
      groups: of channels, as in the convolution.

    Returns:
      [N, H, W, I].

    Raises:
      ValueError: if ranks, channels or dtypes do not fit, or no convolution maps `size` to the size of `y`.

    >>> transposed_convolution(jnp.ones((1, 4, 4, 8)), jnp.ones((3, 3, 3, 8)), stride=2).shape
    (1, 9, 9, 3)
    """
    _check(y, kernel, groups, kernel_axis=3)
    smallest = tuple((n - 1) * stride + k for n, k in zip(y.shape[1:3], kernel.shape[:2], strict=True))
    size = smallest if size is None else size
    if any(not 0 <= s - m < stride for s, m in zip(size, smallest, strict=True)):
        raise ValueError(f"expected a size from {smallest} to {tuple(m + stride - 1 for m in smallest)}, found {size}")
    settings = {"stride": stride, "padding": ((0, 0), (0, 0))}
    if groups > 1 and kernel.shape[2] == 1:
        image = jax.ShapeDtypeStruct((y.shape[0], *size, groups), y.dtype)
        return jax.linear_transpose(functools.partial(_depthwise, kernel=kernel, **settings), image)(y)[0]
    return _transposed.bind(y, kernel, size=size, groups=groups, **settings)


def _depthwise(x, kernel, *, stride, padding):
    """`convolution` with a group for every channel of `x`: a sum of shifted products, and so are its derivatives."""
    x = jnp.repeat(_pad(x, padding), kernel.shape[3] // x.shape[3], axis=3)
    n, _, _, c = x.shape
    spans = [(m - k) // stride * stride + 1 for m, k in zip(x.shape[1:3], kernel.shape[:2], strict=True)]
    places = itertools.product(*map(range, kernel.shape[:2]))
    seen = {(a, b): jax.lax.slice(x, (0, a, b, 0), (n, a + spans[0], b + spans[1], c), (1, stride, stride, 1)) for a, b in places}
    return functools.reduce(jnp.add, [part * kernel[place][None, None] for place, part in seen.items()])


def _check(x, kernel, groups, kernel_axis):
    if x.ndim != 4 or kernel.ndim != 4:
        raise ValueError(f"expected images [N, H, W, C] and a kernel [kh, kw, I, O], found {x.shape} and {kernel.shape}")
    if groups < 1 or kernel.shape[3] % groups:
        raise ValueError(f"expected groups that divide the last {kernel.shape[3]} channels of the kernel {kernel.shape}, found {groups}")
    channels = (*kernel.shape[:2], kernel.shape[2] * groups, kernel.shape[3])[kernel_axis]
    if x.shape[3] != channels:
        raise ValueError(f"expected {channels} channels, as the kernel {kernel.shape} has, found images {x.shape}; or give other groups")
    if x.dtype != kernel.dtype:
        raise ValueError(f"expected images and kernel of one dtype, found {x.dtype} and {kernel.dtype}; cast one of them")


def _pad(x, padding):
    """Zeros around images; negative numbers crop."""
    if padding == ((0, 0), (0, 0)):
        return x
    return jax.lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), *((*side, 0) for side in padding), (0, 0, 0)))


def _forward_of_arrays(x, kernel, *, stride, padding, groups):
    settings = {"dimension_numbers": _DIMENSIONS, "feature_group_count": groups}
    return jax.lax.conv_general_dilated(_pad(x, padding), kernel, (stride, stride), "VALID", **settings)


def _transposed_of_arrays(y, kernel, *, stride, padding, size, groups):
    pads = _pads_of_transposed(y, kernel, stride, padding, size)
    positive, negative = (tuple(tuple(end(0, n) for n in side) for side in pads) for end in (max, min))
    dilated = {"lhs_dilation": (stride, stride), "dimension_numbers": _DIMENSIONS, "feature_group_count": groups}
    x = jax.lax.conv_general_dilated(y, _adjoint(kernel, groups), (1, 1), positive, **dilated)
    return _pad(x, negative)


def _adjoint(kernel, groups):
    """The kernel [kh, kw, I / groups, O] flipped, with inputs and outputs exchanged in each group: [kh, kw, O / groups, I]."""
    flipped = kernel[::-1, ::-1]
    if groups == 1:
        return flipped.swapaxes(2, 3)  # what XLA knows as the adjoint of a strided convolution, without products by zeros
    height, width, inputs, outputs = kernel.shape
    parts = flipped.reshape(height, width, inputs, groups, outputs // groups)
    return parts.transpose(0, 1, 4, 3, 2).reshape(height, width, outputs // groups, groups * inputs)


def _pads_of_transposed(y, kernel, stride, padding, size):
    """Padding of `y`, zeros between its pixels, for a plain convolution with the flipped kernel to yield `size` pixels."""
    sides = zip(kernel.shape[:2], padding, size, y.shape[1:3], strict=True)
    return tuple((k - 1 - before, s + before - (n - 1) * stride - 1) for k, (before, _), s, n in sides)


def _weight_of_arrays(x, y, *, stride, padding, kernel_size, groups):
    x = _used(_pad(x, padding), y, stride, kernel_size)
    if kernel_size == (1, 1) and groups == 1:
        return jnp.einsum("nhwi,nhwo->io", x[:, ::stride, ::stride], y)[None, None]
    images, windows = x.transpose(3, 1, 2, 0), y.transpose(1, 2, 0, 3)
    settings = {"rhs_dilation": (stride, stride), "dimension_numbers": _DIMENSIONS, "batch_group_count": groups}
    kernel = jax.lax.conv_general_dilated(images, windows, (1, 1), "VALID", **settings)
    return kernel.transpose(1, 2, 0, 3)


def _used(x, y, stride, kernel_size):
    """The part of a padded image that the convolution has seen."""
    h, w = ((n - 1) * stride + k for n, k in zip(y.shape[1:3], kernel_size, strict=True))
    return x[:, :h, :w]


def _on_cpu(by_onednn, function, **settings):
    """One dense convolution per group, of oneDNN if that may be called: XLA's grouped ones are slow, their weight gradients very slow."""
    dense = onednn.or_else(by_onednn, functools.partial(function, groups=1), **settings)

    def form(x, other, *, groups, **given):
        parts = zip(jnp.split(x, groups, axis=3), jnp.split(other, groups, axis=3), strict=True)
        return jnp.concatenate([dense(*part, **given) for part in parts], axis=3)

    return form


_forward = primitive_of("jgan_convolution", _forward_of_arrays, cpu=_on_cpu(onednn.forward, _forward_of_arrays))
_transposed = primitive_of("jgan_transposed_convolution", _transposed_of_arrays, cpu=_on_cpu(onednn.transposed, _transposed_of_arrays))
_weight = primitive_of("jgan_weight_convolution", _weight_of_arrays, cpu=_on_cpu(onednn.weight, _weight_of_arrays, summed=True))

ad.defbilinear(
    _forward,
    lambda ct, x, kernel, **at: _transposed.bind(ct, kernel, size=x.aval.shape[1:3], **at),
    lambda ct, x, kernel, **at: _weight.bind(x, ct, kernel_size=kernel.aval.shape[:2], **at),
)
ad.defbilinear(
    _transposed,
    lambda ct, y, kernel, *, size, **at: _forward.bind(ct, kernel, **at),
    lambda ct, y, kernel, *, size, **at: _weight.bind(ct, y, kernel_size=kernel.aval.shape[:2], **at),
)
ad.defbilinear(
    _weight,
    lambda ct, x, y, *, kernel_size, **at: _transposed.bind(y, ct, size=x.aval.shape[1:3], **at),
    lambda ct, x, y, *, kernel_size, **at: _forward.bind(x, ct, **at),
)


def _lanes(primitive, operands, axes, **sizes):
    """One dense convolution per lane: XLA would make a mapped kernel a grouped convolution, which is slow."""
    lanes = next(v.shape[a] for v, a in zip(operands, axes, strict=True) if a is not None)
    pick = [(lambda i, v=v, a=a: v if a is None else jnp.take(v, i, axis=a)) for v, a in zip(operands, axes, strict=True)]
    return jnp.stack([primitive.bind(pick[0](i), pick[1](i), **sizes) for i in range(lanes)]), 0


def _fold(primitive, operands, axes, **sizes):
    """Mapped activations with a shared kernel are only a larger batch."""
    x, kernel = operands
    if axes[1] is not None:
        return _lanes(primitive, operands, axes, **sizes)
    x = jnp.moveaxis(x, axes[0], 0)
    y = primitive.bind(x.reshape(-1, *x.shape[2:]), kernel, **sizes)
    return y.reshape(*x.shape[:2], *y.shape[1:]), 0


batching.primitive_batchers[_forward] = functools.partial(_fold, _forward)
batching.primitive_batchers[_transposed] = functools.partial(_fold, _transposed)
batching.primitive_batchers[_weight] = functools.partial(_lanes, _weight)
