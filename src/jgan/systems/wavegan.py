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
from jgan.systems._sounds import ACCELERATOR, CPU, DIGITS, PAPER, SoundGanSettings, sampling, two_players
from jgan.types import Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(SoundGanSettings):
    """What a run is made of."""

    shuffle: SizeOrZero = 2
    """Most steps by which the phases of the discriminator's layers are shuffled, for each sound; 0: not."""


PRESETS = {
    "words": Config(**CPU),
    "digits": Config(**CPU, **DIGITS),
    "unshuffled": Config(**CPU, **DIGITS, shuffle=0),
    "digits_accelerator": Config(**ACCELERATOR, **DIGITS),
    "paper": Config(**PAPER),
}


def build(config: Config, spec: Spec) -> Training:
    """Returns the training algorithm. The batch has `audio` and, with classes, `label`."""
    (samples,), dtype = spec.shape("audio"), jnp.bfloat16 if config.half else jnp.float32
    plan = wavegan.waves(samples, config.features, spec.classes, config.shuffle)
    return two_players(config, wavegan.generator(plan, dtype), wavegan.discriminator(plan, dtype), "audio", spec)


SYSTEM = System(
    "wavegan", Config, PRESETS, open_settings, build, sampling, sound_score, commands=commands.SOUNDS, description=__doc__ or ""
)
