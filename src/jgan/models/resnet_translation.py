"""The residual generator of CycleGAN, with reflection padding and instance norm.

Source: Zhu et al. 2017, section 4 and appendix 7.2 (https://arxiv.org/abs/1703.10593), after Johnson et al. 2016
(https://arxiv.org/abs/1603.08155).
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.models.convolutions import Convolution, TransposedConvolution, reflected
from jgan.models.instance_norm import InstanceNorm
from jgan.types import Array, Network

MULTIPLE, SMALLEST = 4, 8  # pixels: it halves twice, and reflects a pixel after that


def residual_translator(channels: int, features: int = 64, blocks: int = 9, dtype: Any = jnp.float32) -> Network:
    """Makes the network: images [N, H, W, I] -> images [N, H, W, channels] in [-1, 1], float32; sides are multiples of 4, at least 8
    pixels.

    In the paper's words c7s1-64, d128, d256, R256 x blocks, u128, u64, c7s1-3: 9 blocks at 256 pixels, 6 at 128 and below.

    Args:
      channels: of the result.
      features: of the first layer.
      blocks: residual blocks.
      dtype: of activations.

    >>> import jax
    >>> network = residual_translator(3, 4, 1)
    >>> params, _ = network.init(jax.random.key(0), jnp.zeros((1, 8, 12, 3)))
    >>> network.apply(params, {}, jnp.zeros((1, 8, 12, 3)))[0].shape
    (1, 8, 12, 3)
    """
    return from_linen(ResidualTranslator(channels, features, blocks, dtype))


class ResidualTranslator(nn.Module):
    """Maps images [N, H, W, C] to images [N, H, W, channels] in [-1, 1]."""

    channels: int
    features: int
    blocks: int
    dtype: Any

    @nn.compact
    def __call__(self, images: Array) -> Array:
        if images.shape[1] % MULTIPLE or images.shape[2] % MULTIPLE or min(images.shape[1:3]) < SMALLEST:
            raise ValueError(
                f"expected images with sides of {SMALLEST} pixels or more that are multiples of {MULTIPLE}, found {images.shape}"
            )
        f = self.features
        x = _rectified(Convolution(f, 7, use_bias=False, name="first")(reflected(images.astype(self.dtype), 3)))
        for i, features in enumerate((2 * f, 4 * f)):
            x = _rectified(Convolution(features, 3, 2, 1, use_bias=False, name=f"down_{i}")(x))
        for i in range(self.blocks):
            x = x + Residual(name=f"block_{i}")(x)
        for i, features in enumerate((2 * f, f)):
            x = _rectified(TransposedConvolution(features, 3, 2, use_bias=False, name=f"up_{i}")(x))
        return jnp.tanh(Convolution(self.channels, 7, name="image")(reflected(x, 3)).astype(jnp.float32))


class Residual(nn.Module):
    """Two convolutions of 3 x 3: what is added to the input."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        y = _rectified(Convolution(x.shape[3], 3, use_bias=False, name="first")(reflected(x, 1)))
        return InstanceNorm()(Convolution(x.shape[3], 3, use_bias=False, name="second")(reflected(y, 1)))


def _rectified(x):
    return nn.relu(InstanceNorm()(x))
