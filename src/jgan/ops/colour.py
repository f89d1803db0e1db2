"""Colour spaces: sRGB, CIE 1976 L*a*b* and grey."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jgan.types import Array

LUMA = np.asarray((0.299, 0.587, 0.114), np.float32)  # weights of R, G, B in the grey of ITU-R BT.601
# linear sRGB (IEC 61966-2-1) to CIE XYZ under D65, each row divided by the white point, so that white is (1, 1, 1)
_WHITE = np.asarray((0.95047, 1.0, 1.08883))
_XYZ = np.asarray(((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041)))
_TO_XYZ = _XYZ / _WHITE[:, None]
_FROM_XYZ = np.linalg.inv(_TO_XYZ)
_EPSILON, _KAPPA = 216 / 24389, 24389 / 27  # where the cube root of L*a*b* turns into a line, and its slope (CIE 15:2004)


def luma(images: Any) -> Array:
    """Computes 0.299 R + 0.587 G + 0.114 B of images [..., 3]: [..., 1], in the units of the images.

    Source: ITU-R BT.601, https://www.itu.int/rec/R-REC-BT.601.

    >>> print(luma(jnp.asarray([1.0, -1.0, -1.0])).round(3))
    [-0.402]
    """
    return _times(_checked(images), LUMA[None])


def rgb_to_lab(images: Any) -> Array:
    """Computes CIE 1976 L*a*b* (D65) of sRGB images.

    Differentiable everywhere. L* is in [0, 100]; within sRGB a* is in [-87, 99] and b* in [-108, 95].
    Source: IEC 61966-2-1 (sRGB) and CIE 15:2004.

    Args:
      images: float [..., 3] in [-1, 1].

    Raises:
      ValueError: unless there are three channels of floating-point numbers.

    >>> print(rgb_to_lab(jnp.asarray([1.0, -1.0, -1.0])).round())
    [53. 80. 67.]
    """
    rgb = _checked(images) * 0.5 + 0.5
    linear = jnp.where(rgb > 0.04045, ((jnp.maximum(rgb, 0.04045) + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = _times(linear, _TO_XYZ)
    f = jnp.where(xyz > _EPSILON, jnp.cbrt(jnp.maximum(xyz, _EPSILON)), (_KAPPA * xyz + 16.0) / 116.0)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return jnp.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def lab_to_rgb(lab: Any) -> Array:
    """Computes the sRGB images float [..., 3] of L*a*b* images: the inverse of `rgb_to_lab`.

    Colours that sRGB cannot show come out beyond [-1, 1]; clip them, and count them with `in_gamut`.

    Raises:
      ValueError: unless there are three channels of floating-point numbers.

    >>> lab_to_rgb(jnp.asarray([100.0, 0.0, 0.0])).round(3).tolist()
    [1.0, 1.0, 1.0]
    """
    lab = _checked(lab)
    y = (lab[..., 0] + 16.0) / 116.0
    f = jnp.stack([y + lab[..., 1] / 500.0, y, y - lab[..., 2] / 200.0], axis=-1)
    xyz = jnp.where(f > _EPSILON ** (1 / 3), f**3, (116.0 * f - 16.0) / _KAPPA)
    linear = _times(xyz, _FROM_XYZ)
    rgb = jnp.where(linear > 0.0031308, 1.055 * jnp.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055, 12.92 * linear)
    return rgb * 2.0 - 1.0


def in_gamut(images: Any, tolerance: float = 1e-3) -> Array:
    """Tells which pixels of images float [..., 3] lie in [-1, 1] in all channels, but for a tolerance: bool [...].

    >>> in_gamut(lab_to_rgb(jnp.asarray([[50.0, 0.0, 0.0], [50.0, 0.0, -100.0]]))).tolist()
    [True, False]
    """
    return jnp.all(jnp.abs(images) <= 1.0 + tolerance, axis=-1)


def _checked(images):
    images = jnp.asarray(images)
    if images.ndim < 1 or images.shape[-1] != 3 or not jnp.issubdtype(images.dtype, jnp.floating):
        raise ValueError(f"expected floating-point images [..., 3], found {images.dtype} {images.shape}; use to_float")
    return images


def _times(pixels, matrix):
    """The product with a 3 x 3 or 1 x 3 matrix, written out: products in TF32 or bfloat16 would be off by a level of colour."""
    matrix = matrix.astype(pixels.dtype)
    return jnp.stack([sum(pixels[..., i] * row[i] for i in range(3)) for row in matrix], axis=-1)
