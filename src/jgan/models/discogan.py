"""The networks of DiscoGAN: an encoder and a decoder with a bottleneck of 100 numbers, and a discriminator like the encoder.

Source: Kim et al. 2017, section 3.2 (https://arxiv.org/abs/1703.05192).
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.models.convolutions import Convolution, TransposedConvolution
from jgan.models.normalisation import BatchNorm
from jgan.types import Array, Network

PAPER = (64, 128, 256, 512)  # for 64 pixels
LAST = 4  # pixels, of the convolution to the bottleneck


def translator(channels: int, features: tuple[int, ...] = PAPER, bottleneck: int = 100, dtype: Any = jnp.float32) -> Network:
    """Makes the network: images [N, H, W, I] -> images [N, H, W, channels] in [-1, 1], float32; sides are multiples of u = 2^len(features),
    at least 4 u.

    Convolutions of 4 x 4 with stride 2, batch norm in all but the first, leaky rectifiers; one more, without padding, to the bottleneck;
    transposed ones all the way back, with batch norm and rectifiers.

    Args:
      channels: of the result.
      features: of the encoder's layers; four layers for 64 pixels, three for 32.
      bottleneck: numbers per place in the middle: one place, if images are of the smallest size.
      dtype: of activations.

    >>> import jax
    >>> network = translator(3, (4, 8, 8))
    >>> params, state = network.init(jax.random.key(0), jnp.zeros((2, 32, 40, 3)))
    >>> network.apply(params, state, jnp.zeros((2, 32, 40, 3)))[0].shape
    (2, 32, 40, 3)
    """
    return from_linen(Translator(channels, features, bottleneck, dtype))


def discriminator(features: tuple[int, ...] = PAPER, dtype: Any = jnp.float32) -> Network:
    """Makes the network: images [N, H, W, C] -> logits [N], float32: the mean over the places that the last convolution, of 4 x 4, finds.

    >>> import jax
    >>> network = discriminator((4, 8, 8))
    >>> params, state = network.init(jax.random.key(0), jnp.zeros((2, 32, 32, 3)))
    >>> network.apply(params, state, jnp.zeros((2, 32, 32, 3)))[0].shape
    (2,)
    """
    return from_linen(Discriminator(features, dtype))


class Translator(nn.Module):
    """Maps images [N, H, W, C] to images [N, H, W, channels] in [-1, 1], through a vector of `bottleneck` numbers."""

    channels: int
    features: tuple[int, ...]
    bottleneck: int
    dtype: Any

    @nn.compact
    def __call__(self, images: Array, train: bool) -> Array:
        x = Encoder(self.features, name="encoder")(images.astype(self.dtype), train)
        x = nn.leaky_relu(BatchNorm()(Convolution(self.bottleneck, LAST, use_bias=False, name="inner")(x), train), 0.2)
        x = nn.relu(BatchNorm()(TransposedConvolution(self.features[-1], LAST, whole=True, use_bias=False, name="outer")(x), train))
        for i, features in enumerate(reversed(self.features[:-1])):
            x = nn.relu(BatchNorm()(TransposedConvolution(features, 4, 2, use_bias=False, name=f"up_{i}")(x), train))
        return jnp.tanh(TransposedConvolution(self.channels, 4, 2, name="image")(x).astype(jnp.float32))


class Discriminator(nn.Module):
    """Maps images [N, H, W, C] to logits [N]."""

    features: tuple[int, ...]
    dtype: Any

    @nn.compact
    def __call__(self, images: Array, train: bool) -> Array:
        x = Encoder(self.features, name="encoder")(images.astype(self.dtype), train)
        return jnp.mean(Convolution(1, LAST, name="logits")(x).astype(jnp.float32), axis=(1, 2, 3))


class Encoder(nn.Module):
    """[N, H, W, C] -> [N, H / 2^len(features), ..., features[-1]]."""

    features: tuple[int, ...]

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        unit = 2 ** len(self.features)
        if x.shape[1] % unit or x.shape[2] % unit or min(x.shape[1:3]) < LAST * unit:
            raise ValueError(f"expected images with sides of {LAST * unit} pixels or more that are multiples of {unit}, found {x.shape}")
        for i, features in enumerate(self.features):
            x = Convolution(features, 4, 2, 1, use_bias=not i, name=f"down_{i}")(x)
            x = nn.leaky_relu(BatchNorm()(x, train) if i else x, 0.2)
        return x
