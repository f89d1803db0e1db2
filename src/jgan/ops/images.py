"""Images as numbers: uint8 outside of the program, float32 in [-1, 1] inside of it. These two functions are the only way between them."""

from typing import Any

import jax.numpy as jnp
import numpy as np


def to_float(images: Any) -> Any:
    """Computes x / 127.5 - 1 of uint8 images, float32 in [-1, 1]; floating-point images are returned as they are.

    Args:
      images: of any shape; a NumPy array gives a NumPy array, a JAX array a JAX array.

    Raises:
      TypeError: if they are neither uint8 nor floating-point.

    >>> to_float(np.asarray([0, 255], np.uint8)).tolist()
    [-1.0, 1.0]
    """
    if jnp.issubdtype(images.dtype, jnp.floating):
        return images
    if images.dtype != np.uint8:
        raise TypeError(f"expected images of uint8, or of floating-point numbers in [-1, 1], found {images.dtype}")
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1.0)


def to_uint8(images: Any) -> Any:
    """Computes round(127.5 x + 127.5), clipped, of images in [-1, 1]; uint8 images are returned as they are.

    Args:
      images: of any shape; a NumPy array gives a NumPy array, a JAX array a JAX array.

    >>> to_uint8(np.asarray([-1.0, 0.0, 0.5, 2.0], np.float32)).tolist()
    [0, 128, 191, 255]
    """
    if images.dtype == np.uint8:
        return images
    library = np if isinstance(images, np.ndarray) else jnp
    return library.clip(library.round(images.astype(np.float32) * 127.5 + 127.5), 0, 255).astype(np.uint8)
