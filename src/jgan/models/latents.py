"""Latents of other distributions than the standard normal one, in which the whole library draws them."""

import jax
import numpy as np

from jgan.types import Array


def uniform(z: Array) -> Array:
    """Returns standard normal numbers as uniform ones on [-1, 1]: 2 Phi(z) - 1 = erf(z / sqrt 2).

    >>> import jax.numpy as jnp
    >>> uniform(jnp.asarray([-9.0, 0.0, 9.0])).tolist()
    [-1.0, 0.0, 1.0]
    """
    return jax.lax.erf(z * np.sqrt(0.5).astype(z.dtype))
