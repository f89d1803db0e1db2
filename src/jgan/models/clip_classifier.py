"""A small convolutional classifier of clips, in three dimensions, whose last features serve as the space for a Fréchet distance."""

import flax.linen as nn

from jgan.models.classifier import SMALLEST, Stage
from jgan.ops.frames import fold, successive, unfold
from jgan.types import Array

SIZE = 3  # frames that a stage looks at


class ClipClassifier(nn.Module):
    """Clips [N, T, H, W, C] in [-1, 1] to logits [N, classes] and features [N, widths[-1]], the average of the last stage.

    Each stage is a 3 x 3 x 3 convolution that halves the frames and has no padding in time, normalised over each of its frames.

    Raises:
      ValueError: for frames of less than 16 x 16 pixels, or fewer than 9.

    >>> import jax, jax.numpy as jnp
    >>> inputs = jax.random.key(0), jnp.zeros((5, 16, 32, 32, 3))
    >>> (logits, features), params = jax.eval_shape(ClipClassifier(classes=6).init_with_output, *inputs)
    >>> logits.shape, features.shape
    ((5, 6), (5, 128))
    """

    classes: int
    widths: tuple[int, ...] = (16, 32, 64, 128)

    @nn.compact
    def __call__(self, clips: Array) -> tuple[Array, Array]:
        check_shape(clips.shape[1:], len(self.widths))
        x = clips
        for width in self.widths:
            x = unfold(Stage(width)(fold(successive(x, SIZE))), len(x))
        features = x.mean(axis=(1, 2, 3))
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (self.widths[-1], self.classes))
        return features @ kernel, features


def check_shape(shape: tuple[int, ...], stages: int = len(ClipClassifier.widths)) -> None:
    """Raises ValueError unless clips (T, H, W, C) are large and long enough for this number of stages."""
    least = 1 + (SIZE - 1) * stages
    if shape[0] < least or min(shape[1:3]) < SMALLEST:
        expected = f"expected clips of at least {least} frames of {SMALLEST} x {SMALLEST} pixels for the classifier of the score"
        raise ValueError(f"{expected}, found {shape[0]} of {shape[1]} x {shape[2]}; take longer or larger ones")
