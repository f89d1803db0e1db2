"""Equivariance of a generator to movements of its input: does the picture move as told, or do details stick to the pixels?

Karras et al. 2021, "Alias-free generative adversarial networks", section 2.2 and appendix E, https://arxiv.org/abs/2106.12423.
Decibels, 10 log10(2^2 / mean squared error) for images in [-1, 1]; StyleGAN3-R on FFHQ is published with 65
in translation and 47 in rotation.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jgan.types import Array, Key

PEAK = 2.0  # of images in [-1, 1]
TABLE = 4096  # entries of the radial kernel
KAISER = 6.0  # shape of its window: replicas of the spectrum are damped by some 75 dB


def translation_equivariance(
    key: Key, generate: Callable[[Key, Array], Array], n: int, *, largest: float = 0.125, batch: int = 16
) -> float:
    """Computes EQ-T in decibels: the picture made at a moved input against the picture moved afterwards, by whole pixels.

    Offsets are uniform in [-largest, largest] of the height and of the width, rounded to pixels. Pixels that would come from outside do not
    count.

    Args:
      key: for latents and offsets.
      generate: (key, offsets [batch, 2]) -> images [batch, H, W, C] in [-1, 1]. The key alone decides the latents (and noise); offsets are
        in pixels, how far the picture is to move down and to the right. Called as it is, so pass it jitted.
      n: pairs of images, rounded up to whole batches.
      largest: fraction of the size; 1/8 in the paper.
      batch: pairs at a time.

    Raises ValueError if `generate` does not return [batch, H, W, C], or numbers are out of range.

    >>> def waves(key, offsets):  # a picture that moves as told
    ...     x = jnp.arange(32.0)[None] - offsets[:, 1:]
    ...     return jnp.broadcast_to(jnp.sin(0.5 * x)[:, None, :, None], (len(offsets), 32, 32, 1))
    >>> translation_equivariance(jax.random.key(0), waves, 4, batch=4) > 100
    True
    >>> stuck = lambda key, offsets: waves(key, 0.0 * offsets)
    >>> translation_equivariance(jax.random.key(0), stuck, 4, batch=4) < 20
    True
    """

    def movements(key, shape):
        return jnp.round(_offsets(key, batch, shape, largest))

    return _decibels(key, generate, n, batch, (batch, 2), movements, lambda still, moved, by: _error(moved, *_shifted_by_pixels(still, by)))


def subpixel_equivariance(
    key: Key, generate: Callable[[Key, Array], Array], n: int, *, largest: float = 0.125, lobes: int = 3, batch: int = 16
) -> float:
    """Computes EQ-T of fractions in decibels: as `translation_equivariance`, but offsets are not rounded.

    The picture is moved afterwards by sinc(x) sinc(x / lobes), |x| < lobes (Lanczos), whose own error limits what can be seen: with the
    three lobes of the paper to 54 dB on waves of up to a quarter cycle per pixel, with eight to 74. Pixels that would need what lies
    outside do not count.

    >>> def waves(key, offsets):
    ...     x = jnp.arange(32.0)[None] - offsets[:, 1:]
    ...     return jnp.broadcast_to(jnp.sin(0.5 * x)[:, None, :, None], (len(offsets), 32, 32, 1))
    >>> three, eight = (subpixel_equivariance(jax.random.key(0), waves, 4, batch=4, lobes=lobes) for lobes in (3, 8))
    >>> 40 < three < eight
    True
    """

    def movements(key, shape):
        return _offsets(key, batch, shape, largest)

    return _decibels(key, generate, n, batch, (batch, 2), movements, lambda still, moved, by: _error(moved, *_shifted(still, by, lobes)))


def rotation_equivariance(key: Key, generate: Callable[[Key, Array], Array], n: int, *, lobes: int = 8, batch: int = 16) -> float:
    """Computes EQ-R in decibels: the picture made at a turned input against the picture turned afterwards, by any angle.

    A turned picture has detail in the corners of its spectrum that the pixel grid cannot hold, so both pictures are resampled with one
    kernel that passes the same at all angles, a low-pass at half a cycle per pixel, jinc(r) under a Kaiser window of radius `lobes` pixels;
    the one at its own pixels, the other at turned ones. (The paper compares over the intersection of both square spectra, a little
    more than this disc.) On waves of up to 0.4 cycles per pixel that turn exactly this finds 73 dB. Pixels within `lobes` of what lies
    outside either image do not count.

    Args:
      key: for latents and angles.
      generate: (key, angles [batch]) -> images [batch, H, W, C] in [-1, 1]. The key alone decides the latents (and noise); angles are in
        radians in [0, 2 pi), how far the picture is to turn counter-clockwise about its centre. Called as it is, so pass it jitted.
      n: pairs of images, rounded up to whole batches.
      lobes: radius of the kernel.

    Raises ValueError if `generate` does not return [batch, H, W, C], or images are no larger than 4 `lobes`.

    >>> def blob(key, angles):  # off the centre, so that it moves when turned
    ...     row, column = (jnp.arange(48.0)[None, :] - 23.5 + 6.0 * f(angles)[:, None] for f in (jnp.sin, lambda a: -jnp.cos(a)))
    ...     return jnp.exp(-0.05 * (row[:, :, None] ** 2 + column[:, None, :] ** 2))[..., None]
    >>> rotation_equivariance(jax.random.key(0), blob, 2, batch=2) > 60
    True
    >>> rotation_equivariance(jax.random.key(0), lambda key, angles: blob(key, 0.0 * angles), 2, batch=2) < 30
    True
    """

    def movements(key, shape):
        if min(shape[1:3]) <= 4 * lobes:
            raise ValueError(f"expected images larger than {4 * lobes} pixels for lobes = {lobes}, found {shape[1:3]}: lower lobes")
        return jax.random.uniform(key, (batch,), jnp.float32, maxval=2.0 * np.pi)

    def compare(still, moved, by):
        (reference, valid), (found, also_valid) = _turned(still, by, lobes), _turned(moved, jnp.zeros_like(by), lobes)
        return _error(found, reference, valid & also_valid)

    return _decibels(key, generate, n, batch, (batch,), movements, compare)


def _decibels(key, generate, n, batch, shape, movements, compare):
    """Peak over the mean of `compare`: (still, moved, movements of that shape) -> [batch], over enough batches for n pairs."""
    if min(n, batch) < 1:
        raise ValueError(f"expected positive n and batch, found {n} and {batch}")
    compare, errors = jax.jit(compare), []
    for number in range(-(-n // batch)):
        latent_key, movement_key = jax.random.split(jax.random.fold_in(key, number))
        still = generate(latent_key, jnp.zeros(shape, jnp.float32))
        if still.ndim != 4 or len(still) != batch:
            raise ValueError(f"expected generate: (key, movements) -> images [{batch}, H, W, C], found shape {still.shape}")
        by = movements(movement_key, still.shape)
        errors.append(np.asarray(compare(still.astype(jnp.float32), generate(latent_key, by).astype(jnp.float32), by)))
    error = np.mean(np.concatenate(errors), dtype=np.float64)
    return float(10.0 * np.log10(PEAK**2 / error)) if error > 0 else float("inf")


def _offsets(key, batch, shape, largest):
    if not 0.0 < largest < 0.5:
        raise ValueError(f"expected offsets of less than half the image, 0 < largest < 0.5, found {largest}")
    return jax.random.uniform(key, (batch, 2), jnp.float32, minval=-largest, maxval=largest) * jnp.asarray(shape[1:3], jnp.float32)[None]


def _error(found, reference, valid):
    """Mean squared error [N] of images [N, H, W, C] over the valid pixels [N, H, W]."""
    squares = jnp.mean(jnp.square(found - reference), axis=3)
    return jnp.sum(jnp.where(valid, squares, 0.0), axis=(1, 2)) / jnp.sum(valid, axis=(1, 2), dtype=jnp.float32)


def _shifted_by_pixels(images, offsets):
    """Images moved by whole pixels, and where that is known."""

    def of_image(image, offset):
        rows, columns = (jnp.arange(size, dtype=jnp.int32) - by for size, by in zip(image.shape[:2], offset, strict=True))
        inside = [(at >= 0) & (at < size) for at, size in ((rows, image.shape[0]), (columns, image.shape[1]))]
        moved = jnp.roll(image, (offset[0], offset[1]), axis=(0, 1))
        return moved, inside[0][:, None] & inside[1][None]

    return jax.vmap(of_image)(images, offsets.astype(jnp.int32))


def _shifted(images, offsets, lobes):
    """Images moved by fractions of pixels, and where that is known."""
    h, w = images.shape[1:3]
    (rows, row_inside), (columns, column_inside) = _shift_matrices(h, offsets[:, 0], lobes), _shift_matrices(w, offsets[:, 1], lobes)
    high = jax.lax.Precision.HIGHEST
    moved = jnp.einsum("nip,njq,npqc->nijc", rows, columns, images, precision=high)
    return moved, row_inside[:, :, None] & column_inside[:, None, :]


def _shift_matrices(size, offsets, lobes):
    """Lanczos interpolation along one axis as matrices [N, size, size], and the places [N, size] that need nothing from outside."""
    source = jnp.arange(size, dtype=jnp.float32)[None] - offsets[:, None]
    x = source[:, :, None] - jnp.arange(size, dtype=jnp.float32)[None, None]
    weights = jnp.where(jnp.abs(x) < lobes, jnp.sinc(x) * jnp.sinc(x / lobes), 0.0)
    inside = (jnp.floor(source) - lobes + 1 >= 0) & (jnp.floor(source) + lobes <= size - 1)
    return weights / jnp.sum(weights, axis=2, keepdims=True), inside


def _turned(images, angles, lobes):
    """Images low-passed and turned counter-clockwise, and where that is known."""
    h, w = images.shape[1:3]
    down, right = jnp.arange(h, dtype=jnp.float32)[:, None] - (h - 1) / 2, jnp.arange(w, dtype=jnp.float32)[None] - (w - 1) / 2

    def of_image(image, angle):
        cos, sin = jnp.cos(angle), jnp.sin(angle)
        rows, columns = right * sin + down * cos + (h - 1) / 2, right * cos - down * sin + (w - 1) / 2
        inside = (rows >= lobes) & (rows <= h - 1 - lobes) & (columns >= lobes) & (columns <= w - 1 - lobes)
        return _low_passed_at(image, rows, columns, lobes), inside

    return jax.vmap(of_image)(images, angles)


def _low_passed_at(image, rows, columns, lobes):
    """Values [H, W, C] of the low-passed image at the given places [H, W]."""
    kernel = jnp.asarray(_jinc(lobes), jnp.float32)
    first_row, first_column = jnp.floor(rows).astype(jnp.int32) - lobes + 1, jnp.floor(columns).astype(jnp.int32) - lobes + 1
    taps = jnp.arange(2 * lobes, dtype=jnp.int32)
    offsets = jnp.stack(jnp.meshgrid(taps, taps, indexing="ij"), axis=-1).reshape(-1, 2)

    def tap(total, offset):
        row, column = first_row + offset[0], first_column + offset[1]
        square = jnp.square(rows - row.astype(jnp.float32)) + jnp.square(columns - column.astype(jnp.float32))
        place = jnp.minimum(square * (TABLE / lobes**2), TABLE - 0.5)
        below = jnp.floor(place)
        weight = kernel[below.astype(jnp.int32)] + (place - below) * (kernel[below.astype(jnp.int32) + 1] - kernel[below.astype(jnp.int32)])
        weight = jnp.where(square < lobes**2, weight, 0.0)
        pixel = image[jnp.clip(row, 0, image.shape[0] - 1), jnp.clip(column, 0, image.shape[1] - 1)]
        return (total[0] + weight[..., None] * pixel, total[1] + weight), None

    (values, weights), _ = jax.lax.scan(tap, (jnp.zeros_like(image), jnp.zeros_like(rows)), offsets)
    return values / weights[..., None]


@functools.cache
def _jinc(lobes: int) -> np.ndarray:
    """The windowed low-pass kernel at squared radii evenly spaced over [0, lobes^2]: TABLE + 1 values."""
    square = np.linspace(0.0, lobes**2, TABLE + 1)
    x = np.pi * np.maximum(np.sqrt(square), 1e-6)
    angle = (np.arange(256) + 0.5) * np.pi / 256
    bessel = np.cos(angle[None] - x[:, None] * np.sin(angle)[None]).mean(axis=1)  # J1, Bessel's integral
    window = np.i0(KAISER * np.sqrt(np.maximum(1.0 - square / lobes**2, 0.0)))
    return bessel / x * window
