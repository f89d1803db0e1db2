"""A small convolutional classifier whose last features serve as the space for a Fréchet distance, trained on the spot."""

import flax.linen as nn
import jax

from jgan.ops.convolution import convolution
from jgan.types import Array

SMALLEST = 16  # pixels: below, the last of four halvings would see less than one pixel


class Stage(nn.Module):
    """3x3 convolution that halves the image, layer normalisation over each image, GELU."""

    width: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.he_normal(), (3, 3, x.shape[-1], self.width))
        scale = self.param("scale", nn.initializers.ones, (self.width,))
        bias = self.param("bias", nn.initializers.zeros, (self.width,))
        y = convolution(x, kernel, stride=2, padding=1)
        mean, variance = y.mean(axis=(1, 2, 3), keepdims=True), y.var(axis=(1, 2, 3), keepdims=True)
        y = (y - mean) * jax.lax.rsqrt(variance + 1e-5)  # per image, so that no image's features depend on its batch
        return nn.gelu(y * scale[None, None, None] + bias[None, None, None])


class Classifier(nn.Module):
    """Images [N, H, W, C] in [-1, 1] to logits [N, classes] and features [N, widths[-1]], the global average of the last stage.

    Any number of channels; height and width may differ and are at least 16 pixels (ValueError). The features are those of the layer
    before the logits, as Heusel et al. (2017, https://arxiv.org/abs/1706.08500) take them from Inception.

    >>> import jax.numpy as jnp
    >>> inputs = jax.random.key(0), jnp.zeros((5, 28, 20, 3))
    >>> (logits, features), params = jax.eval_shape(Classifier(classes=10).init_with_output, *inputs)
    >>> logits.shape, features.shape
    ((5, 10), (5, 128))
    """

    classes: int
    widths: tuple[int, ...] = (16, 32, 64, 128)

    @nn.compact
    def __call__(self, images: Array) -> tuple[Array, Array]:
        if images.ndim != 4 or min(images.shape[1:3]) < SMALLEST:
            raise ValueError(f"expected images [N, H, W, C] of at least {SMALLEST} x {SMALLEST}, found {images.shape}; give larger ones")
        x = images
        for width in self.widths:
            x = Stage(width)(x)
        features = x.mean(axis=(1, 2))
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (self.widths[-1], self.classes))
        return features @ kernel, features
