"""The U-Net of pix2pix: an encoder and a decoder with skips between layers of one size, and noise: dropout, or styles.

Source: Isola et al. 2016, section 3.2.1 and appendix 6.1 (https://arxiv.org/abs/1611.07004).
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.models.convolutions import Convolution, TransposedConvolution
from jgan.models.instance_norm import ConditionalNorm, InstanceNorm
from jgan.types import Array, Network

PAPER = (64, 128, 256, 512, 512, 512, 512, 512)  # for 256 pixels
MAPPED = 64  # units of the layers that styles go through


def unet(channels: int, features: tuple[int, ...] = PAPER, noisy: int = 3, styles: int = 0, dtype: Any = jnp.float32) -> Network:
    """Makes the network: images [N, H, W, I] -> images [N, H, W, channels] in [-1, 1], float32; sides are multiples of 2^len(features).

    Noise is dropout of a half after the first `noisy` layers of the decoder, whenever a key is given, also after training. Layers are
    normalised per image (the paper's batch norm on batches of one); the innermost, which may be a single pixel, not at all.

    Dropout differs from place to place, and norms take away what it adds to a whole image. Styles are noise for the image as a whole:
    normal numbers that scale and shift the last two layers of the decoder, as instance norms are conditioned (Dumoulin et al. 2016,
    https://arxiv.org/abs/1610.07629); drawn whenever a key is given, 0 without. In the larger cells of earlier layers they would be seen
    as patches.

    Args:
      channels: of the result.
      features: of the encoder's layers, each of which halves the image.
      noisy: layers with dropout.
      styles: numbers of noise per image.
      dtype: of activations.

    >>> import jax
    >>> network = unet(3, (4, 8, 8))
    >>> params, _ = network.init(jax.random.key(0), jnp.zeros((1, 16, 24, 1)))
    >>> network.apply(params, {}, jnp.zeros((1, 16, 24, 1)))[0].shape
    (1, 16, 24, 3)
    """
    return from_linen(UNet(channels, features, noisy, styles, dtype))


def features_for(size: int, width: int = 64) -> tuple[int, ...]:
    """Returns features of an encoder that takes images of `size` pixels down to one pixel or the smallest odd number: the paper's at 256.

    >>> features_for(256) == PAPER, features_for(48, 8)
    (True, (8, 16, 32, 64))
    """
    levels = 0
    while size % 2 ** (levels + 1) == 0:
        levels += 1
    if levels < 2:
        raise ValueError(f"expected a size that halves at least twice, found {size} pixels; 64, 128 or 256 would do")
    return tuple(width * min(2**level, 8) for level in range(levels))


class UNet(nn.Module):
    """Maps images [N, H, W, C] to images [N, H, W, channels] in [-1, 1], with skip connections at every level."""

    channels: int
    features: tuple[int, ...]
    noisy: int
    styles: int
    dtype: Any

    @nn.compact
    def __call__(self, images: Array) -> Array:
        unit = 2 ** len(self.features)
        if images.shape[1] % unit or images.shape[2] % unit:
            raise ValueError(f"expected images whose sides are multiples of {unit} pixels, found {images.shape}; pad them")
        levels = self._encode(images.astype(self.dtype))
        x, noise = levels.pop(), self._noise(images.shape[0]) if self.styles else None
        for i, features in enumerate(reversed(self.features[:-1])):
            x = TransposedConvolution(features, 4, 2, use_bias=False, name=f"up_{i}")(nn.relu(x))
            styled = self.styles and i >= len(self.features) - 3
            x = ConditionalNorm(name=f"up_norm_{i}")(x, noise) if styled else InstanceNorm(name=f"up_norm_{i}")(x)
            if i < self.noisy:
                x = nn.Dropout(0.5, deterministic=not self.has_rng("dropout"))(x)
            x = jnp.concatenate([x, levels.pop()], axis=3)
        return jnp.tanh(TransposedConvolution(self.channels, 4, 2, name="image")(nn.relu(x)).astype(jnp.float32))

    def _noise(self, count):
        """The styles [N, styles], mapped so that colours can be distinct although normal numbers are not."""
        x = jnp.zeros((count, self.styles), self.dtype)
        x = jax.random.normal(self.make_rng("noise"), x.shape, x.dtype) if self.has_rng("noise") else x
        for i in range(2):
            x = nn.leaky_relu(nn.Dense(MAPPED, dtype=self.dtype, name=f"mapping_{i}")(x), 0.2)
        return x

    def _encode(self, x):
        """The result of every layer of the encoder, before its rectifier."""
        levels = []
        for i, features in enumerate(self.features):
            ends = i in (0, len(self.features) - 1)
            x = Convolution(features, 4, 2, 1, use_bias=ends, name=f"down_{i}")(nn.leaky_relu(x, 0.2) if i else x)
            x = x if ends else InstanceNorm(name=f"down_norm_{i}")(x)
            levels.append(x)
        return levels
