"""R3GAN: a relativistic loss with gradient penalties on real and generated images, and plain residual networks.

Paper: Huang et al. 2024, https://arxiv.org/abs/2501.05441
"""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import optax

from jgan import augment, commands, losses, outputs, penalties
from jgan.data.settings import ImageSettings, open_images, size_of
from jgan.data.source import Source
from jgan.evaluation.score import image_score
from jgan.models import r3gan
from jgan.models.stylegan2 import Plan, plan
from jgan.ranges import Count, Kimg, KimgOrZero, Layers, LayersOrZero, Rate, Share, ShareBelowOne, Size, Weight
from jgan.run.sampling import latent_inputs
from jgan.run.settings import ROUNDING, Settings, changeable
from jgan.run.system import Sampling, System
from jgan.training import alternating, scheduled
from jgan.types import Array, Key, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings, ImageSettings):
    """What a run is made of."""

    conditional: bool = False
    """Learn the classes of the data."""
    flip: bool = False
    """Mirror half of all that the discriminator sees."""
    kimg: Kimg = changeable(20_000.0)
    """Length of the run, thousands of real images seen."""
    batch: Count = 256
    """Real images per step, over all devices."""
    microbatches: Count = changeable(1, ROUNDING)
    """Parts in which a batch is worked through, to save memory."""
    channel_base: Count = 24576
    """Channels at a level are this divided by its size in pixels ..."""
    channel_max: Size = 768
    """... but no more than this; multiples of 8."""
    blocks: Layers = 2
    """Residual blocks at every level."""
    latent_size: Size = 64
    """Numbers in z, and in the vector of a class."""
    half_levels: LayersOrZero = 0
    """Highest levels computed in bfloat16."""
    loss: Literal["relativistic", "non_saturating"] = "relativistic"
    """The adversarial loss; relativistic compares each real image with a generated one."""
    penalties: tuple[Literal["r1", "r2"], ...] = ("r1", "r2")
    """Gradient penalties of the discriminator: r1 on real, r2 on generated images."""
    ramp_kimg: Kimg = 20_000.0
    """Thousands of images in which the settings below go from first to last, along half a cosine."""
    learning_rate: tuple[Rate, Rate] = (2e-4, 5e-5)
    """Of Adam (beta 0 and beta2), for both players."""
    beta2: tuple[ShareBelowOne, ShareBelowOne] = (0.9, 0.99)
    """Of Adam."""
    penalty_weight: tuple[Weight, Weight] = (2.0, 0.2)
    """Of each gradient penalty, gamma in the paper."""
    augment: tuple[Share, Share] = (0.0, 0.0)
    """Probability of every transformation of what the discriminator sees; 0 0: none are computed."""
    average_kimg: KimgOrZero = 500.0
    """Half-life of the generator's average, thousands of images; early on a twentieth of the images seen."""


# A five-hundredth of the images asks for ten times the learning rate.
_SMALL = Config(
    kimg=40,
    batch=16,
    channel_base=512,
    channel_max=64,
    blocks=1,
    ramp_kimg=40,
    learning_rate=(2e-3, 5e-4),
    penalty_weight=(0.5, 0.05),
    average_kimg=10,
    sample_kimg=4,
    score_kimg=8,
    checkpoint_kimg=8,
)
_LARGE = Config(flip=True, half_levels=4, score_kimg=200, sample_kimg=200, checkpoint_kimg=200, record_kimg=4)
PRESETS = {
    "shapes": dataclasses.replace(_SMALL, conditional=True),
    "fashion_mnist": dataclasses.replace(_SMALL, data="tfds:fashion_mnist", channels=1),
    # The published networks and schedules; the highest levels are in bfloat16, and generated images are mirrored too.
    "cifar10": dataclasses.replace(
        _LARGE,
        data="tfds:cifar10",
        conditional=True,
        kimg=200_000,
        batch=512,
        penalty_weight=(0.05, 0.005),
        augment=(0.0, 0.55),
        average_kimg=5_000,
    ),
    "ffhq64": dataclasses.replace(_LARGE, data="ffhq", resolution=64, kimg=100_000, augment=(0.0, 0.3)),
    "ffhq256": dataclasses.replace(_LARGE, data="ffhq", resolution=256, kimg=100_000, penalty_weight=(150.0, 15.0), augment=(0.0, 0.3)),
}

