"""Instance normalisation: every image and channel by its own mean and variance, in training and after it."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jgan.types import Array


def instance_normalise(x: Array, epsilon: float = 1e-5) -> Array:
    """Returns (x - mean) / sqrt(variance + epsilon) over the pixels of each image and channel; in float32, returned in the dtype of `x`.

    Ulyanov et al. 2016, equation 5 (https://arxiv.org/abs/1607.08022). It is batch norm for batches of one, so translators trained with
    larger batches give an image the same result alone and in company.

    Args:
      x: [N, H, W, C] of more than one pixel.

    Raises:
      ValueError: for a single pixel, which would become 0 whatever it was.

    >>> instance_normalise(jnp.asarray([1.0, 3.0]).reshape(1, 2, 1, 1)).ravel().round(3).tolist()
    [-1.0, 1.0]
    """
    if x.ndim != 4 or x.shape[1] * x.shape[2] < 2:
        raise ValueError(f"expected [N, H, W, C] of more than one pixel to normalise, found {x.shape}; use larger images or fewer layers")
    y = x.astype(jnp.float32)
    mean = jnp.mean(y, axis=(1, 2), keepdims=True)
    variance = jnp.mean(jnp.square(y - mean), axis=(1, 2), keepdims=True)
    return ((y - mean) * jax.lax.rsqrt(variance + epsilon)).astype(x.dtype)


class InstanceNorm(nn.Module):
    """`instance_normalise`, then a learned scale and shift per channel (Ulyanov et al. 2017, https://arxiv.org/abs/1701.02096)."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        scale = self.param("scale", nn.initializers.ones, (x.shape[3],)).astype(x.dtype)
        bias = self.param("bias", nn.initializers.zeros, (x.shape[3],)).astype(x.dtype)
        return instance_normalise(x) * scale[None, None, None] + bias[None, None, None]


class ConditionalNorm(nn.Module):
    """`instance_normalise`, then scales 1 + a(c) and shifts b(c) that are linear in a condition c [N, A] (Dumoulin et al. 2016, section 2,
    https://arxiv.org/abs/1610.07629)."""

    @nn.compact
    def __call__(self, x: Array, condition: Array) -> Array:
        found = nn.Dense(2 * x.shape[3], dtype=x.dtype, name="style")(condition)[:, None, None]
        scale, shift = jnp.split(found, 2, axis=3)
        return instance_normalise(x) * (1 + scale) + shift
