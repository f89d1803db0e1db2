"""SpecGAN: sound by way of its spectrogram, which is made as a picture; Griffin and Lim's algorithm finds the phases.

Paper: Donahue, McAuley, Puckette 2018, section 3.1, https://arxiv.org/abs/1802.04208. Magnitudes are taken in decibels below a full-scale
sine, of one range for all frequencies, where the paper normalises every frequency by its mean and deviation over the data.

Pictures: docs/specgan.png: log-mel spectrograms of its sounds, with formants that move.
"""

import dataclasses

import jax.numpy as jnp

from jgan import commands
from jgan.data.sounds import open_settings
from jgan.evaluation.sounds import sound_score
from jgan.models import wavegan
from jgan.ops.spectrogram import griffin_lim, stft
from jgan.ranges import Count, Rate, Size
from jgan.run.system import System
from jgan.systems._sounds import ACCELERATOR, CPU, DIGITS, PAPER, SoundGanSettings, sampling, two_players
from jgan.training import changed_batches
from jgan.types import Array, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(SoundGanSettings):
    """What a run is made of."""

    frame: Size = 256
    """Samples of a frame of the spectrogram, an even number; the next begins half a frame later."""
    decibels: Rate = 80.0
    """Range of magnitudes below a full-scale sine; what is quieter is as loud as its end."""
    iterations: Count = 32
    """Of the search for phases."""


PRESETS = {
    "words": Config(**CPU),
    "digits": Config(**CPU, **DIGITS),
    "digits_accelerator": Config(**ACCELERATOR, **DIGITS),
    "paper": Config(**PAPER),
}


def to_picture(audio: Array, frame: int, decibels: float) -> Array:
    """Returns sounds [N, S] as pictures [N, 2 S / frame, frame / 2, 1] in [-1, 1]: 1 is a full-scale sine, -1 is `decibels` below.

    The last frame, around the end of the sound, and the highest frequency are left out.
    """
    magnitudes = jnp.abs(stft(audio, frame, frame // 2))[:, :-1, :-1, None] / (frame / 4)
    loudness = 20 * jnp.log10(jnp.maximum(magnitudes, 10 ** (-decibels / 20)))
    return jnp.clip(1 + 2 * loudness / decibels, -1, 1)


def to_sound(pictures: Array, samples: int, decibels: float, iterations: int) -> Array:
    """Returns sounds [N, samples] in [-1, 1] whose pictures are these, as nearly as Griffin and Lim's algorithm finds them; silence is
    silent.

    >>> to_sound(jnp.zeros((2, 16, 32, 1)), 512, 80.0, 4).shape
    (2, 512)
    """
    frame = 2 * pictures.shape[2]
    loudness = jnp.where(pictures > -1, 10 ** ((pictures - 1) * (decibels / 40)), 0)[..., 0] * (frame / 4)
    magnitudes = jnp.pad(loudness, ((0, 0), (0, 1), (0, 1)))
    return jnp.clip(griffin_lim(magnitudes, None, hop=frame // 2, samples=samples, iterations=iterations), -1, 1)


def build(config: Config, spec: Spec) -> Training:
    """Returns the training algorithm. The batch has `audio` and, with classes, `label`.

    Raises:
      ValueError: for a frame that is odd, or does not divide the sounds into pictures that fit.
    """
    (samples,), dtype, frame = spec.shape("audio"), jnp.bfloat16 if config.half else jnp.float32, config.frame
    if frame % 2 or samples % (frame // 2):
        raise ValueError(f"expected a frame whose half divides {samples} samples, found {frame}; give another --frame or --window")
    plan = wavegan.spectrograms(2 * samples // frame, frame // 2, config.features, spec.classes)
    training = two_players(config, wavegan.generator(plan, dtype), wavegan.discriminator(plan, dtype), "image", spec)

    def with_pictures(batch, _):
        return batch | {"image": to_picture(batch["audio"], frame, config.decibels)}

    def sample(state, key, inputs):
        pictures = training.sample(state, key, inputs)["image"]
        return {"audio": to_sound(pictures, samples, config.decibels, config.iterations)}

    return changed_batches(training, with_pictures)._replace(sample=sample)


SYSTEM = System(
    "specgan", Config, PRESETS, open_settings, build, sampling, sound_score, commands=commands.SOUNDS, description=__doc__ or ""
)
