"""The augmentation of data sets: mirror images."""

import jax
import jax.numpy as jnp

from jgan.types import Array, Key


def flip(key: Key, images: Array, strength: Array = 0.5) -> Array:
    """Computes images [N, H, W, C], each with left and right exchanged with probability `strength`.

    >>> flip(jax.random.key(0), jnp.arange(3.0).reshape(1, 1, 3, 1), 1.0).ravel().tolist()
    [2.0, 1.0, 0.0]
    """
    chosen = jax.random.bernoulli(key, strength, images.shape[:1])
    return jnp.where(chosen[:, None, None, None], images[:, :, ::-1], images)
