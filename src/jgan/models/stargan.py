"""The networks of StarGAN, with a copy mask: an editor of images that is asked for changes, and a discriminator that names attributes.

Source: Choi et al. 2017, section 4.2 and appendix 7.2 (https://arxiv.org/abs/1711.09020). Four things differ. A change of attributes is
asked for, as in Liu et al. 2019, section 3.1 (https://arxiv.org/abs/1904.09709), not the attributes of the result, so nobody has to know
those of the image. It enters by the scales and shifts of the instance norms (Dumoulin et al. 2016, section 2,
https://arxiv.org/abs/1610.07629), not as constant channels of the input, which an instance norm takes away all but at the border. The
editor says where it paints: a mask mixes new pixels and those of the image (Pumarola et al. 2018, section 4.1,
https://arxiv.org/abs/1807.09251). And the discriminator tells real images with an attribute from generated ones that shall have it, one
attribute at a time, as Choi et al. 2019, section 2.1 (https://arxiv.org/abs/1912.01865), do by domain: one that only names attributes is
content with patterns that nobody would call a hat.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.models.convolutions import Convolution, TransposedConvolution
from jgan.models.instance_norm import ConditionalNorm
from jgan.types import Array, Network

MULTIPLE = 4  # pixels: the editor halves twice


def editor(features: int = 64, blocks: int = 6, dtype: Any = jnp.float32) -> Network:
    """Makes the network: images [N, H, W, C] and changes [N, A] -> proposals [N, H, W, C + 1], float32; sides are multiples of 4. See
    `blend`.

    A change is 1 for an attribute that the image shall have, -1 for one that it shall not have, 0 for one that stays as it is.

    Args:
      features: of the first layer.
      blocks: residual blocks, with four times as many features.
      dtype: of activations.

    >>> import jax
    >>> network, images, changes = editor(4, 1), jnp.zeros((2, 8, 12, 3)), jnp.zeros((2, 5))
    >>> params, _ = network.init(jax.random.key(0), images, changes)
    >>> network.apply(params, {}, images, changes)[0].shape
    (2, 8, 12, 4)
    """
    return from_linen(Editor(features, blocks, dtype))


def blend(images: Array, proposals: Array) -> tuple[Array, Array]:
    """Returns edited images m new + (1 - m) images, [N, H, W, C], and the mask m, [N, H, W, 1] in [0, 1].

    Args:
      images: [N, H, W, C].
      proposals: [N, H, W, C + 1], the new pixels and then the mask.

    >>> images, proposals = jnp.zeros((1, 1, 1, 3)), jnp.asarray([1.0, 0.5, -1.0, 0.5]).reshape(1, 1, 1, 4)
    >>> blend(images, proposals)[0].ravel().tolist()
    [0.5, 0.25, -0.5]
    """
    new, mask = proposals[..., :-1], proposals[..., -1:]
    return mask * new + (1 - mask) * images, mask


def discriminator(features: int = 64, layers: int = 6, dtype: Any = jnp.float32) -> Network:
    """Makes the network: images [N, H, W, C] and attributes [N, A] -> logits of patches, two arrays [N, h, w, A], and of attributes [N, A],
    float32.

    The first say, attribute by attribute, how real the image looks among those with it, or among those without it, as is given: one of
    them in small patches, after all but the last two layers, so that texture is seen, the other in large ones. The second say which
    attributes it has. Convolutions of 4 x 4 with stride 2 and leaky rectifiers, each with twice the features of the one before; sides are
    multiples of 2^layers, and what is left of them is what the attributes are told from.

    Args:
      features: of the first layer.
      layers: 3 or more.
      dtype: of activations.

    >>> import jax
    >>> network, inputs = discriminator(4, 3), (jnp.zeros((2, 16, 16, 3)), jnp.ones((2, 5)))
    >>> params, _ = network.init(jax.random.key(0), *inputs)
    >>> (small, large), attributes = network.apply(params, {}, *inputs)[0]
    >>> small.shape, large.shape, attributes.shape
    ((2, 8, 8, 5), (2, 2, 2, 5), (2, 5))
    """
    return from_linen(Discriminator(features, layers, dtype))


class Editor(nn.Module):
    """Maps images [N, H, W, C] and changes [N, A] to new pixels in [-1, 1] and a mask in [0, 1], [N, H, W, C + 1]."""

    features: int
    blocks: int
    dtype: Any

    @nn.compact
    def __call__(self, images: Array, changes: Array) -> Array:
        if images.shape[1] % MULTIPLE or images.shape[2] % MULTIPLE:
            raise ValueError(f"expected images with sides that are multiples of {MULTIPLE} pixels, found {images.shape}")
        f, given = self.features, images.astype(self.dtype)
        half = _rectified(Convolution(f, 4, 2, 1, use_bias=False, name="down_0")(given), changes, "down_0_norm")
        x = _rectified(Convolution(2 * f, 4, 2, 1, use_bias=False, name="down_1")(half), changes, "down_1_norm")
        for i in range(self.blocks):
            x = x + Residual(name=f"block_{i}")(x, changes)
        x = _rectified(TransposedConvolution(f, 4, 2, use_bias=False, name="up")(x), changes, "up_norm")
        x = jnp.concatenate([x, half, _halved(given)], axis=3)  # with the colours, which instance norms take away
        x = TransposedConvolution(images.shape[3] + 1, 4, 2, name="proposal")(x).astype(jnp.float32)
        return jnp.concatenate([jnp.tanh(x[..., :-1]), nn.sigmoid(x[..., -1:])], axis=3)


class Residual(nn.Module):
    """Two convolutions of 3 x 3: what is added to the input."""

    @nn.compact
    def __call__(self, x: Array, changes: Array) -> Array:
        y = _rectified(Convolution(x.shape[3], 3, 1, 1, use_bias=False, name="first")(x), changes, "first_norm")
        return ConditionalNorm(name="second_norm")(Convolution(x.shape[3], 3, 1, 1, use_bias=False, name="second")(y), changes)


class Discriminator(nn.Module):
    """Maps images [N, H, W, C] and attributes [N, A] to logits of small and large patches [N, h, w, A] and of attributes [N, A]."""

    features: int
    layers: int
    dtype: Any

    @nn.compact
    def __call__(self, images: Array, attributes: Array) -> tuple[tuple[Array, Array], Array]:
        if images.shape[1] % 2**self.layers or images.shape[2] % 2**self.layers:
            raise ValueError(f"expected images with sides that are multiples of {2**self.layers} pixels, found {images.shape}")
        x, levels = images.astype(self.dtype), []
        for i in range(self.layers):
            x = nn.leaky_relu(Convolution(self.features * 2**i, 4, 2, 1, name=f"convolution_{i}")(x), 0.2)
            levels.append(x)
        small = Realness(name="small")(levels[-3], attributes)
        large = Realness(name="large")(x, attributes)
        named = nn.Dense(attributes.shape[1], use_bias=False, dtype=self.dtype, name="attributes")(x.reshape(len(x), -1))
        return (small, large), named.astype(jnp.float32)


class Realness(nn.Module):
    """Maps features [N, h, w, F] and attributes [N, A] to logits [N, h, w, A]: real with the attribute, or without it, as is given."""

    @nn.compact
    def __call__(self, x: Array, attributes: Array) -> Array:
        logits = Convolution(2 * attributes.shape[1], 3, 1, 1, use_bias=False, name="real")(x).astype(jnp.float32)
        there, gone = jnp.split(logits, 2, axis=3)
        return jnp.where(attributes[:, None, None] > 0, there, gone)


def _rectified(x, condition, name):
    return nn.relu(ConditionalNorm(name=name)(x, condition))


def _halved(x):
    """[N, H, W, C] with four pixels in one, [N, H / 2, W / 2, 4 C]."""
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).swapaxes(2, 3).reshape(n, h // 2, w // 2, 4 * c)
