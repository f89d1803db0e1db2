"""SN-PatchGAN: a spectrally normalised discriminator whose every feature of every place is a logit.

Source: Yu et al. 2018, "Free-Form Image Inpainting with Gated Convolution", section 3.3 (https://arxiv.org/abs/1806.03589).
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.models.convolutions import Convolution
from jgan.penalties import spectrally_normalized
from jgan.types import Array, Network

PAPER = (64, 128, 256, 256, 256, 256)


def spectral_patch_discriminator(features: tuple[int, ...] = PAPER, dtype: Any = jnp.float32) -> Network:
    """Makes the network: images [N, H, W, C] -> logits [N, h, w, features[-1]], float32; h = H / 2^len(features), rounded up. Masks go
    beside the images.

    Convolutions of 5 x 5 with stride 2, whose state is what spectral normalisation carries from step to step.

    Args:
      features: of the layers.
      dtype: of activations.

    >>> import jax
    >>> network = spectral_patch_discriminator((4, 8))
    >>> network.apply(*network.init(jax.random.key(0), jnp.zeros((1, 64, 64, 4))), jnp.zeros((1, 64, 64, 4)))[0].shape
    (1, 16, 16, 8)
    """
    return spectrally_normalized(from_linen(SpectralPatchDiscriminator(features, dtype)))


def features_for(width: int, layers: int) -> tuple[int, ...]:
    """Returns features of `layers` layers, twice as many from each to the next, up to four times the first.

    >>> features_for(64, 6) == PAPER
    True
    """
    return tuple(width * min(2**i, 4) for i in range(layers))


class SpectralPatchDiscriminator(nn.Module):
    """Maps images [N, H, W, C] to logits [N, h, w, features[-1]]; to be spectrally normalised."""

    features: tuple[int, ...]
    dtype: Any

    @nn.compact
    def __call__(self, images: Array) -> Array:
        x = images.astype(self.dtype)
        for i, features in enumerate(self.features):
            x = Convolution(features, 5, 2, 2, name=f"convolution_{i}")(nn.leaky_relu(x, 0.2) if i else x)
        return x.astype(jnp.float32)
