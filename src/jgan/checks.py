"""Rules of shape and precision that losses, penalties and operations share."""

import jax.numpy as jnp

from jgan.types import Array


def lift(x) -> Array:
    """Returns x in float32, or in float64 where it already is: half precision loses what losses and sums of squares need."""
    x = jnp.asarray(x)
    return x if x.dtype == jnp.float64 else x.astype(jnp.float32)


def as_given(x, given) -> Array:
    """Returns x in the floating type of what it was made of; what was made of integers stays as it is."""
    return x.astype(given.dtype) if jnp.issubdtype(given.dtype, jnp.floating) else x


def floating_images(images) -> None:
    """Raises ValueError unless images are floats [N, H, W, C]."""
    if images.ndim != 4 or not jnp.issubdtype(images.dtype, jnp.floating):
        found = f"{images.dtype}{list(images.shape)}"
        raise ValueError(f"expected floating-point images [N, H, W, C] in [-1, 1], found {found}; convert them by jgan.ops.images.to_float")


def same_shape(**arrays) -> None:
    """Raises ValueError unless all named arrays have one shape."""
    shapes = {name: jnp.shape(array) for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"expected arrays of one shape, found {shapes}; reshape or slice them to match")


def along_rows(weights, x) -> Array:
    """Returns weights [N] with as many trailing axes of size 1 as x has: ready to multiply x [N, ...]."""
    return weights.reshape(weights.shape + (1,) * (x.ndim - 1))
