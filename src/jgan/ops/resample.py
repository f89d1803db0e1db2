"""Resampling with short FIR filters: up-sample, pad, filter, down-sample.

A filter is a sum of shifted slices, one pass per direction, where a depthwise convolution is ten times slower. Each pass is linear, and its
transpose is a pass of the same kind with up- and down-sampling exchanged, the taps reversed and complementary padding; so every
derivative of every order is as fast as the pass itself.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad, batching

from jgan.ops.primitive import primitive_of
from jgan.types import Array

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
    vertical, horizontal = padding[:2], padding[2:]
    fir = functools.partial(_fir, up=up, down=down)
    if taps.ndim == 1:
        return fir(fir(x, taps, 1, vertical), taps * gain, 2, horizontal)
    rows = [fir(fir(x, one_row, 1, vertical), row * gain, 2, horizontal) for row, one_row in zip(taps, np.eye(len(taps)), strict=True)]
    return functools.reduce(jnp.add, rows)


def normalised(taps: Sequence) -> np.ndarray:
    """The filter with a sum of 1, so that it keeps the brightness.

    >>> normalised(BINOMIAL).tolist()
    [0.125, 0.375, 0.375, 0.125]
    """
    return np.asarray(taps, np.float64) / np.sum(taps)


def upsample(x: Array, taps: Sequence = BINOMIAL, factor: int = 2) -> Array:
    """Up-sampling of [N, H, W, C] by a whole factor, low-pass filtered, aligned to pixel centres.

    >>> upsample(jnp.ones((1, 4, 4, 3))).shape
    (1, 8, 8, 3)
    """
    before, after = (len(taps) + factor - 1) // 2, (len(taps) - factor) // 2
    return upfirdn(x, normalised(taps), up=factor, padding=(before, after, before, after), gain=factor**2)


def downsample(x: Array, taps: Sequence = BINOMIAL, factor: int = 2) -> Array:
    """Down-sampling of [N, H, W, C] by a whole factor, low-pass filtered, aligned to pixel centres.

    >>> downsample(jnp.ones((1, 8, 8, 3))).shape
    (1, 4, 4, 3)
    """
    before, after = (len(taps) - factor + 1) // 2, (len(taps) - factor) // 2
    return upfirdn(x, normalised(taps), down=factor, padding=(before, after, before, after))


def _fir(x, taps, axis, padding, *, up, down):
    length = x.shape[axis] * up + sum(padding) - len(taps) + 1
    if length < 1:
        raise ValueError(f"expected at least {len(taps)} padded pixels along axis {axis}, found {x.shape[axis] * up + sum(padding)}")
    return _pass.bind(x, taps=tuple(taps.tolist()), axis=axis, up=up, down=down, before=padding[0], size=(length - 1) // down + 1)


def _pass_of_array(x, *, taps, axis, up, down, before, size):
    """y[o] = sum_k taps[k] z[o down + k - before] along one axis, where z is x with up - 1 zeros between its elements."""
    span = (size - 1) * down + len(taps)
    pads = [(0, 0, 0)] * x.ndim
    pads[axis] = (before, span - before - (x.shape[axis] - 1) * up - 1, up - 1)
    z = jax.lax.pad(x, jnp.zeros((), x.dtype), pads)
    used = [(k, t) for k, t in enumerate(taps) if t != 0] or [(0, 0.0)]
    slices = [jax.lax.slice_in_dim(z, k, k + (size - 1) * down + 1, stride=down, axis=axis) * np.asarray(t, x.dtype) for k, t in used]
    return functools.reduce(jnp.add, slices)


def _transpose(ct, x, *, taps, axis, up, down, before, size):
    return [_pass.bind(ct, taps=taps[::-1], axis=axis, up=down, down=up, before=len(taps) - 1 - before, size=x.aval.shape[axis])]


def _batch(operands, axes, *, axis, **settings):
    x = jnp.moveaxis(operands[0], axes[0], 0)
    return _pass.bind(x, axis=axis + 1, **settings), 0


_pass = primitive_of("jgan_fir", _pass_of_array)
ad.deflinear2(_pass, _transpose)
batching.primitive_batchers[_pass] = _batch
