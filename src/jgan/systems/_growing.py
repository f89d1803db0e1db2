"""What systems that grow share: their settings, and the stages of a run, each at twice the resolution of the one before.

Source: Karras et al. 2017, section 2 and appendix A (https://arxiv.org/abs/1710.10196).
"""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jgan import losses, penalties
from jgan.data.settings import ImageSettings, open_images, size_of
from jgan.data.source import Source
from jgan.models.progan import blended, enlarged, first_levels, shrunk
from jgan.models.stylegan2 import Plan, plan
from jgan.ops.images import to_float
from jgan.ranges import Count, Kimg, KimgOrZero, Rate, Size
from jgan.run.plan import legs
from jgan.run.settings import ROUNDING, Settings, changeable
from jgan.types import AdversarialLoss, Array, Key, Penalty, Spec, Stage, Training

FASTER = ((512, 3.0), (256, 2.0), (128, 1.5))  # from this side in pixels on, the learning rate is so much larger


@dataclasses.dataclass(frozen=True, kw_only=True)
class GrowingSettings(Settings, ImageSettings):
    """How a run grows, and how wide its networks are."""

    first_resolution: Size = 8
    """Height of the images of the first stage, pixels; each stage doubles it. As the resolution: one stage, nothing grows."""
    fade_kimg: Kimg = 600.0
    """In each stage but the first, thousands of images in which the new level fades in ..."""
    stable_kimg: Kimg = 600.0
    """... and thousands of images after that, and in the first stage; the last stage goes on to the end of the run."""
    batch: Count = 16
    """Real images per step, over all devices."""
    microbatches: Count = changeable(1, ROUNDING)
    """Parts in which a batch is worked through, to save memory."""
    channel_base: Count = 16384
    """Channels at a level are this divided by its size in pixels ..."""
    channel_max: Size = 512
    """... but no more than this."""
    latent_size: Size = 512
    """Numbers in z."""
    learning_rate: Rate = 0.001
    """Of Adam (beta 0 and 0.99), for both players; 1.5, 2 and 3 times that from 128, 256 and 512 pixels a side on."""
    average_kimg: KimgOrZero = 10.0
    """Half-life of the generator's average, thousands of images."""


def open_data(config: GrowingSettings, split: str | None = None) -> Source:
    """Returns the images of a configuration, or another part of them; sizes that the networks cannot have are refused before
    any is read.
    """
    _first_level(config, plan(size_of(config)))
    return open_images(config, split)


def learning_rate(config: GrowingSettings, size: tuple[int, int]) -> float:
    """Returns the learning rate for images of a size.

    >>> learning_rate(GrowingSettings(), (64, 64)), learning_rate(GrowingSettings(), (256, 256))
    (0.001, 0.002)
    """
    return config.learning_rate * next((factor for side, factor in FASTER if min(size) >= side), 1.0)


def wasserstein(weight: float = 10.0, target: float = 1.0, drift: float = 0.001) -> tuple[AdversarialLoss, list[Penalty]]:
    """Makes the loss of ProGAN: Wasserstein, ((|gradient| - target) / target)^2, and the mean square of the logits of real images."""
    slope = Penalty(partial(penalties.gradient_penalty, target=target), weight / target**2)
    return losses.wasserstein(), [slope, penalties.on_real_logits(penalties.epsilon_drift, drift)]


def begins(config: GrowingSettings, count: int) -> list[int]:
    """Returns the images seen before each of `count` stages, as far as the run comes to them.

    >>> begins(GrowingSettings(fade_kimg=10, stable_kimg=5, kimg=40), 9)
    [0, 5000, 20000, 35000]
    """
    found = [max(0.0, number * (config.fade_kimg + config.stable_kimg) - config.fade_kimg) for number in range(count)]
    return [round(1000 * kimg) for kimg in found if kimg < config.kimg]


