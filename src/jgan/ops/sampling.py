"""Images looked up at any places, as flows ask for it.

Places are (x, y), x right and y down, from -1 to 1 over the outer edges of the image: the middle of pixel i of n is at (2 i + 1) / n - 1.
So a place is the same at every resolution. Beyond the middles of the outermost pixels an image goes on as it ends.
"""

import jax
import jax.numpy as jnp

from jgan.ops.lookup import bilinear_lookup
from jgan.types import Array


def pixel_places(height: int, width: int) -> Array:
    """Returns the places of the middles of all pixels, float32 [height, width, 2].

    >>> pixel_places(1, 2).tolist()
    [[[-0.5, 0.0], [0.5, 0.0]]]
    """
    y, x = ((2 * jnp.arange(n, dtype=jnp.float32) + 1) / n - 1 for n in (height, width))
    return jnp.stack(jnp.meshgrid(x, y), axis=-1)


def sample_at(images: Array, places: Array) -> Array:
    """Looks images [N, H, W, C] up at places [N, A, B, 2], bilinearly: [N, A, B, C]. Differentiable in both.

    At `pixel_places(H, W)` these are the images, to rounding.

    Raises:
      ValueError: if the shapes do not fit.

    >>> images = jnp.asarray([0.0, 1.0, 4.0, 9.0]).reshape(1, 1, 4, 1)
    >>> sample_at(images, jnp.asarray([[[[-0.75, 0.0], [0.5, 0.0], [3.0, 0.0]]]])).ravel().tolist()
    [0.0, 6.5, 9.0]
    """
    if images.ndim != 4 or places.ndim != 4 or places.shape[3] != 2 or places.shape[0] != images.shape[0]:
        raise ValueError(f"expected images [N, H, W, C] and places [N, A, B, 2], found {images.shape} and {places.shape}")
    column, row = (jnp.clip((places[..., axis] + 1) * (n / 2) - 0.5, 0, n - 1) for axis, n in enumerate((images.shape[2], images.shape[1])))
    texture = jnp.pad(images, ((0, 0), (0, 1), (0, 1), (0, 0)), mode="edge")  # a period of the lookup, whose last line is not looked at
    return bilinear_lookup(texture, row, column)


def enlarge(images: Array, height: int, width: int) -> Array:
    """Computes images [N, h, w, C] at another size, bilinearly, under the same convention: [N, height, width, C].

    >>> enlarge(jnp.asarray([0.0, 4.0]).reshape(1, 1, 2, 1), 1, 4).ravel().tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    return jax.image.resize(images, (images.shape[0], height, width, images.shape[3]), "linear")
