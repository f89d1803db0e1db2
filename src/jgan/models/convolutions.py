"""Plain convolutions as layers: kernels drawn from N(0, 0.02^2), biases from zero, as image translation has them."""

import flax.linen as nn
import jax.numpy as jnp

from jgan.ops.convolution import convolution, transposed_convolution
from jgan.types import Array

DEVIATION = 0.02  # of initial kernels (Radford et al. 2015, section 3, https://arxiv.org/abs/1511.06434)


class Convolution(nn.Module):
    """[N, H, W, I] -> [N, (H + 2 padding - size) // stride + 1, ..., features], computed in the dtype of the input."""

    features: int
    size: int
    stride: int = 1
    padding: int = 0
    use_bias: bool = True
    groups: int = 1

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.size, self.size, x.shape[3] // self.groups, self.features)
        kernel = self.param("kernel", nn.initializers.normal(DEVIATION), shape)
        return _biased(self, convolution(x, kernel.astype(x.dtype), self.stride, self.padding, self.groups))


class TransposedConvolution(nn.Module):
    """[N, H, W, I] -> [N, stride H, stride W, features], or with `whole` the border too: [N, stride (H - 1) + size, ..., features]."""

    features: int
    size: int
    stride: int = 1
    whole: bool = False
    use_bias: bool = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.normal(DEVIATION), (self.size, self.size, self.features, x.shape[3]))
        y = transposed_convolution(x, kernel.astype(x.dtype), self.stride)
        if not self.whole:
            first = (self.size - self.stride + 1) // 2
            y = y[:, first : first + self.stride * x.shape[1], first : first + self.stride * x.shape[2]]
        return _biased(self, y)


def reflected(x: Array, pixels: int) -> Array:
    """Returns [N, H, W, C] with `pixels` pixels of its mirror image around it; H and W must be larger.

    >>> reflected(jnp.arange(3.0).reshape(1, 1, 3, 1).repeat(2, axis=1), 1)[0, 0, :, 0].tolist()
    [1.0, 0.0, 1.0, 2.0, 1.0]
    """
    if min(x.shape[1:3]) <= pixels:
        raise ValueError(f"expected images of more than {pixels} x {pixels} pixels to reflect, found {x.shape[1:3]}; pad them before")
    return jnp.pad(x, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode="reflect")


def _biased(layer, y):
    if not layer.use_bias:
        return y
    return y + layer.param("bias", nn.initializers.zeros, (layer.features,)).astype(y.dtype)[None, None, None]
