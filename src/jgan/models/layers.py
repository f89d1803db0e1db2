"""Layers with equalized learning rate: parameters of unit variance, scaled by 1 / sqrt(fan-in) where they are used.

Source: Karras et al. 2017, "Progressive Growing of GANs", section 4.1 (https://arxiv.org/abs/1710.10196).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jgan.ops.activation import bias_activation
from jgan.ops.channels import per_channel
from jgan.ops.convolution import convolution
from jgan.ops.modulation import down_convolution, modulated_convolution
from jgan.types import Array


class Dense(nn.Module):
    """[..., I] -> [..., features]; the parameters learn `rate` times as fast as the optimizer says."""

    features: int
    activation: str = "linear"
    rate: float = 1.0
    bias: float = 0.0

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.normal(1 / self.rate), (x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.constant(self.bias / self.rate), (self.features,))
        y = x @ (kernel * (self.rate / np.sqrt(x.shape[-1]))).astype(x.dtype)
        return bias_activation(y, bias * self.rate, self.activation)


class Convolution(nn.Module):
    """[N, H, W, I] -> [N, H, W, features], or half the resolution with `down`."""

    features: int
    kernel_size: int = 3
    activation: str = "leaky_relu"
    use_bias: bool = True
    down: bool = False
    clamp: float | None = None

    @nn.compact
    def __call__(self, x: Array, gain: float = 1.0) -> Array:
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.normal(1.0), shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else None
        kernel = (kernel / np.sqrt(np.prod(shape[:3]))).astype(x.dtype)
        y = down_convolution(x, kernel) if self.down else convolution(x, kernel, padding=self.kernel_size // 2)
        return bias_activation(y, bias, self.activation, gain, self.clamp)


class StyledConvolution(nn.Module):
    """Modulated convolution, noise, bias and activation: [N, H, W, I] -> [N, H', W', features]."""

    features: int
    up: bool = False
    clamp: float | None = None

    @nn.compact
    def __call__(self, x: Array, w: Array, noise: Array | None, gain: float = 1.0) -> Array:
        kernel = self.param("kernel", nn.initializers.normal(1.0), (3, 3, x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        strength = self.param("noise_strength", nn.initializers.zeros, ())
        styles = Dense(x.shape[-1], bias=1.0, name="style")(w)
        y = modulated_convolution(x, kernel, styles, up=self.up)
        if noise is not None:
            y = y + (noise * per_channel(jnp.broadcast_to(strength, y.shape[-1:]), y.shape)).astype(y.dtype)
        return bias_activation(y, bias, gain=gain, clamp=self.clamp)


class ToImage(nn.Module):
    """Modulated 1x1 convolution without demodulation, to the channels of the image, in float32."""

    channels: int
    clamp: float | None = None

    @nn.compact
    def __call__(self, x: Array, w: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.normal(1.0), (1, 1, x.shape[-1], self.channels))
        bias = self.param("bias", nn.initializers.zeros, (self.channels,))
        styles = Dense(x.shape[-1], bias=1.0, name="style")(w) * np.float32(1 / np.sqrt(x.shape[-1]))
        y = modulated_convolution(x, kernel, styles, demodulate=False).astype(jnp.float32)
        return bias_activation(y, bias, "linear", clamp=self.clamp)


def unit_length(x: Array) -> Array:
    """Returns x / sqrt(mean(x^2) + 1e-8) along the last axis."""
    return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-8)


def minibatch_deviation(x: Array, group: int = 4) -> Array:
    """Appends one channel: the standard deviation over groups of images, averaged over pixels and channels, in float32.

    Image n is in the group of all images m with m = n modulo N / group. Karras et al. 2017, section 3.

    Args:
      x: [N, H, W, C].
      group: images per group; the largest divisor of N that is not larger is used.

    >>> minibatch_deviation(jnp.ones((8, 4, 4, 16))).shape
    (8, 4, 4, 17)
    """
    n, h, w, c = x.shape
    group = group_size(n, group)
    y = x.astype(jnp.float32).reshape(group, n // group, h * w * c)
    deviation = jnp.mean(jnp.sqrt(jnp.var(y, axis=0) + 1e-8), axis=1)
    channel = jnp.broadcast_to(jnp.tile(deviation, group)[:, None, None, None], (n, h, w, 1))
    return jnp.concatenate([x, channel.astype(x.dtype)], axis=3)


def group_size(images: int, most: int = 4) -> int:
    """Returns the largest divisor of a number of images that is not above `most`: the size of groups in `minibatch_deviation`.

    >>> group_size(64), group_size(6), group_size(5)
    (4, 3, 1)
    """
    return next(size for size in range(min(most, images), 0, -1) if images % size == 0)
