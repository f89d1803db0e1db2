"""MoCoGAN: clips of what stays, the content, and of how it moves, which a recurrent network makes of noise for each frame.

Paper: Tulyakov, Liu, Yang, Kautz 2017, https://arxiv.org/abs/1707.04993
"""

import dataclasses
from typing import Literal

import jax
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
from jgan.training import alternating, changed_batches, lazy_adam
from jgan.types import AdversarialLoss, Network, Spec, Training

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
    motions: Literal["given", "found", "none"] = "given"
    """The label of the motion, where the data has labels, is given to generator and discriminator; or the generator is given a code that
    the discriminator of clips has to find, as in the paper; or there is neither."""
    codes: Several = 6
    """Values of the code of motions that are found."""
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
    "moving": Config(limit=4_000, batch=4),
    "unlabelled": Config(limit=4_000, batch=4, motions="none"),
    "found": Config(limit=4_000, batch=4, motions="found"),
    "accelerator": Config(
        resolution=64, features=64, batch=32, kimg=1_500, sample_kimg=100, checkpoint_kimg=100, score_kimg=100, average_kimg=5
    ),
}


def build(config: Config, spec: Spec) -> Training:
    """Trains by alternating steps; the batch has `video` and, with labels, `label`.

    Both discriminators are one player with two logits, whose losses are added. R1 is taken of the sum of the logits and, where the motion
    is found, the log-probability of its code.

    Raises:
      ValueError: as `jgan.models.mocogan.plan_of`.
    """
    plan, dtype = _plan(config, spec), jnp.bfloat16 if config.half else jnp.float32
    networks, loss = (mocogan.generator(plan, dtype), mocogan.discriminator(plan, dtype)), losses.multi_scale(losses.non_saturating())
    if plan.found:
        training = two_players(config, *networks, losses.informed(loss), plan.latent_size, "video", "code")
        return with_codes(training, plan.classes)
    return two_players(config, *networks, loss, plan.latent_size, "video", "label" if plan.classes else None)


def two_players(
    config: Config, generator: Network, discriminator: Network, loss: AdversarialLoss, latent_size: int, field: str, condition: str | None
) -> Training:
    """Trains by alternating steps of Adam with a loss and lazy R1."""
    return alternating(
        generator,
        discriminator,
        loss,
        optax.adam(config.learning_rate, b1=config.beta1, b2=config.beta2),
        lazy_adam(config.learning_rate, config.beta1, config.beta2, LAZY),
        latent_size=latent_size,
        field=field,
        condition=condition,
        penalties=[penalties.on_real(penalties.r1, config.r1_weight, every=LAZY)],
        half_life=1000 * config.average_kimg,
        microbatches=config.microbatches,
    )


def with_codes(training: Training, codes: int) -> Training:
    """Draws the `code` of every example of a batch, int32 [N] below `codes`; `sample` is given it and returns it beside the clips."""

    def with_code(batch, key):
        return batch | {"code": jax.random.randint(key, batch["video"].shape[:1], 0, codes)}

    def sample(state, key, inputs):
        return training.sample(state, key, inputs) | {"code": inputs["code"]}

    return changed_batches(training, with_code)._replace(sample=sample)


def sampling(config: Config, spec: Spec) -> Sampling:
    """Describes what `sample` takes and gives: latents in, and labels of motions if they are given, or codes if they are
    found; clips out.
    """
    plan = _plan(config, spec)
    latents = latent_inputs(plan.latent_size)

    def with_code(key, n):
        return latents(key, n) | {"code": jax.random.randint(jax.random.fold_in(key, 1), (n,), 0, plan.classes)}

    conditions = ("label",) if plan.classes and not plan.found else ()
    kinds = {"video": outputs.video(spec.rate("video"))}
    return Sampling(with_code if plan.found else latents, kinds, conditions, followed=12, content=plan.content)


def _plan(config, spec):
    classes = {"given": spec.classes, "found": config.codes, "none": 0}[config.motions]
    sizes = config.features, config.content_size, config.motion_size
    return mocogan.plan_of(spec.shape("video"), *sizes, classes, config.motions == "found")


SYSTEM = System("mocogan", Config, PRESETS, open_settings, build, sampling, clip_score, commands=commands.CLIPS, description=__doc__ or "")
