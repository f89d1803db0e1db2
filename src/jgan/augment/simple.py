"""The augmentation of data sets: mirror images, and quarter turns."""

import jax
import jax.numpy as jnp

from jgan.types import Array, Key


def flip(key: Key, images: Array, strength: Array = 0.5) -> Array:
    """Mirrors images [N, H, W, C] left to right, each with probability `strength`.

    >>> flip(jax.random.key(0), jnp.arange(3.0).reshape(1, 1, 3, 1), 1.0).ravel().tolist()
    [2.0, 1.0, 0.0]
    """
    chosen = jax.random.bernoulli(key, strength, images.shape[:1])
    return jnp.where(chosen[:, None, None, None], images[:, :, ::-1], images)


def symmetry(key: Key, images: Array) -> Array:
    """Returns images [N, S, S, C], each turned by a multiple of 90 degrees, and mirrored or not, all eight ways equally likely.

    What belongs together, such as the two images of a pair, is given as channels of one array.

    Raises:
      ValueError: unless the images are square.

    >>> sorted(symmetry(jax.random.key(0), jnp.arange(4.0).reshape(1, 2, 2, 1)).ravel().tolist())
    [0.0, 1.0, 2.0, 3.0]
    """
    if images.shape[1] != images.shape[2]:
        raise ValueError(f"expected square images [N, S, S, C], found {images.shape}; crop them")
    transposed, upside_down, mirrored = jax.random.bernoulli(key, 0.5, (3, images.shape[0]))[..., None, None, None]
    images = jnp.where(transposed, images.swapaxes(1, 2), images)
    images = jnp.where(upside_down, images[:, ::-1], images)
    return jnp.where(mirrored, images[:, :, ::-1], images)
