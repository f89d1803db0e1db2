"""Encoders of captions and of images into one space, to be trained contrastively (`jgan.losses.image_text_contrastive`).

In place of the published encoders of text to image systems, such as the one of Reed et al. 2016 (https://arxiv.org/abs/1605.05396).
"""

import flax.linen as nn
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.models.classifier import Stage
from jgan.models.sentences import until_end
from jgan.types import Array, Network


def caption_encoder(vocabulary: int, features: int = 128) -> Network:
    """Makes the network: captions int32 [N, T], each up to its first 0, -> embeddings [N, features]: the mean over the words of a
    bidirectional GRU.

    >>> import jax
    >>> network = caption_encoder(25, 8)
    >>> params, _ = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 11), jnp.int32))
    >>> params["last"]["kernel"].shape
    (16, 8)
    """
    return from_linen(CaptionEncoder(vocabulary, features))


def image_encoder(features: int = 128, widths: tuple[int, ...] = (16, 32, 64, 128)) -> Network:
    """Makes the network: images [N, H, W, C] in [-1, 1] -> embeddings [N, features]; it keeps where things are, so images have one size."""
    return from_linen(ImageEncoder(features, widths))


class CaptionEncoder(nn.Module):
    """Maps captions to embeddings."""

    vocabulary: int
    features: int

    @nn.compact
    def __call__(self, tokens: Array) -> Array:
        inside = until_end(tokens)
        x = nn.Embed(self.vocabulary, self.features)(tokens)
        forward, backward = (nn.RNN(nn.GRUCell(self.features)) for _ in range(2))
        x = nn.Bidirectional(forward, backward)(x, seq_lengths=jnp.sum(inside, axis=1, dtype=jnp.int32))
        mean = jnp.sum(jnp.where(inside[..., None], x, 0.0), axis=1) / jnp.sum(inside, axis=1)[:, None].astype(x.dtype)
        return nn.Dense(self.features, name="last")(mean)


class ImageEncoder(nn.Module):
    """Maps images to embeddings."""

    features: int
    widths: tuple[int, ...]

    @nn.compact
    def __call__(self, images: Array) -> Array:
        x = images
        for width in self.widths:
            x = Stage(width)(x)
        return nn.Dense(self.features, name="last")(x.reshape(len(x), -1))
