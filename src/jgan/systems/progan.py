"""ProGAN: networks that grow with the images, from a few pixels on.

Paper: Karras et al. 2017, https://arxiv.org/abs/1710.10196
"""

import dataclasses
from functools import partial

import optax

from jgan import commands
from jgan.evaluation.score import image_score
from jgan.models import progan
from jgan.models.stylegan2 import Plan
from jgan.ranges import Rate, Weight
from jgan.run.sampling import image_sampling
from jgan.run.system import System
from jgan.systems._growing import GrowingSettings, growing, learning_rate, open_data, wasserstein
from jgan.training import alternating
from jgan.types import Spec, Stage, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(GrowingSettings):
    """What a run is made of."""

    penalty_weight: Weight = 10.0
    """Weight of the gradient penalty, ((|gradient| - target) / target)^2 ..."""
    penalty_target: Rate = 1.0
    """... and its target norm; the paper has 750 for CIFAR-10."""
    drift_weight: Weight = 0.001
    """Weight of the mean square of the logits of real images."""


_SMALL = Config(
    kimg=60,
    fade_kimg=10,
    stable_kimg=10,
    channel_base=1024,
    channel_max=64,
    latent_size=64,
    average_kimg=2.5,
    sample_kimg=5,
    score_kimg=5,
    checkpoint_kimg=5,
)
PRESETS = {
    "shapes": _SMALL,
    "fixed": dataclasses.replace(_SMALL, first_resolution=32),
    "flowers128": Config(
        data="tfds:tf_flowers",
        resolution=128,
        kimg=1_200,
        fade_kimg=100,
        stable_kimg=100,
        batch=32,
        channel_base=8192,
        channel_max=256,
        latent_size=256,
        sample_kimg=100,
        score_kimg=100,
        checkpoint_kimg=100,
        record_kimg=4,
    ),
}


def build(config: Config, spec: Spec) -> list[Stage]:
    """Returns the stages of a run, each of alternating steps with the Wasserstein loss, its gradient penalty and Adam."""
    return growing(config, spec, partial(train, config, spec))


def train(config: Config, spec: Spec, levels: Plan, fades: bool) -> Training:
    """Returns the training of a stage."""
    adam = optax.adam(learning_rate(config, levels.sizes[-1]), b1=0.0, b2=0.99)
    loss, terms = wasserstein(config.penalty_weight, config.penalty_target, config.drift_weight)
    return alternating(
        progan.generator(levels, spec.image_shape[2], fades),
        progan.discriminator(levels, fades),
        loss,
        adam,
        adam,
        latent_size=config.latent_size,
        condition="alpha",
        penalties=terms,
        half_life=1000 * config.average_kimg,
        microbatches=config.microbatches,
    )


SYSTEM = System(
    "progan", Config, PRESETS, open_data, build, image_sampling, image_score, commands=commands.LATENTS, description=__doc__ or ""
)
