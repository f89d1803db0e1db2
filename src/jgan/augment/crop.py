"""The jitter of image translation: a random part of every image."""

import jax
import jax.numpy as jnp

from jgan.types import Array, Key


def random_crop(key: Key, images: Array, height: int, width: int, unit: int = 1) -> Array:
    """Crops each image at a random place, whose coordinates are multiples of `unit` pixels: [N, H, W, C] -> [N, height, width, C].

    One key crops images of one size alike, and images of several sizes too if each has its scale as the unit.

    Isola et al. 2016, section 6.2 (https://arxiv.org/abs/1611.07004): images of 286 pixels cropped to 256.

    Raises ValueError for images smaller than that.

    >>> random_crop(jax.random.key(0), jnp.zeros((2, 9, 8, 3)), 8, 8).shape
    (2, 8, 8, 3)
    """
    n, old_height, old_width, _ = images.shape
    if old_height < height or old_width < width:
        raise ValueError(f"expected images of at least {height} x {width} pixels, found {images.shape}")
    if (old_height, old_width) == (height, width):
        return images
    free = old_height - height, old_width - width
    places = [unit * jax.random.randint(k, (n,), 0, d // unit + 1) for k, d in zip(jax.random.split(key), free, strict=True)]
    rows, columns = (place[:, None] + jnp.arange(size)[None] for place, size in zip(places, (height, width), strict=True))
    return images[jnp.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
