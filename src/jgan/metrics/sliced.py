"""Sliced Wasserstein distance of small patches, scale by scale: likeness of texture and structure, without any feature network.

Karras, Aila, Laine, Lehtinen 2017, "Progressive growing of GANs for improved quality, stability, and variation", section 5,
https://arxiv.org/abs/1710.10196. The published figures are of 16,384 images per set, times 1,000, as they are here.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jgan.ops.resample import upfirdn
from jgan.types import Array, Key

PATCH = 7  # pixels, height and width of a descriptor
BLUR = np.asarray([1.0, 4.0, 6.0, 4.0, 1.0]) / 16  # of the pyramid (Burt, Adelson 1983, https://doi.org/10.1109/TCOM.1983.1095851)
TOGETHER = 16  # projections at a time: of 2 million descriptors, 128 MiB each of real and fake


def sliced_wasserstein(
    key: Key, real_images, fake_images, *, patches: int = 128, directions: int = 512, lowest: int = 16, batch: int = 64
) -> dict[int, float]:
    """Computes the sliced Wasserstein distances x 1,000 between patches of real and fake images [N, H, W, C], for each level of the
    Laplacian pyramid.

    The finest level, of H rows, holds detail of about a pixel, the last one, of `lowest` rows or a little more, what is left of the image.
    Patches of 7 x 7 pixels at random places, normalised in each set to mean 0 and deviation 1 for each channel; the distance is the mean
    over random directions of the mean absolute difference of the sorted projections.

    Args:
      key: for the places and the directions.
      real_images, fake_images: any range, uint8 or float, in equal numbers.
      patches: per image and level.
      directions: of projection; four times 128 in the paper, which is the same mean.
      lowest: no level has fewer rows or columns.
      batch: images at a time on the device.

    Returns {rows of the level: distance}, finest first. Raises ValueError if shapes differ, or images are smaller than `lowest` or a patch.

    >>> images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    >>> list(sliced_wasserstein(jax.random.key(0), images, images[::-1], patches=8, directions=4))
    [32, 16]
    """
    if np.ndim(real_images) != 4 or np.shape(real_images) != np.shape(fake_images) or not len(real_images):
        found = f"{np.shape(real_images)} and {np.shape(fake_images)}"
        raise ValueError(f"expected as many real as fake images [N, H, W, C] of one size, found {found}: resize or leave some out")
    real_key, fake_key, projection_key = jax.random.split(key, 3)
    real = descriptors(real_key, real_images, patches, lowest, batch)
    fake = descriptors(fake_key, fake_images, patches, lowest, batch)
    keys = jax.random.split(projection_key, len(real))
    return {rows: 1e3 * _distance(k, real[rows], fake[rows], directions) for k, rows in zip(keys, real, strict=True)}


def descriptors(key: Key, images, patches: int = 128, lowest: int = 16, batch: int = 64) -> dict[int, np.ndarray]:
    """Patches float32 [N patches, 7, 7, C] of each level {rows of the level: patches}, not yet normalised.

    The places depend on the key, the number of images and their size, not on the batch. Memory: 4 N patches 49 C bytes per level.

    >>> {rows: x.shape for rows, x in descriptors(jax.random.key(0), np.zeros((2, 32, 48, 1)), patches=5).items()}
    {32: (10, 7, 7, 1), 16: (10, 7, 7, 1)}
    """
    n, h, w, c = np.shape(images)
    if min(h, w) < lowest or lowest < PATCH:
        found = f"{(h, w)} and {lowest}"
        raise ValueError(f"expected images of at least `lowest` pixels and that at least {PATCH}, found {found}: lower `lowest` to {PATCH}")
    sizes = _sizes(h, w, lowest)
    places = [_places(jax.random.fold_in(key, level), (n, patches), size) for level, size in enumerate(sizes)]
    found = []
    for start in range(0, n, batch):
        some = slice(start, start + batch)
        cut = _patches(jnp.asarray(images[some]), [place[some] for place in places], lowest)
        found.append([np.asarray(level).reshape(-1, PATCH, PATCH, c) for level in cut])
    return {size[0]: np.concatenate(level) for size, level in zip(sizes, zip(*found, strict=True), strict=True)}


def _sizes(h, w, lowest):
    """Rows and columns of each level, finest first."""
    return [(h, w)] if min(h, w) < 2 * lowest else [(h, w), *_sizes((h + 1) // 2, (w + 1) // 2, lowest)]


def _places(key, shape, size):
    """Upper left corners [*shape, 2] of patches in an image of that size."""
    corners = [jax.random.randint(k, shape, 0, side - PATCH + 1) for k, side in zip(jax.random.split(key), size, strict=True)]
    return np.stack(corners, axis=-1)


@functools.partial(jax.jit, static_argnames="lowest")
def _patches(images, places, lowest):
    return [_cut(level, at) for level, at in zip(_pyramid(images.astype(jnp.float32), lowest), places, strict=True)]


def _pyramid(images: Array, lowest: int) -> list[Array]:
    """Laplacian pyramid, finest first: what each halving loses, and at last what is left."""
    levels = []
    for _ in _sizes(*images.shape[1:3], lowest)[1:]:
        smaller = _halved(images)
        levels.append(images - _doubled(smaller)[:, : images.shape[1], : images.shape[2]])
        images = smaller
    return [*levels, images]


def _halved(x):
    return upfirdn(jnp.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect"), BLUR, down=2)


def _doubled(x):
    return upfirdn(jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect"), BLUR, up=2, gain=4.0)


def _cut(images, places):
    """Patches [N, P, 7, 7, C] of images at places [N, P, 2]."""

    def of_image(image, places):
        return jax.vmap(lambda at: jax.lax.dynamic_slice(image, (at[0], at[1], 0), (PATCH, PATCH, image.shape[2])))(places)

    return jax.vmap(of_image)(images, places)


def _distance(key, real, fake, directions):
    """Mean over random directions of the Wasserstein distance between projections of two sets of patches of equal size."""
    real, fake = _normalised(real), _normalised(fake)
    axes = np.asarray(jax.random.normal(key, (directions, real.shape[1]), jnp.float32))
    axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    total = 0.0
    for start in range(0, directions, TOGETHER):
        some = axes[start : start + TOGETHER]
        ours, theirs = np.sort(some @ real.T, axis=1), np.sort(some @ fake.T, axis=1)
        total += np.abs(ours - theirs).mean(axis=1, dtype=np.float64).sum()
    return float(total / directions)


def _normalised(patches):
    """Patches as float32 [n, 49 C], each channel less its mean and over its deviation; a channel without any is left at 0."""
    mean = patches.mean(axis=(0, 1, 2), dtype=np.float64, keepdims=True)
    deviation = patches.std(axis=(0, 1, 2), dtype=np.float64, keepdims=True)
    scaled = (patches - mean.astype(np.float32)) / np.where(deviation > 0, deviation, 1.0).astype(np.float32)
    return scaled.reshape(len(patches), -1)
