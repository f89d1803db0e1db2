"""Two-dimensional convolutions, closed under differentiation.

With F(x, k) -> y a strided convolution without padding, T(y, k) -> x its adjoint in x and W(x, y) -> k its adjoint in k, all three are
bilinear, and every derivative of any order of any of them is again one of the three:

    dF: T(ct, k), W(x, ct)        dT: F(ct, k), W(ct, y)        dW: T(y, ct), F(x, ct)

So first, second and mixed derivatives, forward and reverse, all lower to the same three kinds of dense convolution. Each is written
with NHWC/HWIO dimension numbers, explicit transposes and, but for T, explicit padding: so XLA compiles them to its fast kernels on every
backend and inside `scan` and `cond`. On CPU some have forms of their own, chosen by their sizes. Under `vmap`, mapped activations fold into
the batch and mapped kernels give one dense convolution per lane instead of a grouped one.
"""

import functools

import jax
import jax.numpy as jnp
from jax.interpreters import ad, batching
from jax.sharding import PartitionSpec

from jgan.ops.primitive import primitive_of
from jgan.types import Array

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")
_BLOCK_BYTES = 400_000  # of output gradients in one block of a weight gradient on CPU: what a cache holds beside the images
_FEW_CHANNELS = 32  # of what a strided transposed convolution yields on CPU, up to which it goes by phases
_VECTOR = 16  # channels that neighbouring pixels share on CPU: one vector of the processor; with more, jax 0.10 takes a slow path
_NEIGHBOURS = 8  # that share them at most, since every one of them adds zeros to the kernel


def convolution(x: Array, kernel: Array, stride: int = 1, padding: int | tuple = 0) -> Array:
    """Convolution (cross-correlation, as everywhere in deep learning): y[n, i, j, o] = sum x[n, i s + a, j s + b, c] kernel[a, b, c, o].

    Args:
      x: [N, H, W, I].
      kernel: [kh, kw, I, O], of the dtype of `x`.
      stride: step in both directions, in pixels.
      padding: zeros around `x`, in pixels: one number, or ((top, bottom), (left, right)); negative numbers crop.

    Returns:
      [N, h, w, O] with h = (H + top + bottom - kh) // stride + 1.

    Raises:
      ValueError: if ranks, channels or dtypes do not fit, or the kernel is larger than the padded image.

    >>> convolution(jnp.ones((1, 4, 4, 3)), jnp.ones((3, 3, 3, 8)), stride=2, padding=1).shape
    (1, 2, 2, 8)
    """
    _check(x, kernel, kernel_axis=2)
    x = _pad(x, padding)
    if x.shape[1] < kernel.shape[0] or x.shape[2] < kernel.shape[1]:
        raise ValueError(f"expected a padded image of at least the kernel's size {kernel.shape[:2]}, found {x.shape[1:3]}; pad more")
    return _forward.bind(x, kernel, stride=stride)


def transposed_convolution(y: Array, kernel: Array, stride: int = 1, size: tuple[int, int] | None = None) -> Array:
    """The adjoint of `convolution` in its image: x[n, i s + a, j s + b, c] += y[n, i, j, o] kernel[a, b, c, o].

    Args:
      y: [N, h, w, O].
      kernel: [kh, kw, I, O], of the dtype of `y`: the kernel of the convolution of which this is the adjoint.
      stride: up-sampling factor.
      size: (H, W) of the result; by default the smallest, ((h - 1) stride + kh, (w - 1) stride + kw).

    Returns:
      [N, H, W, I].

    Raises:
      ValueError: if ranks, channels or dtypes do not fit, or no convolution maps `size` to the size of `y`.

    >>> transposed_convolution(jnp.ones((1, 4, 4, 8)), jnp.ones((3, 3, 3, 8)), stride=2).shape
    (1, 9, 9, 3)
    """
    _check(y, kernel, kernel_axis=3)
    smallest = tuple((n - 1) * stride + k for n, k in zip(y.shape[1:3], kernel.shape[:2], strict=True))
    size = smallest if size is None else size
    if any(not 0 <= s - m < stride for s, m in zip(size, smallest, strict=True)):
        raise ValueError(f"expected a size from {smallest} to {tuple(m + stride - 1 for m in smallest)}, found {size}")
    return _transposed.bind(y, kernel, stride=stride, size=size)


