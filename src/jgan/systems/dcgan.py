"""DCGAN: convolutional networks with batch norm, those of the paper or of TensorFlow's tutorial.

Papers: Radford et al. 2015, https://arxiv.org/abs/1511.06434; https://www.tensorflow.org/tutorials/generative/dcgan
"""

import dataclasses
from typing import Literal

import jax.numpy as jnp
import optax

from jgan import commands, losses
from jgan.data.settings import ImageSettings, open_images
from jgan.evaluation.score import image_score
from jgan.models import dcgan
from jgan.ranges import Count, Kimg, KimgOrZero, Rate, ShareBelowOne, Size
from jgan.run.sampling import image_sampling
from jgan.run.settings import Settings, changeable
from jgan.run.system import System
from jgan.training import alternating
from jgan.types import Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings, ImageSettings):
    """What a run is made of."""

    resolution: Size = 64
    """Side of the images, pixels."""
    kimg: Kimg = changeable(5_000.0)
    """Length of the run, thousands of real images seen."""
    batch: Count = 128
    """Real images per step, over all devices."""
    microbatches: Count = changeable(1, "batch norm is over other parts")
    """Parts in which a batch is worked through, to save memory; batch norm is over a part."""
    network: Literal["paper", "tutorial"] = "paper"
    """Which of the two."""
    features: Size = 128
    """Of the convolutions at half the resolution; doubled with every further halving, in the paper at most thrice."""
    latent_size: Size = 100
    """Numbers in z."""
    uniform: bool = True
    """z is uniform on [-1, 1], else standard normal."""
    learning_rate: Rate = 2e-4
    """Of Adam, for both players."""
    beta1: ShareBelowOne = 0.5
    """Of Adam."""
    half: bool = False
    """Compute activations in bfloat16."""
    average_kimg: KimgOrZero = 0.0
    """Half-life of the generator's average, thousands of images; 0: the generator itself, as in the paper."""
    sample_kimg: Kimg = changeable(100.0)
    """Between two grids of samples, thousands of images."""
    checkpoint_kimg: Kimg = changeable(250.0)
    """Between two checkpoints, thousands of images."""
    score_kimg: KimgOrZero = changeable(250.0)
    """Between two scores, thousands of images; 0: none."""


_SMALL = Config(resolution=28, batch=64, features=32, kimg=100, sample_kimg=10, checkpoint_kimg=25, score_kimg=25)
PRESETS = {
    "demo": dataclasses.replace(_SMALL, resolution=32, features=16),
    "fashion_mnist": dataclasses.replace(_SMALL, data="tfds:fashion_mnist"),
    "tutorial": dataclasses.replace(
        _SMALL,
        data="tfds:mnist",
        network="tutorial",
        batch=256,
        features=64,
        uniform=False,
        learning_rate=1e-4,
        beta1=0.9,
        kimg=3_000,
        sample_kimg=20,
        checkpoint_kimg=300,
        score_kimg=300,
    ),
    "paper": Config(data="tfds:celeb_a"),
}
NETWORKS = {"paper": dcgan.paper, "tutorial": dcgan.tutorial}


def build(config: Config, spec: Spec) -> Training:
    """Trains by alternating steps with the non-saturating loss and Adam."""
    plan, dtype = NETWORKS[config.network](spec.image_shape, config.features), jnp.bfloat16 if config.half else jnp.float32
    adam = optax.adam(config.learning_rate, b1=config.beta1)
    return alternating(
        dcgan.generator(plan, config.uniform, dtype),
        dcgan.discriminator(plan, dtype),
        losses.non_saturating(),
        adam,
        adam,
        latent_size=config.latent_size,
        half_life=1000 * config.average_kimg,
        microbatches=config.microbatches,
    )


SYSTEM = System(
    "dcgan", Config, PRESETS, open_images, build, image_sampling, image_score, commands=commands.LATENTS, description=__doc__ or ""
)
