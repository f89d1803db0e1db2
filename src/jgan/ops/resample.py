"""Resampling with short FIR filters: up-sample, pad, filter, down-sample.

A filter is a sum of shifted slices, one pass per direction, where a depthwise convolution of XLA is ten times slower. On TPU in half
precision it is a dense convolution if channels are few. It is linear, and its transpose is a filter of the same kind with up- and
down-sampling exchanged, the taps reversed and complementary padding; so every derivative of every order is as fast as the filter itself.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jgan.compat import ad
from jgan.ops import onednn
from jgan.ops.convolution import convolution
from jgan.ops.primitive import fold_into_batch, primitive_of
from jgan.types import Array

MATRIX_UNIT = 128  # channels that one of a TPU takes in at once
BINOMIAL = (1.0, 3.0, 3.0, 1.0)  # the low-pass filter of StyleGAN (Karras et al. 2018, section 3)


def upfirdn(
    x: Array, taps: Sequence, up: int = 1, down: int = 1, padding: tuple = (0, 0, 0, 0), gain: float = 1.0, flip: bool = False
) -> Array:
    """Inserts up - 1 zeros between pixels, pads, convolves with the filter, keeps every `down`-th pixel.

    Args:
      x: [N, H, W, C].
      taps: [k] of a separable or [kh, kw] of any other filter; taken as they are, see `normalised`.
      up, down: factors in both directions.
      padding: (top, bottom, left, right) in pixels of the up-sampled image; negative numbers crop.
      gain: multiplies the filter; up ** 2 keeps the brightness.
      flip: correlate with the filter instead of convolving.

    Returns:
      [N, (H up + top + bottom - kh) // down + 1, (W up + left + right - kw) // down + 1, C].

    Raises:
      ValueError: if `x` or `taps` have another rank, or the filter is larger than the padded image.

    >>> upfirdn(jnp.ones((1, 4, 4, 3)), normalised(BINOMIAL), up=2, padding=(2, 1, 2, 1), gain=4).shape
    (1, 8, 8, 3)
    """
    taps = np.asarray(taps, np.float64)
    if x.ndim != 4 or taps.ndim not in (1, 2):
        raise ValueError(f"expected images [N, H, W, C] and taps [k] or [kh, kw], found {x.shape} and {taps.shape}")
    taps = taps if flip else taps[::-1] if taps.ndim == 1 else taps[::-1, ::-1]
    factors = [(taps, taps)] if taps.ndim == 1 else zip(np.eye(len(taps)), taps, strict=True)
    separable = [_separable(x, (vertical, horizontal * gain), up, down, (padding[:2], padding[2:])) for vertical, horizontal in factors]
    return functools.reduce(jnp.add, separable)


def normalised(taps: Sequence) -> np.ndarray:
    """Returns the filter with a sum of 1, so that it keeps the brightness.

    >>> normalised(BINOMIAL).tolist()
    [0.125, 0.375, 0.375, 0.125]
    """
    return np.asarray(taps, np.float64) / np.sum(taps)


def upsample(x: Array, taps: Sequence = BINOMIAL, factor: int = 2) -> Array:
    """Computes up-sampling of [N, H, W, C] by a whole factor, low-pass filtered, aligned to pixel centres.

    >>> upsample(jnp.ones((1, 4, 4, 3))).shape
    (1, 8, 8, 3)
    """
    before, after = (len(taps) + factor - 1) // 2, (len(taps) - factor) // 2
    return upfirdn(x, normalised(taps), up=factor, padding=(before, after, before, after), gain=factor**2)


def downsample(x: Array, taps: Sequence = BINOMIAL, factor: int = 2) -> Array:
    """Computes down-sampling of [N, H, W, C] by a whole factor, low-pass filtered, aligned to pixel centres.

    >>> downsample(jnp.ones((1, 8, 8, 3))).shape
    (1, 4, 4, 3)
    """
    before, after = (len(taps) - factor + 1) // 2, (len(taps) - factor) // 2
    return upfirdn(x, normalised(taps), down=factor, padding=(before, after, before, after))


def _separable(x, taps, up, down, padding):
    lengths = [n * up + sum(p) for n, p in zip(x.shape[1:3], padding, strict=True)]
    for axis, (length, along) in enumerate(zip(lengths, taps, strict=True)):
        if length < len(along):
            raise ValueError(f"expected at least {len(along)} padded pixels along axis {axis + 1}, found {length}")
    size = tuple((length - len(along)) // down + 1 for length, along in zip(lengths, taps, strict=True))
    before = tuple(p[0] for p in padding)
    return _filter.bind(x, taps=tuple(tuple(along.tolist()) for along in taps), up=up, down=down, before=before, size=size)


def _filter_of_array(x, *, taps, up, down, before, size):
    """y[i, j] = sum_ab taps[0][a] taps[1][b] z[i down + a - before[0], j down + b - before[1]], z being x with up - 1 zeros in between."""
    return functools.reduce(lambda x, axis: _pass(x, taps[axis], axis + 1, up, down, before[axis], size[axis]), (0, 1), x)


def _pass(x, taps, axis, up, down, before, size):
    """The filter along one axis."""
    pads = [(0, 0, 0)] * x.ndim
    pads[axis] = (before, _after(x.shape[axis], len(taps), up, down, before, size), up - 1)
    z = jax.lax.pad(x, jnp.zeros((), x.dtype), pads)
    used = [(k, t) for k, t in enumerate(taps) if t != 0] or [(0, 0.0)]
    slices = [jax.lax.slice_in_dim(z, k, k + (size - 1) * down + 1, stride=down, axis=axis) * np.asarray(t, x.dtype) for k, t in used]
    return functools.reduce(jnp.add, slices)


def _after(length, taps, up, down, before, size):
    """Padding behind an axis, negative if its last pixels are not used."""
    return (size - 1) * down + taps - before - (length - 1) * up - 1


def _filter_on_cpu(x, *, taps, up, down, before, size):
    """The same, as a depthwise convolution of oneDNN if that may be called, unless it is to insert zeros."""
    form = functools.partial(_filter_of_array, taps=taps, up=up, down=down, before=before, size=size)
    if up > 1:
        return form(x)
    sides = zip(x.shape[1:3], taps, before, size, strict=True)
    padding = [(b, _after(n, len(along), 1, down, b, s)) for n, along, b, s in sides]
    kernel = jnp.asarray(np.outer(*taps)[:, :, None, None].repeat(x.shape[3], axis=3), x.dtype)

    def depthwise(x, kernel):
        return onednn.convolution(x, kernel, padding, (down, down), groups=x.shape[3])

    return onednn.or_else(depthwise, lambda x, _: form(x))(x, kernel)


def filter_on_gpu(x, *, taps, up, down, before, size):
    """Computes the same; where there are zeros in between, in phases: kernels would take longer to find them than to filter."""
    if up == 1 or down > 1:
        return _filter_of_array(x, taps=taps, up=up, down=down, before=before, size=size)
    return functools.reduce(lambda x, axis: _in_phases(x, taps[axis], axis + 1, up, before[axis], size[axis]), (0, 1), x)


def _in_phases(x, taps, axis, up, before, size):
    """The filter along one axis of an image with up - 1 zeros in between: every up-th pixel of the result by every up-th tap."""
    count, phases = -(-size // up), []
    for phase in range(up):
        first = (before - phase) % up
        phases.append(_pass(x, taps[first::up] or (0.0,), axis, 1, 1, (before - phase - first) // up, count))
    shape = (*x.shape[:axis], count * up, *x.shape[axis + 1 :])
    return jax.lax.slice_in_dim(jnp.stack(phases, axis + 1).reshape(shape), 0, size, axis=axis)


def filter_on_tpu(x, *, taps, up, down, before, size):
    """Returns the same, in half precision without resampling as a convolution of dense diagonal kernels, if a matrix unit takes in all
    channels.

    Such a unit is idle in a filter, while sums of slices are slow in half precision, in which a TPU v5e does not compute otherwise.
    """
    c = x.shape[3]
    if up > 1 or down > 1 or x.dtype != jnp.bfloat16 or c > MATRIX_UNIT:
        return _filter_of_array(x, taps=taps, up=up, down=down, before=before, size=size)
    rows, columns = (np.asarray(along) for along in taps)
    planes = [np.outer(rows, columns)] if 2 * c <= MATRIX_UNIT else [rows[:, None], columns[None]]  # fewer products if they are many
    padding = _padding(x, taps, before, size)
    for plane in planes:
        x, padding = convolution(x, jnp.asarray(plane[:, :, None, None] * np.eye(c), x.dtype), padding=padding), 0
    return x


def _padding(x, taps, before, size):
    """Around the images of a filter that does not resample: ((top, bottom), (left, right)); negative if their last pixels are not used."""
    sides = zip(x.shape[1:3], taps, before, size, strict=True)
    return tuple((b, _after(n, len(along), 1, 1, b, s)) for n, along, b, s in sides)


def _transpose(ct, x, *, taps, up, down, before, size):
    settings = {"up": down, "down": up, "size": x.aval.shape[1:3]}
    before = tuple(len(along) - 1 - b for along, b in zip(taps, before, strict=True))
    return [_filter.bind(ct, taps=tuple(along[::-1] for along in taps), before=before, **settings)]


_filter = primitive_of("jgan_filter", _filter_of_array, cpu=_filter_on_cpu, cuda=filter_on_gpu, tpu=filter_on_tpu)
ad.deflinear2(_filter, _transpose)
fold_into_batch(_filter)