def _check(x, kernel, kernel_axis):
    if x.ndim != 4 or kernel.ndim != 4:
        raise ValueError(f"expected images [N, H, W, C] and a kernel [kh, kw, I, O], found {x.shape} and {kernel.shape}")
    if x.shape[3] != kernel.shape[kernel_axis]:
        raise ValueError(f"expected {kernel.shape[kernel_axis]} channels, as the kernel {kernel.shape} has, found images {x.shape}")
    if x.dtype != kernel.dtype:
        raise ValueError(f"expected images and kernel of one dtype, found {x.dtype} and {kernel.dtype}; cast one of them")


def _pad(x, padding):
    (top, bottom), (left, right) = ((padding, padding), (padding, padding)) if isinstance(padding, int) else padding
    if (top, bottom, left, right) == (0, 0, 0, 0):
        return x
    return jax.lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), (top, bottom, 0), (left, right, 0), (0, 0, 0)))


def _forward_of_arrays(x, kernel, *, stride):
    return jax.lax.conv_general_dilated(x, kernel, (stride, stride), "VALID", dimension_numbers=_DIMENSIONS)


def _forward_on_cpu(x, kernel, *, stride):
    """The same, with neighbours as channels while these are so few that they would leave most of the processor's vectors empty."""
    pixels = min(_VECTOR // max(stride * kernel.shape[2], kernel.shape[3]), _NEIGHBOURS)
    form = functools.partial(convolution_of_neighbours, pixels=pixels) if pixels > 1 else _forward_of_arrays
    return form(x, kernel, stride=stride)


def convolution_of_neighbours(x, kernel, *, stride, pixels):
    """`convolution` where `pixels` neighbours in a row of its result are the channels of one, and `pixels * stride` of its image."""
    kh, kw, i, o = kernel.shape
    width, group = (x.shape[2] - kw) // stride + 1, pixels * stride
    groups = -(-(group - stride + kw) // group)  # of the image, under the kernel of one group of the result
    shifted = [jnp.pad(kernel, ((0, 0), (p * stride, groups * group - kw - p * stride), (0, 0), (0, 0))) for p in range(pixels)]
    kernel = jnp.stack(shifted, axis=3).reshape(kh, groups, group * i, pixels * o)
    x = _pad(x, ((0, 0), (0, (-(-width // pixels) + groups - 1) * group - x.shape[2])))
    x = x.reshape(*x.shape[:2], -1, group * i)
    y = jax.lax.conv_general_dilated(x, kernel, (stride, 1), "VALID", dimension_numbers=_DIMENSIONS)
    return y.reshape(*y.shape[:2], -1, o)[:, :, :width]


def _transposed_of_arrays(y, kernel, *, stride, size):
    flipped = kernel[::-1, ::-1].swapaxes(2, 3)
    pads = [(k - 1, s - (n - 1) * stride - 1) for k, s, n in zip(kernel.shape[:2], size, y.shape[1:3], strict=True)]
    return jax.lax.conv_general_dilated(y, flipped, (1, 1), pads, lhs_dilation=(stride, stride), dimension_numbers=_DIMENSIONS)


def _transposed_on_cpu(y, kernel, *, stride, size):
    """The same as a plain convolution if the stride is 1, or by phases if there are few channels, which would leave vectors empty."""
    form = transposed_by_phases if stride == 1 or kernel.shape[2] <= _FEW_CHANNELS else _transposed_of_arrays
    return form(y, kernel, stride=stride, size=size)


def transposed_by_phases(y, kernel, *, stride, size):
    """`transposed_convolution` as one plain one: all pixels of one phase, modulo the stride, are some of its channels."""
    kh, kw, i, o = kernel.shape
    rows, columns = -(-kh // stride), -(-kw // stride)
    kernel = jnp.pad(kernel, ((0, rows * stride - kh), (0, columns * stride - kw), (0, 0), (0, 0)))
    kernel = kernel.reshape(rows, stride, columns, stride, i, o)[::-1, :, ::-1].transpose(0, 2, 5, 1, 3, 4)
    phases = _forward.bind(_pad(y, ((rows - 1,) * 2, (columns - 1,) * 2)), kernel.reshape(rows, columns, o, -1), stride=1)
    n, h, w, _ = phases.shape
    x = phases.reshape(n, h, w, stride, stride * i).swapaxes(2, 3).reshape(n, h * stride, w * stride, i)
    return _pad(x, ((0, size[0] - h * stride), (0, size[1] - w * stride)))


def _weight_of_arrays(x, y, *, stride, kernel_size):
    used = [(n - 1) * stride + k for n, k in zip(y.shape[1:3], kernel_size, strict=True)]
    x = x[:, : used[0], : used[1]]
    if kernel_size == (1, 1):
        return jnp.einsum("nhwi,nhwo->io", x[:, ::stride, ::stride], y)[None, None]
    images, windows = x.transpose(3, 1, 2, 0), y.transpose(1, 2, 0, 3)
    kernel = jax.lax.conv_general_dilated(images, windows, (1, 1), "VALID", rhs_dilation=(stride, stride), dimension_numbers=_DIMENSIONS)
    return kernel.transpose(1, 2, 0, 3)


def _weight_on_cpu(x, y, *, stride, kernel_size):
    """The same, as a sum over blocks of rows, since XLA does not block these convolutions itself.

    A batch that is spread over devices is summed device by device, or every block would wait for all of them.
    """
    form = _weight_by_image if kernel_size == (1, 1) else _weight_in_blocks
    on_one = functools.partial(form, stride=stride, kernel_size=kernel_size)
    mesh = jax.sharding.get_abstract_mesh()
    devices = mesh.shape["data"] if "data" in mesh.auto_axes else 1
    if devices == 1:
        return on_one(x, y)
    if x.shape[0] % devices:
        return _weight_of_arrays(x, y, stride=stride, kernel_size=kernel_size)
    on_each = jax.shard_map(lambda x, y: jax.lax.psum(on_one(x, y), "data"), in_specs=PartitionSpec("data"), out_specs=PartitionSpec())
    return on_each(x, y)


def _weight_by_image(x, y, *, stride, kernel_size):
    """For 1x1 kernels: one product per image, of which the narrower array comes first, since XLA copies that one to transpose it."""
    x = x[:, : y.shape[1] * stride : stride, : y.shape[2] * stride : stride]
    if x.shape[3] <= y.shape[3]:
        kernel = jnp.einsum("nhwi,nhwo->nio", x, y).sum(axis=0)
    else:
        kernel = jnp.einsum("nhwo,nhwi->noi", y, x).sum(axis=0).T
    return kernel.reshape(*kernel_size, *kernel.shape)


def _weight_in_blocks(x, y, *, stride, kernel_size):
    rows, row_bytes = y.shape[1], y.dtype.itemsize * y.shape[0] * y.shape[2] * y.shape[3]
    block = next(b for b in range(rows, 0, -1) if rows % b == 0 and (b * row_bytes <= _BLOCK_BYTES or b == 1))

    def of_block(i):
        image = jax.lax.dynamic_slice_in_dim(x, i * block * stride, (block - 1) * stride + kernel_size[0], axis=1)
        windows = jax.lax.dynamic_slice_in_dim(y, i * block, block, axis=1)
        return _weight_of_arrays(image, windows, stride=stride, kernel_size=kernel_size)

    return of_block(0) if block == rows else jax.lax.fori_loop(1, rows // block, lambda i, total: total + of_block(i), of_block(0))


_forward = primitive_of("jgan_convolution", _forward_of_arrays, cpu=_forward_on_cpu)
_transposed = primitive_of("jgan_transposed_convolution", _transposed_of_arrays, cpu=_transposed_on_cpu)
_weight = primitive_of("jgan_weight_convolution", _weight_of_arrays, cpu=_weight_on_cpu)

ad.defbilinear(
    _forward,
    lambda ct, x, kernel, *, stride: _transposed.bind(ct, kernel, stride=stride, size=x.aval.shape[1:3]),
    lambda ct, x, kernel, *, stride: _weight.bind(x, ct, stride=stride, kernel_size=kernel.aval.shape[:2]),
)
ad.defbilinear(
    _transposed,
    lambda ct, y, kernel, *, stride, size: _forward.bind(ct, kernel, stride=stride),
    lambda ct, y, kernel, *, stride, size: _weight.bind(ct, y, stride=stride, kernel_size=kernel.aval.shape[:2]),
)
ad.defbilinear(
    _weight,
    lambda ct, x, y, *, stride, kernel_size: _transposed.bind(y, ct, stride=stride, size=x.aval.shape[1:3]),
    lambda ct, x, y, *, stride, kernel_size: _forward.bind(x, ct, stride=stride),
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
