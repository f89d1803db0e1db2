"""PatchGAN: a discriminator that judges patches, each logit by another receptive field.

Source: Isola et al. 2016, section 3.2.2 and appendix 6.1.2 (https://arxiv.org/abs/1611.07004).
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.models.convolutions import Convolution
from jgan.models.instance_norm import InstanceNorm
from jgan.types import Array, Network

PAPER = (64, 128, 256, 512)  # patches of 70 x 70 pixels


def patch_discriminator(features: tuple[int, ...] = PAPER, normalise: bool = True, dtype: Any = jnp.float32) -> Network:
    """Makes the network: images [N, H, W, C] -> logits [N, h, w, 1], float32; for a pair give both images, joined along the channels.

    Convolutions of 4 x 4, all but the last two with stride 2, the last one to a logit; see `receptive_field`.

    Args:
      features: of all layers but the last.
      normalise: instance norm in all layers but the first and the last. Without it a logit depends on its patch alone.
      dtype: of activations.

    >>> import jax
    >>> inputs = jax.random.key(0), jnp.zeros((1, 256, 256, 6))
    >>> jax.eval_shape(lambda *i: patch_discriminator().apply(*patch_discriminator().init(*i), i[1])[0], *inputs).shape
    (1, 30, 30, 1)
    """
    return from_linen(PatchDiscriminator(features, normalise, dtype))


def features_for(width: int, layers: int) -> tuple[int, ...]:
    """Returns features of `layers` layers, twice as many from each to the next, up to eight times the first.

    >>> features_for(64, 4) == PAPER
    True
    """
    return tuple(width * min(2**i, 8) for i in range(layers))


def receptive_field(layers: int) -> int:
    """Returns the side of the patch, pixels, that a logit sees, with `layers` layers before the last: r' = s r + (k - s), from the last
    layer back.

    >>> [receptive_field(layers) for layers in (2, 3, 4, 5)]
    [16, 34, 70, 142]
    """
    field = 1
    for stride in [1, 1] + [2] * (layers - 1):
        field = stride * field + 4 - stride
    return field


def check_size(size: int, layers: int) -> None:
    """Raises ValueError for images too small for one logit, with `layers` layers before the last.

    >>> check_size(24, 4)
    """
    least = 3 * 2 ** (layers - 1)
    if size < least:
        raise ValueError(
            f"expected images of {least} pixels or more for {layers} layers of the discriminator, found {size}; use fewer layers"
        )


class PatchDiscriminator(nn.Module):
    """Maps images [N, H, W, C] to logits of patches [N, H', W', 1]."""

    features: tuple[int, ...]
    normalise: bool
    dtype: Any

    @nn.compact
    def __call__(self, images: Array) -> Array:
        x, last = images.astype(self.dtype), len(self.features) - 1
        for i, features in enumerate(self.features):
            normalise = self.normalise and i > 0
            x = Convolution(features, 4, 1 if i == last else 2, 1, use_bias=not normalise, name=f"convolution_{i}")(x)
            x = nn.leaky_relu(InstanceNorm(name=f"norm_{i}")(x) if normalise else x, 0.2)
        return Convolution(1, 4, 1, 1, name="logits")(x).astype(jnp.float32)
