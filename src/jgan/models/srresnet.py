"""The networks of super-resolution: a residual generator without batch norm, and a discriminator of whole images.

Source: Ledig et al. 2016, section 2.1 and figure 4 (https://arxiv.org/abs/1609.04802). Without batch norm, which blurs and needs the sizes
of the training: Lim et al. 2017, section 3.1 (https://arxiv.org/abs/1707.02921). Enlarged by nearest pixels before a convolution, against
checkerboards: Odena et al. 2016 (https://doi.org/10.23915/distill.00003).
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.models.normalisation import BatchNorm
from jgan.ops.channels import per_channel
from jgan.ops.convolution import convolution
from jgan.types import Array, Network

SMALL = 0.1  # of the variance of He's initial kernels, so that an untrained generator is nearly bicubic enlargement


def generator(channels: int = 3, features: int = 64, blocks: int = 16, scale: int = 4, dtype: Any = jnp.float32) -> Network:
    """Makes the network: images [N, H, W, channels] in [-1, 1] -> [N, scale H, scale W, channels], float32, of any size: bicubic
    enlargement and a correction.

    Args:
      channels: of both.
      features: of all layers.
      blocks: residual blocks.
      scale: a power of two.
      dtype: of activations.

    Raises:
      ValueError: for another scale.

    >>> network = generator(3, 4, 1)
    >>> params, state = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 6, 5, 3)))
    >>> jax.eval_shape(network.apply, params, state, jnp.zeros((1, 6, 5, 3)))[0].shape
    (1, 24, 20, 3)
    """
    if scale < 1 or scale & (scale - 1):
        raise ValueError(f"expected a scale of 1, 2, 4, 8 ..., found {scale}")
    return from_linen(Generator(channels, features, blocks, scale, dtype))


def discriminator(features: int = 64, dtype: Any = jnp.float32) -> Network:
    """Makes the network: images [N, H, W, C] -> logits [N], float32; all images have the size of the first ones, at least 16 pixels a side.

    Eight convolutions of 3 x 3, every second one halves, of `features` to 8 times as many, batch norm in all but the first; a layer of 16
    times as many; the logit.

    >>> network = discriminator(2)
    >>> params, state = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    >>> jax.eval_shape(network.apply, params, state, jnp.zeros((2, 32, 32, 3)))[0].shape
    (2,)
    """
    return from_linen(Discriminator(features, dtype))


class Generator(nn.Module):
    """Maps images [N, H, W, C] to images [N, scale H, scale W, channels], bicubic enlargement and a correction."""

    channels: int
    features: int
    blocks: int
    scale: int
    dtype: Any

    @nn.compact
    def __call__(self, images: Array) -> Array:
        first = x = nn.leaky_relu(_Convolution(self.features, name="first")(images.astype(self.dtype)), 0.1)
        for i in range(self.blocks):
            y = nn.relu(_Convolution(self.features, SMALL, name=f"block_{i}_first")(x))
            x = x + _Convolution(self.features, SMALL, name=f"block_{i}_second")(y)
        x = x + first
        for i in range(self.scale.bit_length() - 1):
            x = nn.leaky_relu(_Convolution(self.features, name=f"up_{i}")(x.repeat(2, axis=1).repeat(2, axis=2)), 0.1)
        correction = _Convolution(self.channels, SMALL**2, name="image")(x).astype(jnp.float32)
        return enlarged(images, self.scale) + correction


class Discriminator(nn.Module):
    """Maps images [N, H, W, C] to logits [N]."""

    features: int
    dtype: Any

    @nn.compact
    def __call__(self, images: Array, train: bool) -> Array:
        x = images.astype(self.dtype)
        for i in range(8):
            x = _Convolution(self.features * 2 ** (i // 2), stride=1 + i % 2, name=f"convolution_{i}")(x)
            x = nn.leaky_relu(BatchNorm(name=f"norm_{i}")(x, train) if i else x, 0.2)
        x = nn.leaky_relu(nn.Dense(16 * self.features, name="dense")(x.reshape(x.shape[0], -1).astype(jnp.float32)), 0.2)
        return nn.Dense(1, name="logit")(x)[:, 0]


def enlarged(images: Array, scale: int) -> Array:
    """Enlarges [N, H, W, C] by a whole factor, bicubic (Keys, a = -0.5), as float32.

    >>> enlarged(jnp.ones((1, 2, 3, 1)), 4).shape
    (1, 8, 12, 1)
    """
    n, height, width, channels = images.shape
    return jax.image.resize(images.astype(jnp.float32), (n, scale * height, scale * width, channels), "cubic")


class _Convolution(nn.Module):
    """[N, H, W, I] -> [N, H / stride, W / stride, features], 3 x 3; kernels of He's variance, times `variance`."""

    features: int
    variance: float = 1.0
    stride: int = 1

    @nn.compact
    def __call__(self, x: Array) -> Array:
        draw = nn.initializers.variance_scaling(2.0 * self.variance, "fan_in", "normal")
        kernel = self.param("kernel", draw, (3, 3, x.shape[3], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        y = convolution(x, kernel.astype(x.dtype), self.stride, 1)
        return y + per_channel(bias.astype(y.dtype), y.shape)
