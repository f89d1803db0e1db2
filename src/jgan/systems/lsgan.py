"""LSGAN: least squares in place of cross-entropy.

Paper: Mao et al. 2016, https://arxiv.org/abs/1611.04076
"""

import dataclasses

import jax.numpy as jnp
import optax

from jgan import commands, losses
from jgan.data.settings import ImageSettings, open_images
from jgan.evaluation.score import image_score
from jgan.models import dcgan
from jgan.ranges import Count, Kimg, KimgOrZero, Rate, Size, Target
from jgan.run.sampling import image_sampling
from jgan.run.settings import Settings, changeable
from jgan.run.system import System
from jgan.training import alternating
from jgan.types import Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings, ImageSettings):
    """What a run is made of."""

    resolution: Size = 112
    """Side of the images, pixels."""
    kimg: Kimg = changeable(5_000.0)
    """Length of the run, thousands of real images seen."""
    batch: Count = 64
    """Real images per step, over all devices."""
    microbatches: Count = changeable(1, "batch norm is over other parts")
    """Parts in which a batch is worked through, to save memory; batch norm is over a part."""
    features: Size = 64
    """Of the convolutions at half the resolution; doubled with further halvings, in the generator at most twice."""
    latent_size: Size = 1024
    """Numbers in z, uniform on [-1, 1]."""
    targets: tuple[Target, Target, Target] = (0.0, 1.0, 1.0)
    """What logits are pulled to: a of generated images, b of real ones, c of generated ones by the generator; -1 1 0 are the other choice
    of the paper, the Pearson divergence."""
    learning_rate: Rate = 1e-3
    """Of Adam (beta 0.5 and 0.999), for both players."""
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


_SMALL = Config(
    resolution=28, features=32, latent_size=100, kimg=300, learning_rate=2e-4, sample_kimg=20, checkpoint_kimg=50, score_kimg=50
)
PRESETS = {
    "demo": dataclasses.replace(_SMALL, resolution=32, features=16, kimg=100, sample_kimg=10, checkpoint_kimg=25, score_kimg=25),
    "fashion_mnist": dataclasses.replace(_SMALL, data="tfds:fashion_mnist"),
    "paper": Config(data="tfds:lsun/bedroom"),
}


def build(config: Config, spec: Spec) -> Training:
    """Trains by alternating steps with the paper's loss and Adam."""
    plan, dtype = dcgan.least_squares(spec.image_shape, config.features), jnp.bfloat16 if config.half else jnp.float32
    adam = optax.adam(config.learning_rate, b1=0.5)
    return alternating(
        dcgan.generator(plan, dtype=dtype),
        dcgan.discriminator(plan, dtype=dtype),
        losses.least_squares(*config.targets, scale=0.5),
        adam,
        adam,
        latent_size=config.latent_size,
        half_life=1000 * config.average_kimg,
        microbatches=config.microbatches,
    )


SYSTEM = System(
    "lsgan", Config, PRESETS, open_images, build, image_sampling, image_score, commands=commands.LATENTS, description=__doc__ or ""
)