LOSSES = {"relativistic": losses.relativistic, "non_saturating": losses.non_saturating}
PENALTIES = {"r1": partial(penalties.on_real, penalties.r1), "r2": partial(penalties.on_fake, penalties.r2)}


def ramp(ends: tuple[float, float], share: Array) -> Array:
    """Returns a number on the way from the first end to the last along half a cosine, after a share of it; behind the end the last.

    >>> [round(float(ramp((2.0, 1.0), share)), 3) for share in (0.0, 0.5, 1.0, 3.0)]
    [2.0, 1.5, 1.0, 1.0]
    """
    first, last = ends
    return last + (first - last) * 0.5 * (1 + jnp.cos(jnp.pi * jnp.minimum(share, 1.0)))


def levels_of(config: Config) -> Plan:
    """Returns the sizes and channels of all levels.

    Raises:
      ValueError: for a size, or channels, that the networks cannot have.
    """
    levels = plan(size_of(config), config.channel_base, config.channel_max, config.half_levels)
    r3gan.check(levels)
    return levels


def build(config: Config, spec: Spec) -> Training:
    """Trains by alternating steps with the relativistic loss, R1 and R2, on the paper's schedules."""
    levels, classes = levels_of(config), spec.classes if config.conditional else 0

    def of_images(ends):
        return lambda seen: ramp(ends, seen / (1000 * config.ramp_kimg))

    def of_steps(ends):
        return lambda step: ramp(ends, step * (config.batch / (1000 * config.ramp_kimg)))

    def penalty(name):
        return scheduled(lambda seen: PENALTIES[name](of_images(config.penalty_weight)(seen) / 2))

    adam = optax.inject_hyperparams(optax.adam)
    optimizer = adam(of_steps(config.learning_rate), b1=0.0, b2=of_steps(config.beta2))
    return alternating(
        r3gan.generator(levels, spec.image_shape[2], classes, config.blocks),
        r3gan.discriminator(levels, config.latent_size, classes, config.blocks),
        LOSSES[config.loss](),
        optimizer,
        optimizer,
        latent_size=config.latent_size,
        condition="label" if classes else None,
        penalties=[penalty(name) for name in config.penalties],
        augment=scheduled(augmentation(config, of_images(config.augment))),
        half_life=1000 * config.average_kimg,
        microbatches=config.microbatches,
    )


def augmentation(config: Config, probability: Callable[[Array], Array]) -> Callable[[Array], Callable[[Key, Array], Array]]:
    """Returns the augmentation at a number of real images seen: mirroring, then the chain of `jgan.augment.ada`."""

    def at(seen):
        def apply(key, images):
            key_flip, key_ada = jax.random.split(key)
            images = augment.flip(key_flip, images) if config.flip else images
            return augment.ada(key_ada, images, probability(seen)) if any(config.augment) else images

        return apply

    return at


def open_data(config: Config, split: str | None = None) -> Source:
    """Returns the images of a configuration, or another part of them; sizes that the network cannot have are refused before any is read."""
    levels_of(config)
    return open_images(config, split, labels=True if config.conditional else None)


def sampling(config: Config, spec: Spec) -> Sampling:
    """Describes what `sample` takes and gives: latents and labels in, images out."""
    conditions = ("label",) if config.conditional else ()
    return Sampling(latent_inputs(config.latent_size), {"image": outputs.image()}, conditions=conditions)


SYSTEM = System("r3gan", Config, PRESETS, open_data, build, sampling, image_score, commands=commands.LATENTS, description=__doc__ or "")
