"""Convolutions of StyleGAN2: resampled ones, and ones whose kernel every image modulates with its style."""

import jax
import jax.numpy as jnp
import numpy as np

from jgan.ops.channels import per_image
from jgan.ops.convolution import convolution, transposed_convolution
from jgan.ops.resample import BINOMIAL, downsample, normalised, upfirdn, upsample
from jgan.types import Array


def up_convolution(x: Array, kernel: Array) -> Array:
    """Doubles the resolution with a transposed convolution, then filters with [1, 3, 3, 1]: [N, H, W, I] -> [N, 2H, 2W, O].

    Args:
      x: [N, H, W, I].
      kernel: [k, k, I, O], k odd. With k = 1 the channels are mixed before up-sampling.

    >>> up_convolution(jnp.ones((1, 4, 4, 3)), jnp.ones((3, 3, 3, 8))).shape
    (1, 8, 8, 8)
    """
    if kernel.shape[0] == 1:
        return upsample(convolution(x, kernel))
    y = transposed_convolution(x, kernel.swapaxes(2, 3), stride=2)
    pad = 2 - kernel.shape[0] // 2
    return upfirdn(y, normalised(BINOMIAL), padding=(pad, pad, pad, pad), gain=4)


def down_convolution(x: Array, kernel: Array) -> Array:
    """Filters with [1, 3, 3, 1], then halves the resolution with a strided convolution: [N, H, W, I] -> [N, H/2, W/2, O].

    Args:
      x: [N, H, W, I].
      kernel: [k, k, I, O], k odd. With k = 1 only the pixels that stay are filtered.

    >>> down_convolution(jnp.ones((1, 8, 8, 3)), jnp.ones((3, 3, 3, 8))).shape
    (1, 4, 4, 8)
    """
    if kernel.shape[0] == 1:
        return convolution(downsample(x), kernel)
    pad = kernel.shape[0] // 2 + 1
    return convolution(upfirdn(x, normalised(BINOMIAL), padding=(pad, pad, pad, pad)), kernel, stride=2)


def modulated_convolution(
    x: Array, kernel: Array, styles: Array, *, up: bool = False, down: bool = False, demodulate: bool = True, epsilon: float = 1e-8
) -> Array:
    """Computes the convolution with another kernel for every image: k'[n] = s[n] k, divided by its norm per output channel if `demodulate`.

    The activations are scaled instead of the kernel, y = (x s) * k, y / sqrt(sum (s k)^2 + epsilon), so that all images share one dense
    convolution (Karras et al. 2019, section 2.2, equations 1 to 3, https://arxiv.org/abs/1912.04958).

    Args:
      x: [N, H, W, I].
      kernel: [k, k, I, O], k odd.
      styles: [N, I], float32.
      up, down: double or halve the resolution.
      demodulate: normalise the kernel of every image; statistics are in float32.
      epsilon: keeps the norm from vanishing.

    Returns:
      [N, H', W', O], of the dtype of `x`.

    Raises:
      ValueError: if the styles do not have the shape [N, I].

    >>> modulated_convolution(jnp.ones((2, 4, 4, 3)), jnp.ones((3, 3, 3, 8)), jnp.ones((2, 3))).shape
    (2, 4, 4, 8)
    """
    if styles.shape != (x.shape[0], x.shape[3]):
        raise ValueError(f"expected styles of shape {(x.shape[0], x.shape[3])}, found {styles.shape}")
    scaled, weights = x * per_image(styles.astype(x.dtype), x.shape), kernel.astype(x.dtype)
    if up:
        y = up_convolution(scaled, weights)
    elif down:
        y = down_convolution(scaled, weights)
    else:
        y = convolution(scaled, weights, padding=kernel.shape[0] // 2)
    if demodulate:
        energy = jnp.sum(jnp.square(kernel), axis=(0, 1))
        scale = jax.lax.rsqrt(jnp.square(styles) @ energy + np.asarray(epsilon, styles.dtype))
        y = y * per_image(scale.astype(y.dtype), y.shape)
    return y
