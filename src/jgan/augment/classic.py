"""The ordinary augmentation of a training set: images mirrored, turned, moved, enlarged and recoloured, within limits.

Unlike the chain of ADA (`jgan.augment.adaptive`), which is made to leave no trace in what a generator learns, this costs one
bilinear lookup, and every image is changed.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jgan.checks import as_given, lift
from jgan.ops.sampling import pixel_places, sample_at
from jgan.types import Array, Key


def random_affine(
    key: Key, images: Array, *, flip: float = 0.0, turn: float = 0.0, shift: float = 0.0, zoom: float = 0.0, mirrored: bool = False
) -> Array:
    """Returns images [N, S, S, C], each seen through a random map of the plane; beyond its edges an image goes on as it ends.

    What belongs together, such as an image and its mask, is given as channels of one array.

    Args:
      flip: the probability to exchange left and right.
      turn: the largest angle, degrees, either way.
      shift: the largest shift along each axis, a part of the side.
      zoom: the largest change of size, octaves, either way.
      mirrored: beyond its edges an image is mirrored, as suits tissue and landscapes; otherwise each edge goes on as it is.

    Raises:
      ValueError: unless the images are square.

    >>> random_affine(jax.random.key(0), jnp.arange(4.0).reshape(1, 2, 2, 1), flip=1.0).ravel().tolist()
    [1.0, 0.0, 3.0, 2.0]
    """
    n, height, width, _ = images.shape
    if height != width:
        raise ValueError(f"expected square images [N, S, S, C], found {images.shape}; crop them")
    keys = jax.random.split(key, 4)
    mirror = jnp.where(jax.random.bernoulli(keys[0], flip, (n,)), -1.0, 1.0)
    angle = jax.random.uniform(keys[1], (n,), jnp.float32, -1.0, 1.0) * (turn * np.pi / 180)
    scale = jnp.exp2(jax.random.uniform(keys[2], (n,), jnp.float32, -1.0, 1.0) * zoom)
    moved = jax.random.uniform(keys[3], (n, 1, 1, 2), jnp.float32, -1.0, 1.0) * (2 * shift)
    c, s = jnp.cos(angle) * scale, jnp.sin(angle) * scale
    linear = jnp.stack([mirror * c, mirror * -s, s, c], axis=1).reshape(n, 2, 2)
    places = jnp.einsum("nij,hwj->nhwi", linear, pixel_places(height, width), precision=jax.lax.Precision.HIGHEST)
    places = places + moved
    return sample_at(images, 1 - jnp.abs((places + 1) % 4 - 2) if mirrored else places)


def random_colour(key: Key, images: Array, *, brightness: float = 0.0, contrast: float = 0.0) -> Array:
    """Returns images [N, H, W, C] with another contrast about the mean of each channel, and another brightness of each channel.

    Args:
      brightness: the largest number added to a channel, either way.
      contrast: the largest factor is 1 + this, the smallest 1 - this.

    >>> random_colour(jax.random.key(0), jnp.ones((1, 1, 1, 3)), contrast=0.5).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    n, channels = images.shape[0], images.shape[3]
    of_brightness, of_contrast = jax.random.split(key)
    x = lift(images)
    added = jax.random.uniform(of_brightness, (n, 1, 1, channels), x.dtype, -brightness, brightness)
    factor = jax.random.uniform(of_contrast, (n, 1, 1, 1), x.dtype, 1 - contrast, 1 + contrast)
    mean = x.mean(axis=(1, 2), keepdims=True)
    return as_given(mean + factor * (x - mean) + added, images)
