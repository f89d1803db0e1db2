"""What the systems that generate sound have in common: settings, and two players with or without labels."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

import optax

from jgan import losses, outputs, penalties
from jgan.data.sounds import SoundSettings
from jgan.ranges import Count, KimgOrZero, Rate, ShareBelowOne, Size, Weight
from jgan.run.sampling import latent_inputs
from jgan.run.settings import Settings, changeable
from jgan.run.system import Sampling
from jgan.training import alternating, lazy_adam
from jgan.types import Network, Penalty, Spec, Training

LAZY = 16  # updates of the discriminator from one with R1 to the next


@dataclasses.dataclass(frozen=True, kw_only=True)
class SoundGanSettings(Settings, SoundSettings):
    """What a run is made of."""

    batch: Count = 320
    """Real sounds per step, over all devices, an equal part of them for each update of the discriminator."""
    microbatches: Count = changeable(1)
    """Parts in which a batch is worked through, to save memory."""
    features: Size = 64
    """Of the discriminator's first layer; doubled with every further one."""
    latent_size: Size = 100
    """Numbers in z, uniform on [-1, 1]."""
    loss: Literal["wasserstein", "non_saturating"] = "wasserstein"
    """With a gradient penalty at every update, as in the paper, or with R1 at every sixteenth."""
    penalty_weight: Weight = 10.0
    """Of either penalty."""
    discriminator_steps: Count = 5
    """Updates of the discriminator per step, each on an equal part of the batch."""
    learning_rate: Rate = 1e-4
    """Of Adam, for both players."""
    beta1: ShareBelowOne = 0.5
    """Of Adam."""
    beta2: ShareBelowOne = 0.9
    """Of Adam."""
    average_kimg: KimgOrZero = 0.0
    """Half-life of the generator's average, thousands of sounds; 0: the generator itself, as in the paper."""
    half: bool = False
    """Compute activations in bfloat16."""


CPU: Mapping[str, Any] = {  # settings of presets, sized for two cores ...
    "kimg": 40.0,
    "batch": 4,
    "features": 16,
    "loss": "non_saturating",
    "penalty_weight": 1.0,
    "discriminator_steps": 1,
    "learning_rate": 2e-4,
    "beta2": 0.99,
    "average_kimg": 1.0,
    "score_samples": 1000,
}
ACCELERATOR: Mapping[str, Any] = {  # ... and for an accelerator
    **CPU,
    "kimg": 1_500.0,
    "batch": 64,
    "features": 32,
    "sample_kimg": 100.0,
    "checkpoint_kimg": 100.0,
    "score_kimg": 100.0,
}
DIGITS: Mapping[str, Any] = {"data": "SPOKEN_DIGITS", "pad": True, "level": True}
PAPER: Mapping[str, Any] = {
    "data": "SC09",
    "window": 16_384,
    "pad": True,
    "kimg": 64_000.0,
    "sample_kimg": 640.0,
    "checkpoint_kimg": 640.0,
    "score_kimg": 640.0,
}


def two_players(config: SoundGanSettings, generator: Network, discriminator: Network, field: str, spec: Spec) -> Training:
    """Trains by alternating steps of Adam with the loss of a configuration, on the label too where there are any."""
    wasserstein = config.loss == "wasserstein"
    slope = Penalty(penalties.gradient_penalty, config.penalty_weight)
    r1 = penalties.on_real(penalties.r1, config.penalty_weight, every=LAZY)
    return alternating(
        generator,
        discriminator,
        losses.wasserstein() if wasserstein else losses.non_saturating(),
        optax.adam(config.learning_rate, b1=config.beta1, b2=config.beta2),
        lazy_adam(config.learning_rate, config.beta1, config.beta2, 0 if wasserstein else LAZY),
        latent_size=config.latent_size,
        field=field,
        condition="label" if spec.classes else None,
        penalties=[slope if wasserstein else r1],
        discriminator_steps=config.discriminator_steps,
        half_life=1000 * config.average_kimg,
        microbatches=config.microbatches,
    )


def sampling(config: SoundGanSettings, spec: Spec) -> Sampling:
    """Describes what `sample` takes and gives: latents in, and labels if there are any; sounds out."""
    conditions = ("label",) if spec.classes else ()
    return Sampling(latent_inputs(config.latent_size), {"audio": outputs.audio(int(spec.rate("audio")))}, conditions, followed=20)
