"""Likeness of two images by their pixels: PSNR, SSIM, MS-SSIM; and the diversity of a set by the last.

Pairs of images [N, H, W, C] of any number of channels, which are treated alike and averaged. Floats are taken to lie in [-1, 1] and
integers in [0, 255] unless `data_range`, the difference between the largest and the smallest possible value, says otherwise.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jgan.ops.resample import upfirdn
from jgan.types import Array, Key

SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # exponents of the five scales, finest first (Wang et al. 2003, section 3.2)
WINDOW, SIGMA = 11, 1.5  # pixels, of the Gaussian of Wang et al. 2004, section III.B
MOST_PSNR = 60.0  # dB that equal images, whose ratio is infinite, count as in means: a difference of a quarter of a grey level
K1, K2 = 0.01, 0.03  # share of the data range that stabilises luminance and contrast


def psnr(a, b, data_range: float | None = None, mask=None) -> Array:
    """Computes the peak signal-to-noise ratio [N] in decibels, 10 log10(data_range^2 / mean squared error); infinite for equal images.

    A mask [N, H, W, 1] of bools or weights tells which pixels count, 1 where it has a hole, say; without any in an image the ratio is NaN.

    Raises ValueError, as do the functions below, unless both are images [N, H, W, C] of one shape and one kind of numbers.

    >>> psnr(jnp.zeros((1, 4, 4, 3)), jnp.full((1, 4, 4, 3), 0.2)).round(2)
    Array([20.], dtype=float32)
    """
    a, b, data_range = _checked(a, b, data_range)
    weights = jnp.ones((*a.shape[:3], 1), a.dtype) if mask is None else _checked_mask(mask, a)
    squares = jnp.mean(jnp.square(a - b), axis=3, keepdims=True)
    error = jnp.sum(squares * weights, axis=(1, 2, 3)) / jnp.sum(weights, axis=(1, 2, 3))
    return 10.0 * jnp.log10(data_range**2 / error)


def ssim(a, b, data_range: float | None = None) -> Array:
    """Computes the structural similarity [N], 1 for equal images, in [-1, 1].

    Mean over pixels of (2 m_a m_b + c1)(2 s_ab + c2) / ((m_a^2 + m_b^2 + c1)(s_a^2 + s_b^2 + c2)), with means, variances and covariance
    under a Gaussian window of 11 x 11 pixels, sigma 1.5, c1 = (0.01 data_range)^2, c2 = (0.03 data_range)^2 (Wang et al. 2004,
    https://doi.org/10.1109/TIP.2003.819861, equation 13). Only windows that lie wholly inside the image count: nothing is padded.

    Raises ValueError also for images smaller than the window.

    >>> ssim(jnp.ones((1, 16, 16, 1)), jnp.ones((1, 16, 16, 1))).tolist()
    [1.0]
    """
    a, b, data_range = _checked(a, b, data_range)
    luminance, structure = _comparisons(a, b, data_range)
    return jnp.mean(luminance * structure, axis=(1, 2, 3))


@functools.partial(jax.jit, static_argnames=("levels", "data_range"))
def ms_ssim(a, b, levels: int = 5, data_range: float | None = None) -> Array:
    """Computes the multi-scale structural similarity [N], 1 for equal images, in [0, 1].

    Product over scales of (mean of contrast and structure)^weight, with luminance at the coarsest scale, each channel by itself and
    then averaged; scales halve by averages of 2 x 2 pixels (Wang, Simoncelli, Bovik 2003, https://doi.org/10.1109/ACSSC.2003.1292216,
    equation 7). Negative means count as 0.

    The five scales of the paper need images of 176 pixels and more. With fewer `levels` the weights of the finest ones are scaled to sum to
    1; such numbers compare among themselves only.

    Raises ValueError also for images that are too small for the levels, and says how many would do.

    >>> ms_ssim(jnp.ones((1, 16, 16, 1)), jnp.ones((1, 16, 16, 1)), levels=1).tolist()
    [1.0]
    """
    a, b, data_range = _checked(a, b, data_range)
    _check_levels(a.shape, levels)
    weights = np.asarray(SCALES[:levels]) / sum(SCALES[:levels])
    product = jnp.ones((a.shape[0], a.shape[3]), a.dtype)
    for level, weight in enumerate(weights):
        luminance, structure = _comparisons(a, b, data_range)
        values = luminance * structure if level == levels - 1 else structure
        mean = jnp.mean(values, axis=(1, 2))
        positive = mean > 0.0
        # The slope of a power at 0 is infinite, and NaN where it is multiplied by 0: a 1 takes its place.
        product = product * jnp.where(positive, jnp.where(positive, mean, 1.0) ** float(weight), 0.0)
        a, b = _halved(a), _halved(b)
    return jnp.mean(product, axis=1)


def diversity(key: Key, images, pairs: int = 100, levels: int = 5, data_range: float | None = None, batch: int = 50) -> float:
    """Computes the mean MS-SSIM over random pairs of different images of a set [N, H, W, C]: high where a generator, or a class of it, has
    collapsed.

    Odena, Olah, Shlens 2017, https://arxiv.org/abs/1610.09585, section 4.2, with 100 pairs per class; compare with the same of real images.

    Raises ValueError for fewer than two images, and as `ms_ssim` does.

    >>> diversity(jax.random.key(0), np.zeros((4, 16, 16, 3), np.uint8), levels=1)
    1.0
    """
    if np.ndim(images) != 4 or len(images) < 2 or pairs < 1:
        raise ValueError(f"expected at least 2 images [N, H, W, C] and 1 pair, found shape {np.shape(images)} and {pairs} pairs")
    first_key, other_key = jax.random.split(key)
    first = np.asarray(jax.random.randint(first_key, (pairs,), 0, len(images)))
    other = (first + np.asarray(jax.random.randint(other_key, (pairs,), 1, len(images)))) % len(images)
    parts = [slice(start, start + batch) for start in range(0, pairs, batch)]
    values = [ms_ssim(images[first[some]], images[other[some]], levels=levels, data_range=data_range) for some in parts]
    return float(np.mean(np.concatenate(values), dtype=np.float64))


def _checked(a, b, data_range):
    a, b = jnp.asarray(a), jnp.asarray(b)
    if a.ndim != 4 or a.shape != b.shape or a.dtype != b.dtype:
        found = f"{a.dtype} {a.shape} and {b.dtype} {b.shape}"
        raise ValueError(f"expected two sets of images [N, H, W, C] of one shape and dtype, found {found}: resize or convert one")
    default = 2.0 if jnp.issubdtype(a.dtype, jnp.floating) else 255.0
    dtype = jnp.promote_types(a.dtype, jnp.float32) if jnp.issubdtype(a.dtype, jnp.floating) else jnp.float32
    return a.astype(dtype), b.astype(dtype), default if data_range is None else float(data_range)


def _checked_mask(mask, images):
    mask = jnp.asarray(mask)
    if mask.shape != (*images.shape[:3], 1):
        raise ValueError(f"expected a mask {(*images.shape[:3], 1)} for images {images.shape}, found {mask.shape}; resize it")
    return mask.astype(images.dtype)


def most_levels(shape: tuple[int, ...]) -> int:
    """Returns the number of scales that images [N, H, W, C] are large enough for, at most five; 0: too small for any.

    >>> most_levels((1, 32, 64, 3))
    2
    """
    return min((min(shape[1:3]) // WINDOW).bit_length(), len(SCALES))


def _check_levels(shape, levels):
    most = most_levels(shape)
    if not 1 <= levels <= most:
        message = f"expected images of {WINDOW * 2 ** (levels - 1)} pixels or more for {levels} levels (5 at most), found {shape[1:3]}"
        raise ValueError(f"{message}: {f'pass levels={most}' if most else 'use larger images'}")


@jax.jit
def _comparisons(a, b, data_range):
    """Luminance, and contrast with structure: both [N, H - 10, W - 10, C]."""
    if min(a.shape[1:3]) < WINDOW:
        raise ValueError(f"expected images of {WINDOW} x {WINDOW} pixels or more, found {a.shape[1:3]}: use larger images")
    window = np.exp(-0.5 * ((np.arange(WINDOW) - WINDOW // 2) / SIGMA) ** 2)
    smooth = upfirdn(jnp.concatenate([a, b, a * a, b * b, a * b]), window / window.sum())
    mean_a, mean_b, of_aa, of_bb, of_ab = jnp.split(smooth, 5)
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    luminance = (2.0 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    covariance, variances = of_ab - mean_a * mean_b, of_aa - mean_a**2 + of_bb - mean_b**2
    return luminance, (2.0 * covariance + c2) / (variances + c2)


def _halved(x):
    n, h, w, c = x.shape
    return x[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c).mean(axis=(2, 4))
