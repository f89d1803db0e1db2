"""What ADA does to colours and frequencies of images in place: colour matrices, band gains, noise and cutout.

Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (https://arxiv.org/abs/2006.06676), appendix B.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax

from jgan.types import Array

# Low-pass filter of the Symlet (and Daubechies) wavelet with 2 vanishing moments, in closed form, of sum sqrt(2).
SYM2 = np.array([1 + np.sqrt(3), 3 + np.sqrt(3), 3 - np.sqrt(3), 1 - np.sqrt(3)]) / (4 * np.sqrt(2))


def recolour(images: Array, colour: Array) -> Array:
    """Computes the affine map `colour` [N, 4, 4] of the channels of images [N, H, W, C]; grey images (C = 1) are taken as RGB and averaged
    afterwards.

    >>> colour = jnp.eye(4).at[:3, 3].set(0.5)[None]
    >>> recolour(jnp.zeros((1, 1, 1, 3)), colour).tolist()
    [[[[0.5, 0.5, 0.5]]]]
    """
    if images.shape[-1] not in (1, 3):
        raise ValueError(f"colour transforms need images of 1 or 3 channels, found {images.shape[-1]}: turn them off for these images")
    matrix, offset = colour[:, :3, :3], colour[:, :3, 3]
    if images.shape[-1] == 1:
        matrix, offset = matrix.sum(axis=2).mean(axis=1)[:, None, None], offset.mean(axis=1)[:, None]
    mixed = (images[..., None, :] * matrix[:, None, None, :, :]).sum(axis=-1)
    return mixed + offset[:, None, None, :]


def filter_bank() -> np.ndarray:
    """Computes four zero-phase band-pass filters [4, 43], from [0, pi/8] up to [pi/2, pi], that sum to a unit impulse.

    With H the sym2 low-pass, L(z) = H(z) H(1/z) / 2 and its mirror M(z) = L(-z) satisfy L + M = 1, so that splitting the lowest band again
    and again gives M(z), L(z) M(z^2), L(z) L(z^2) M(z^4) and L(z) L(z^2) L(z^4).
    """
    low = np.convolve(SYM2, SYM2[::-1]) / 2
    high = low * (-1.0) ** np.arange(-3, 4)
    bands, below = [], np.ones(1)
    for level in range(3):
        dilated = np.zeros((2, 6 * 2**level + 1))
        dilated[:, :: 2**level] = low, high
        bands.append(np.convolve(below, dilated[1]))
        below = np.convolve(below, dilated[0])
    bands = [below, *reversed(bands)]
    return np.stack([np.pad(band, (len(below) - len(band)) // 2) for band in bands])


def reflect(index: np.ndarray, size: int) -> np.ndarray:
    """Computes the index of the pixel seen at `index` of an axis of `size` pixels, reflected at its edge pixels again and again."""
    period = max(2 * (size - 1), 1)
    return np.minimum(index % period, -index % period)


def band_matrices(size: int) -> np.ndarray:
    """Returns the filter bank as matrices [4, size, size] that act on an axis reflected at its edges."""
    bank = filter_bank()
    matrices = np.zeros((4, size, size), np.float32)
    rows = np.arange(size)
    for tap, weights in enumerate(bank.T):
        np.add.at(matrices, (slice(None), rows, reflect(rows + tap - bank.shape[1] // 2, size)), weights[:, None])
    return matrices


def filter_bands(images: Array, gains: Array) -> Array:
    """Computes images [N, H, W, C] with their frequency bands amplified by `gains` [N, 4], from the lowest band to the highest, along both
    axes.

    >>> images = jnp.arange(12.0).reshape(1, 3, 4, 1)
    >>> bool(jnp.allclose(filter_bands(images, 2 * jnp.ones((1, 4))), 4 * images, atol=1e-4))
    True
    """
    high = lax.Precision.HIGHEST
    rows = jnp.einsum("nb,bhk->nhk", gains, band_matrices(images.shape[1]), precision=high)
    columns = jnp.einsum("nb,bwk->nwk", gains, band_matrices(images.shape[2]), precision=high)
    images = jnp.einsum("nhk,nkwc->nhwc", rows, images, precision=high)
    return jnp.einsum("nwk,nhkc->nhwc", columns, images, precision=high)


def add_noise(images: Array, noise: Array) -> Array:
    """Computes images [N, H, W, C] plus `noise` [N, H, W, 3]; grey images take its first channel.

    >>> add_noise(jnp.zeros((1, 1, 1, 1)), jnp.ones((1, 1, 1, 3))).tolist()
    [[[[1.0]]]]
    """
    if images.shape[-1] not in (1, 3):
        raise ValueError(f"additive noise needs images of 1 or 3 channels, found {images.shape[-1]}: turn it off for these images")
    return images + noise[..., : images.shape[-1]]


def cut_out(images: Array, box: Array) -> Array:
    """Computes images [N, H, W, C] set to 0 inside `box` [N, 4]: top, bottom, left and right in pixels, bottom and right exclusive.

    >>> cut_out(jnp.ones((1, 1, 4, 1)), jnp.array([[0, 1, 1, 3]])).ravel().tolist()
    [1.0, 0.0, 0.0, 1.0]
    """
    top, bottom, left, right = (box[:, i, None, None, None] for i in range(4))
    row = jnp.arange(images.shape[1], dtype=box.dtype)[None, :, None, None]
    column = jnp.arange(images.shape[2], dtype=box.dtype)[None, None, :, None]
    inside = (row >= top) & (row < bottom) & (column >= left) & (column < right)
    return jnp.where(inside, jnp.zeros((), images.dtype), images)
