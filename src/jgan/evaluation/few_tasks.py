"""What `jgan.evaluation.few` has networks learn: classes of images, or masks."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan.metrics.classes import macro_f1
from jgan.metrics.overlap import dice
from jgan.models.classifier import Classifier
from jgan.models.unet import unet
from jgan.ops.images import to_float
from jgan.types import Array, Key, Params

LOG_ODDS = 8.0  # of a pixel, where a U-Net says 1


class Task(NamedTuple):
    """What is learned of images; see `classification` and `segmentation`."""

    field: str  # of the examples: what is to be told of their images
    encode: Callable[[Array], Array]  # values of the field -> target, float32 [N, ...], of which mixtures are targets too
    init: Callable[[Key, Array], Params]  # (key, images) -> parameters
    apply: Callable[[Params, Array], Array]  # (parameters, images [N, H, W, C] in [-1, 1]) -> logits, of the shape of the target
    loss: Callable[[Array, Array], Array]  # (logits, target) -> scalar
    classic: Callable[[Key, Array, Array], tuple[Array, Array]]  # (key, images, target) -> both, changed at random
    score: Callable[[np.ndarray, np.ndarray], float]  # (logits, values of the field) -> the larger the better


def classification(
    classes: int,
    classic: Callable[[Key, Array], Array],
    *,
    network: Callable[..., Any] = Classifier,
    score: Callable[[np.ndarray, np.ndarray], float] = macro_f1,
) -> Task:
    """Returns the task to tell the `label` of images.

    Args:
      classes: their number.
      classic: (key, images [N, H, W, C] in [-1, 1]) -> such images, changed as suits the data; see `jgan.augment.classic`.
      network: classes -> module, as `jgan.models.classifier.Classifier` is one.
      score: (predicted label int [N], label int [N]) -> number.
    """
    module = network(classes=classes)
    return Task(
        "label",
        lambda label: jax.nn.one_hot(label, classes, dtype=jnp.float32),
        module.init,
        lambda params, images: module.apply(params, images)[0],
        lambda logits, target: optax.softmax_cross_entropy(logits, target).mean(),
        lambda key, images, target: (classic(key, images), target),
        lambda logits, label: score(logits.argmax(axis=1).astype(label.dtype), label),
    )


def segmentation(classic: Callable[[Key, Array, Array], tuple[Array, Array]], *, features: tuple[int, ...] = (16, 32, 64, 64)) -> Task:
    """Returns the task to tell the `mask`, uint8 [N, H, W, 1] with 255 inside, of images, by a U-Net; its score is the mean of Dice's
    coefficient.

    The loss is cross-entropy plus 1 - the Dice coefficient of probabilities, which does not mind small areas (Milletari et al. 2016,
    https://arxiv.org/abs/1606.04797).

    Args:
      classic: (key, images [N, H, W, C] in [-1, 1], masks [N, H, W, 1] in [0, 1]) -> both, changed alike as suits the data.
      features: of the encoder of the U-Net, each of which halves the image.
    """
    network = unet(1, features, noisy=0)

    def loss(logits, target):
        inside = jax.nn.sigmoid(logits)
        overlap = 2 * jnp.sum(inside * target, axis=(1, 2, 3)) + 1.0
        areas = jnp.sum(inside, axis=(1, 2, 3)) + jnp.sum(target, axis=(1, 2, 3)) + 1.0
        return optax.sigmoid_binary_cross_entropy(logits, target).mean() + jnp.mean(1 - overlap / areas)

    return Task(
        "mask",
        lambda mask: to_float(mask) / 2 + 0.5,
        lambda key, images: network.init(key, images)[0],
        lambda params, images: LOG_ODDS * network.apply(params, {}, images)[0],
        loss,
        classic,
        lambda logits, mask: float(dice(logits > 0, mask > 127).mean()),
    )
