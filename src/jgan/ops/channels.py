"""Values of channels or of images spread over pixels."""

import jax.numpy as jnp

from jgan.types import Array


def per_channel(values: Array, shape: tuple[int, ...]) -> Array:
    """Computes values [C], as of a bias, in the shape [..., C] of images: the same for every pixel of every image.

    Raises:
      ValueError: if the shape ends with another number of channels.

    >>> per_channel(jnp.ones(3), (2, 4, 5, 3)).shape
    (2, 4, 5, 3)
    """
    _check(values, (shape[-1],))
    return jnp.broadcast_to(values.reshape(*(1,) * (len(shape) - 1), values.shape[0]), shape)


def per_image(values: Array, shape: tuple[int, ...]) -> Array:
    """Computes values [N, C], as of a style, in the shape [N, ..., C] of images: the same for every pixel of an image.

    Raises:
      ValueError: if the shape has another number of images or channels.

    >>> per_image(jnp.ones((2, 3)), (2, 4, 5, 3)).shape
    (2, 4, 5, 3)
    """
    _check(values, (shape[0], shape[-1]))
    return jnp.broadcast_to(values.reshape(shape[0], *(1,) * (len(shape) - 2), values.shape[1]), shape)


def _check(values, expected):
    if values.shape != expected:
        raise ValueError(f"expected values of shape {expected}, found {values.shape}")
