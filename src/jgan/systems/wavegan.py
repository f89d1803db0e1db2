"""WaveGAN: sound made sample by sample, by convolutions along time.

Paper: Donahue, McAuley, Puckette 2018, https://arxiv.org/abs/1802.04208
"""

import dataclasses

import jax.numpy as jnp

from jgan import commands
from jgan.data.sounds import open_settings
from jgan.evaluation.sounds import sound_score
from jgan.models import wavegan
from jgan.ranges import SizeOrZero
from jgan.run.system import System
from jgan.systems._sounds import SoundGanSettings, sampling, two_players
from jgan.types import Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(SoundGanSettings):
    """What a run is made of."""

    shuffle: SizeOrZero = 2
    """Most steps by which the phases of the discriminator's layers are shuffled, for each sound; 0: not."""


_SMALL = Config(
    kimg=130,
    batch=32,
    features=16,
    loss="non_saturating",
    penalty_weight=1.0,
    discriminator_steps=1,
    learning_rate=2e-4,
    beta2=0.99,
    average_kimg=1.0,
    score_samples=1000,
    sample_kimg=10,
    checkpoint_kimg=10,
    score_kimg=10,
)
PRESETS = {
    "words": _SMALL,
    "digits": dataclasses.replace(_SMALL, data="SPOKEN_DIGITS", pad=True, level=True),
    "unshuffled": dataclasses.replace(_SMALL, data="SPOKEN_DIGITS", pad=True, level=True, shuffle=0),
    "digits_accelerator": dataclasses.replace(
        _SMALL,
        data="SPOKEN_DIGITS",
        pad=True,
        level=True,
        features=32,
        batch=64,
        kimg=1_500,
        sample_kimg=100,
        checkpoint_kimg=100,
        score_kimg=100,
    ),
    "paper": Config(data="SC09", window=16_384, pad=True, kimg=64_000, sample_kimg=640, checkpoint_kimg=640, score_kimg=640),
}


def build(config: Config, spec: Spec) -> Training:
    """The training algorithm. The batch has `audio` and, with classes, `label`."""
    (samples,), dtype = spec.shape("audio"), jnp.bfloat16 if config.half else jnp.float32
    plan = wavegan.waves(samples, config.features, spec.classes, config.shuffle)
    return two_players(config, wavegan.generator(plan, dtype), wavegan.discriminator(plan, dtype), "audio", spec)


SYSTEM = System(
    "wavegan", Config, PRESETS, open_settings, build, sampling, sound_score, commands=commands.SOUNDS, description=__doc__ or ""
)
