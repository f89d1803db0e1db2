"""The first generative adversarial network: two perceptrons.

Paper: Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661
"""

import dataclasses
from typing import Literal

import jax.numpy as jnp
import optax

from jgan import commands, losses
from jgan.data.settings import ImageSettings, open_images
from jgan.evaluation.score import image_score
from jgan.models import perceptrons
from jgan.ranges import Count, Kimg, KimgOrZero, Rate, ShareBelowOne, Size
from jgan.run.sampling import image_sampling
from jgan.run.settings import Settings, changeable
from jgan.run.system import System
from jgan.training import alternating
from jgan.types import Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings, ImageSettings):
    """What a run is made of."""

    resolution: Size = 28
    """Side of the images, pixels."""
    kimg: Kimg = changeable(400.0)
    """Length of the run, thousands of real images seen."""
    batch: Count = 100
    """Real images per step, over all devices."""
    latent_size: Size = 100
    """Numbers in z."""
    hidden: Size = 1200
    """Units in each of the two hidden layers of the generator."""
    units: Size = 240
    """Maxout units in each of the two hidden layers of the discriminator."""
    pieces: Size = 5
    """Linear functions per maxout unit."""
    input_dropout: ShareBelowOne = 0.2
    """Share of the pixels that the discriminator does not see."""
    dropout: ShareBelowOne = 0.5
    """Share of its units that are left out."""
    loss: Literal["non_saturating", "minimax"] = "non_saturating"
    """What the generator minimises: -log D(G(z)), or log(1 - D(G(z)))."""
    optimizer: Literal["adam", "momentum"] = "adam"
    """Of both players; momentum rises from 0.5 to 0.7, with a learning rate that decays, as in the paper."""
    learning_rate: Rate = 2e-4
    """Of the optimizer, at first."""
    half: bool = False
    """Compute activations in bfloat16."""
    average_kimg: KimgOrZero = 0.0
    """Half-life of the generator's average, thousands of images; 0: the generator itself, as in the paper."""
    sample_kimg: Kimg = changeable(20.0)
    """Between two grids of samples, thousands of images."""
    checkpoint_kimg: Kimg = changeable(50.0)
    """Between two checkpoints, thousands of images."""
    score_kimg: KimgOrZero = changeable(50.0)
    """Between two scores, thousands of images; 0: none."""


PRESETS = {
    "demo": Config(hidden=256, units=64, kimg=200, score_samples=2000),
    "fashion_mnist": Config(data="tfds:fashion_mnist", hidden=512, units=128, checkpoint_kimg=100, score_kimg=100),
    "paper": Config(
        data="tfds:mnist",
        kimg=60_000,
        optimizer="momentum",
        learning_rate=0.1,
        sample_kimg=1000,
        checkpoint_kimg=3000,
        score_kimg=3000,
        record_kimg=20,
    ),
}
LOSSES = {"non_saturating": losses.non_saturating(), "minimax": losses.minimax()}


def make_optimizer(config: Config) -> optax.GradientTransformation:
    """Returns Adam, or gradient descent with momentum: rate / 1.000004^step, momentum from 0.5 to 0.7 in 250 epochs of 600 batches."""
    if config.optimizer == "adam":
        return optax.adam(config.learning_rate, b1=0.5)
    rate = optax.exponential_decay(config.learning_rate, 1, 1 / 1.000004, end_value=1e-6)
    return optax.inject_hyperparams(optax.sgd)(learning_rate=rate, momentum=optax.linear_schedule(0.5, 0.7, 250 * 600))


def build(config: Config, spec: Spec) -> Training:
    """Trains by algorithm 1 of the paper with one step of the discriminator per step of the generator, as in its experiments."""
    dtype = jnp.bfloat16 if config.half else jnp.float32
    return alternating(
        perceptrons.generator(spec.image_shape, (config.hidden,) * 2, dtype=dtype),
        perceptrons.discriminator((config.units,) * 2, config.pieces, config.input_dropout, config.dropout, dtype=dtype),
        LOSSES[config.loss],
        make_optimizer(config),
        make_optimizer(config),
        latent_size=config.latent_size,
        half_life=1000 * config.average_kimg,
    )


SYSTEM = System(
    "gan", Config, PRESETS, open_images, build, image_sampling, image_score, commands=commands.LATENTS, description=__doc__ or ""
)
