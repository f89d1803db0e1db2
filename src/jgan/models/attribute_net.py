"""A small convolutional network that reads several attributes of an image at once."""

import flax.linen as nn

from jgan.models.classifier import SMALLEST, Stage
from jgan.types import Array


class AttributeNet(nn.Module):
    """Images [N, H, W, C] in [-1, 1] to logits [N, sum(values)], those of each attribute side by side, and features [N, hidden].

    Unlike `jgan.models.classifier.Classifier` it keeps where things are, so images have one size, of at least 16 pixels (ValueError).

    >>> import jax, jax.numpy as jnp
    >>> inputs = jax.random.key(0), jnp.zeros((5, 32, 32, 3))
    >>> (logits, features), params = jax.eval_shape(AttributeNet(values=(4, 2)).init_with_output, *inputs)
    >>> logits.shape, features.shape
    ((5, 6), (5, 256))
    """

    values: tuple[int, ...]  # how many values each attribute has
    widths: tuple[int, ...] = (24, 48, 96, 128)
    hidden: int = 256

    @nn.compact
    def __call__(self, images: Array) -> tuple[Array, Array]:
        if images.ndim != 4 or min(images.shape[1:3]) < SMALLEST:
            raise ValueError(f"expected images [N, H, W, C] of at least {SMALLEST} x {SMALLEST}, found {images.shape}; give larger ones")
        x = images
        for width in self.widths:
            x = Stage(width)(x)
        features = nn.gelu(nn.Dense(self.hidden)(x.reshape(x.shape[0], -1)))
        return nn.Dense(sum(self.values))(features), features