def growing(config: GrowingSettings, spec: Spec, train: Callable[[Plan, bool], Training]) -> list[Stage]:
    """Makes the stages of a run.

    Args:
      config: how it grows.
      spec: of the images at the end.
      train: (levels of a stage, whether the highest fades in) -> the training of that stage, of batches with the fields `image` and `alpha`
        [N], on a state with the generator's and discriminator's parameters under names that stay when levels are added.
    """
    whole = plan(spec.image_shape[:2], config.channel_base, config.channel_max)
    first, height = _first_level(config, whole), spec.image_shape[0]
    starts = begins(config, len(whole.sizes) - first)
    stages: list[Stage] = []
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], round(1000 * config.kimg)], strict=True)):
        begun = legs(stages, config.steps_per_call)[-1].last if stages else 0
        levels, fades = first_levels(whole, first + number + 1), number > 0
        (h, w), fade = levels.sizes[-1], 1000 * config.fade_kimg if fades else 0.0
        alpha = partial(share, first=begun, batch=config.batch, fade=fade)
        training = fading(train(levels, fades), h, height, alpha, fades)
        source = partial(open_images, dataclasses.replace(config, resolution=h, width=w), None, False)
        stages.append(Stage(end - start, config.batch, training, source, grown if fades else None))
    return stages


def share(step: Array, first: int, batch: int, fade: float) -> Array:
    """Returns the share alpha of the new level: images seen since the step at which its stage began, divided by those in which it fades in.

    >>> [share(jnp.asarray(step), first=10, batch=8, fade=32).item() for step in (10, 12, 99)]
    [0.0, 0.5, 1.0]
    """
    seen = ((step - first) * batch).astype(jnp.float32)
    return jnp.minimum(seen / fade, 1.0) if fade else jnp.ones((), jnp.float32)


def grown(key: Key, before: Any, fresh: Any) -> Any:
    """Returns the first state of a larger stage: whatever the state before has under the same name, its step, parameters, averages and
    Adam's moments among them, and what is new as it is begun.

    Adam's count is carried, too, so the first updates of what is new are up to ten times as large (beta 0.99), while it is hardly seen.

    >>> grown(None, {"old": 1, "gone": 2}, {"old": 3, "new": 4})
    {'new': 4, 'old': 1}
    """
    kept = dict(jax.tree_util.tree_leaves_with_path(before))
    return jax.tree_util.tree_map_with_path(lambda path, leaf: kept.get(path, leaf), fresh)


def fading(training: Training, height: int, last: int, alpha: Callable[[Array], Array], fades: bool) -> Training:
    """Gives a training its alpha, and real images that fade in as the generated ones do; samples are enlarged to the size at the end.

    Args:
      training: of batches with `image` and `alpha`; it is given `alpha` among the inputs of `sample`, too.
      height, last: of its images and of those at the end, pixels.
      alpha: step -> the share of the new level.
      fades: whether there is a new level.
    """

    def seen(batch, share):
        images = to_float(batch["image"])
        images = shrunk(images, images.shape[1] // height)
        shares = jnp.broadcast_to(share, (images.shape[0],))
        return {"image": blended(shares, images, enlarged(shrunk(images))) if fades else images, "alpha": shares}

    def init(key, batch):
        return training.init(key, seen(batch, jnp.ones(())))

    def step(state, batch, key):
        share = alpha(state.step)
        state, metrics = training.step(state, seen(batch, share), key)
        return state, metrics | {"alpha": share}

    def sample(state, key, inputs):
        shares = jnp.broadcast_to(alpha(state.step), next(iter(inputs.values())).shape[:1])
        found = training.sample(state, key, inputs | {"alpha": shares})
        return found | {"image": enlarged(found["image"], last // height)}

    return Training(init, step, sample)


def _first_level(config: GrowingSettings, levels: Plan) -> int:
    """The level at which the first stage ends.

    Raises:
      ValueError: if there is none of that height.
    """
    heights = [height for height, _ in levels.sizes]
    if config.first_resolution not in heights:
        raise ValueError(f"expected a first resolution of {', '.join(map(str, heights))}, found {config.first_resolution}")
    return heights.index(config.first_resolution)
