"""MoCoGAN: clips of what stays, the content, and of how it moves, which a recurrent network makes of noise for each frame.

Paper: Tulyakov, Liu, Yang, Kautz 2017, https://arxiv.org/abs/1707.04993
"""

import dataclasses
from typing import Literal

import jax.numpy as jnp
import optax

from jgan import commands, losses, outputs, penalties
from jgan.data.clips import ClipSettings, open_settings
from jgan.evaluation.clips import clip_score
from jgan.models import mocogan
from jgan.ranges import Count, Kimg, KimgOrZero, Rate, Several, ShareBelowOne, Size, Weight
from jgan.run.sampling import latent_inputs
from jgan.run.settings import Settings, changeable
from jgan.run.system import Sampling, System
from jgan.training import alternating, lazy_adam
from jgan.types import Spec, Training

LAZY = 16  # updates of the discriminators from one with R1 to the next


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings, ClipSettings):
    """What a run is made of."""

    kimg: Kimg = changeable(30.0)
    """Length of the run, thousands of real clips seen."""
    batch: Count = 16
    """Real clips per step, over all devices."""
    microbatches: Count = changeable(1, "batch norm is over other parts")
    """Parts in which a batch is worked through, to save memory; batch norm is over a part."""
    motions: Literal["given", "none"] = "given"
    """The label of the motion, where the data has labels, is given to the generator and the discriminator of clips, or there is none."""
    features: Size = 24
    """Of the convolutions at half the resolution; doubled with every further halving, at most thrice."""
    content_size: Size = 50
    """Numbers in z for the whole clip."""
    motion_size: Size = 10
    """Numbers in z for each frame, and in the state of the recurrent network."""
    r1_weight: Weight = 1.0
    """Of R1 of both discriminators together, at every sixteenth update."""
    learning_rate: Rate = 2e-4
    """Of Adam, for all players."""
    beta1: ShareBelowOne = 0.5
    """Of Adam."""
    beta2: ShareBelowOne = 0.99
    """Of Adam."""
    average_kimg: KimgOrZero = 1.0
    """Half-life of the generator's average, thousands of clips; 0: the generator itself, as in the paper."""
    half: bool = False
    """Compute activations of convolutions in bfloat16."""
    score_samples: Several = changeable(1_000)
    """Generated clips per score."""


PRESETS = {
    "moving": Config(limit=4_000),
    "unlabelled": Config(limit=4_000, motions="none"),
    "accelerator": Config(
        resolution=64, features=64, batch=32, kimg=1_500, sample_kimg=100, checkpoint_kimg=100, score_kimg=100, average_kimg=5
    ),
}


def build(config: Config, spec: Spec) -> Training:
    """Alternating steps with the non-saturating loss and lazy R1. The batch has `video` and, with labels, `label`.

    Both discriminators are one player with two logits, whose losses are added. R1 is taken of the sum of the logits.

    Raises:
      ValueError: as `jgan.models.mocogan.plan_of`.
    """
    plan, dtype = _plan(config, spec), jnp.bfloat16 if config.half else jnp.float32
    return alternating(
        mocogan.generator(plan, dtype),
        mocogan.discriminator(plan, dtype),
        losses.multi_scale(losses.non_saturating()),
        optax.adam(config.learning_rate, b1=config.beta1, b2=config.beta2),
        lazy_adam(config.learning_rate, config.beta1, config.beta2, LAZY),
        latent_size=plan.latent_size,
        field="video",
        condition="label" if plan.classes else None,
        penalties=[penalties.on_real(penalties.r1, config.r1_weight, every=LAZY)],
        half_life=1000 * config.average_kimg,
        microbatches=config.microbatches,
    )


def sampling(config: Config, spec: Spec) -> Sampling:
    """Latents in, and labels of motions if they are given; clips out."""
    plan = _plan(config, spec)
    conditions = ("label",) if plan.classes else ()
    return Sampling(latent_inputs(plan.latent_size), {"video": outputs.video(spec.rate("video"))}, conditions, followed=12)


def _plan(config, spec):
    classes = spec.classes if config.motions == "given" else 0
    return mocogan.plan_of(spec.shape("video"), config.features, config.content_size, config.motion_size, classes)


SYSTEM = System("mocogan", Config, PRESETS, open_settings, build, sampling, clip_score, commands=commands.CLIPS, description=__doc__ or "")
