"""Inpainting with gated convolutions: a coarse network fills the hole, a fine one draws it anew beside contextual attention.

Source: Yu et al. 2018, "Free-Form Image Inpainting with Gated Convolution", sections 3.1 and 3.2 (https://arxiv.org/abs/1806.03589).
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.ops.contextual_attention import RATE, contextual_attention
from jgan.ops.convolution import convolution
from jgan.types import Array, Network

WIDTH, LEVELS, DILATIONS = 24, 2, (2, 4, 8, 16)  # the paper's
# The variance of He et al. 2015 (https://arxiv.org/abs/1502.01852) doubled, since a gate begins at a half: with theirs the features of the
# 16th layer are 1/500 of the first one's.
INITIAL = nn.initializers.variance_scaling(4.0, "fan_in", "truncated_normal")


def inpainter(
    channels: int, width: int = WIDTH, levels: int = LEVELS, dilations: tuple[int, ...] = DILATIONS, dtype: Any = jnp.float32
) -> Network:
    """Makes the network: images and masks [N, H, W, channels + 1] -> coarse and fine images [N, H, W, 2 channels] in [-1, 1], float32.

    The last channel of the input is 1 in the hole and 0 elsewhere; the image is 0 in the hole. Sides are multiples of `multiple(levels)`.

    Args:
      channels: of the image.
      width: features at full size; doubled with every halving.
      levels: halvings.
      dilations: of the layers at the smallest size.
      dtype: of activations.

    >>> import jax
    >>> network = inpainter(3, width=4)
    >>> params, state = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 16, 24, 4)))
    >>> jax.eval_shape(network.apply, params, state, jnp.zeros((1, 16, 24, 4)))[0].shape
    (1, 16, 24, 6)
    """
    return from_linen(Inpainter(channels, width, levels, dilations, dtype))


def multiple(levels: int = LEVELS) -> int:
    """Returns pixels of which the sides of images are multiples."""
    return RATE * 2**levels


class Inpainter(nn.Module):
    """Maps masked images and masks [N, H, W, channels + 1] to coarse and fine images [N, H, W, 2 channels]."""

    channels: int
    width: int
    levels: int
    dilations: tuple[int, ...]
    dtype: Any

    @nn.compact
    def __call__(self, masked: Array) -> Array:
        unit = multiple(self.levels)
        if masked.shape[1] % unit or masked.shape[2] % unit:
            raise ValueError(f"expected images whose sides are multiples of {unit} pixels, found {masked.shape}; pad them")
        image, hole = masked[..., : self.channels], masked[..., self.channels :]
        x = self._encoded("coarse", image, hole)
        coarse = self._decoded("coarse", self._dilated("coarse", x))
        inside = jnp.where(hole > 0, coarse, image)
        left = self._dilated("fine", self._encoded("fine", inside, hole))
        right = contextual_attention(self._layer("attended_in", self._encoded("attended", inside, hole)), shrunk(hole, unit))
        for i in range(2):
            right = self._layer(f"attended_{i}", right)
        fine = self._decoded("fine", jnp.concatenate([left, right], axis=3))
        return jnp.concatenate([coarse, fine], axis=3)

    def _encoded(self, name, image, hole):
        """[N, H, W, ...] -> [N, H / 2^levels, ..., width 2^levels]; the ones tell the border of the image from zeros around it."""
        x = jnp.concatenate([image, jnp.ones_like(hole), hole], axis=3).astype(self.dtype)
        x = GatedConvolution(self.width, size=5, name=f"{name}_first")(x)
        for level in range(1, self.levels + 1):
            x = GatedConvolution(self.width * 2**level, stride=2, name=f"{name}_down_{level}")(x)
            x = self._layer(f"{name}_encoder_{level}", x)
        return x

    def _dilated(self, name, x):
        for i, dilation in enumerate((1, *self.dilations)):
            x = self._layer(f"{name}_dilated_{i}", x, dilation)
        return x

    def _decoded(self, name, x):
        for i in range(2):
            x = GatedConvolution(self.width * 2**self.levels, name=f"{name}_bottom_{i}")(x)
        for level in range(self.levels - 1, -1, -1):
            x = GatedConvolution(self.width * 2**level, name=f"{name}_up_{level}")(doubled(x))
            x = GatedConvolution(self.width * 2**level // (1 if level else 2), name=f"{name}_decoder_{level}")(x)
        kernel = self.param(f"{name}_image", nn.initializers.lecun_normal(), (3, 3, x.shape[3], self.channels))
        bias = self.param(f"{name}_bias", nn.initializers.zeros, (self.channels,))
        return jnp.tanh(convolution(x, kernel.astype(x.dtype), padding=1).astype(jnp.float32) + bias[None, None, None])

    def _layer(self, name, x, dilation=1):
        return GatedConvolution(x.shape[3], dilation=dilation, name=name)(x)


class GatedConvolution(nn.Module):
    """elu(a) sigmoid(b) of two convolutions a and b of the input: [N, H, W, I] -> [N, H / stride, W / stride, features], odd `size`."""

    features: int
    size: int = 3
    stride: int = 1
    dilation: int = 1

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", INITIAL, (self.size, self.size, x.shape[3], 2 * self.features))
        bias = self.param("bias", nn.initializers.zeros, (2 * self.features,))
        split = spread_out(x, self.dilation)
        both = convolution(split, kernel.astype(x.dtype), self.stride, self.size // 2) + bias.astype(x.dtype)[None, None, None]
        a, b = jnp.split(gathered(both, self.dilation, x.shape[1:3]), 2, axis=3)
        return nn.elu(a) * nn.sigmoid(b)


def spread_out(x: Array, dilation: int) -> Array:
    """Returns images [N, H, W, C] as [N d d, ceil(H / d), ceil(W / d), C]: a dilated convolution is a plain one of every d-th row and
    column.

    >>> x = jnp.arange(30.0).reshape(1, 5, 6, 1)
    >>> bool((gathered(spread_out(x, 4), 4, (5, 6)) == x).all())
    True
    """
    if dilation == 1:
        return x
    n, height, width, channels = x.shape
    x = jnp.pad(x, ((0, 0), (0, -height % dilation), (0, -width % dilation), (0, 0)))
    x = x.reshape(n, x.shape[1] // dilation, dilation, x.shape[2] // dilation, dilation, channels)
    return x.transpose(0, 2, 4, 1, 3, 5).reshape(n * dilation**2, x.shape[1], x.shape[3], channels)


def gathered(x: Array, dilation: int, size: tuple[int, ...]) -> Array:
    """Returns the inverse of `spread_out`, for images of the size (H, W)."""
    if dilation == 1:
        return x
    n, height, width, channels = x.shape
    x = x.reshape(n // dilation**2, dilation, dilation, height, width, channels).transpose(0, 3, 1, 4, 2, 5)
    return x.reshape(n // dilation**2, height * dilation, width * dilation, channels)[:, : size[0], : size[1]]


def doubled(x: Array) -> Array:
    """Returns every pixel of [N, H, W, C] four times: [N, 2 H, 2 W, C]."""
    n, height, width, channels = x.shape
    return jnp.broadcast_to(x[:, :, None, :, None], (n, height, 2, width, 2, channels)).reshape(n, 2 * height, 2 * width, channels)


def shrunk(hole: Array, factor: int) -> Array:
    """Returns the largest number of each square of factor x factor pixels: [N, H, W, 1] -> [N, H / factor, W / factor, 1]."""
    n, height, width, _ = hole.shape
    return jnp.max(hole.reshape(n, height // factor, factor, width // factor, factor, 1), axis=(2, 4))
