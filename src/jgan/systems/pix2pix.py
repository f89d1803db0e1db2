"""pix2pix: image translation learned from pairs.

Paper: Isola et al. 2016, https://arxiv.org/abs/1611.07004
"""

import dataclasses

import jax.numpy as jnp
import optax

from jgan import commands, losses
from jgan.data import open_pairs
from jgan.data.settings import limit_of, place
from jgan.data.source import Source
from jgan.models import patch, unet
from jgan.models.any_size import any_size
from jgan.ops.images import to_float
from jgan.ranges import Count
from jgan.run.system import System
from jgan.systems._translation import (
    PairedSettings,
    PatchSettings,
    TranslationSettings,
    TwoSidesSettings,
    augmented,
    sampling,
    score,
)
from jgan.training.paired import paired
from jgan.types import Network, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(TranslationSettings, TwoSidesSettings, PatchSettings, PairedSettings):
    """What a run is made of."""

    data: str = place("shapes")
    """Pairs: shapes (embedded), or a folder or archive of images side by side, or of two folders with files of the same names."""
    reverse: bool = False
    """From right to left, or from the second folder to the first."""
    batch: Count = 4
    """Pairs per step, over all devices."""


_SMALL = Config(batch=2, features=16, patch_layers=3, record_kimg=0.4, sample_kimg=2, score_kimg=4, checkpoint_kimg=4)
_EMOJI = dataclasses.replace(_SMALL, data="emoji", kimg=20)
PRESETS = {
    "demo": dataclasses.replace(_SMALL, resolution=32, jitter=0, kimg=10, batch=8),
    "emoji": _EMOJI,
    "emoji_l1": dataclasses.replace(_EMOJI, adversarial_weight=0.0),
    "emoji_adversarial": dataclasses.replace(_EMOJI, l1_weight=0.0),
    "nuclei": dataclasses.replace(_SMALL, data="nuclei", kimg=8),
    # The paper's: 200 epochs of 400 facades, one at a time, 286 pixels cropped to 256.
    "facades": Config(data="facades", resolution=256, jitter=30, kimg=80, batch=1, score_kimg=20, checkpoint_kimg=20),
}


def make_networks(config: Config) -> tuple[Network, Network]:
    """Returns the generator, and the discriminator of input and output joined along the channels."""
    patch.check_size(config.resolution, config.patch_layers)
    dtype = jnp.bfloat16 if config.half else jnp.float32
    widths = unet.features_for(config.resolution, config.features)
    generator = any_size(unet.unet(config.channels, widths, dtype=dtype), multiple=2 ** len(widths))
    return generator, patch.patch_discriminator(patch.features_for(config.features, config.patch_layers), dtype=dtype)


def build(config: Config, spec: Spec) -> Training:
    """Returns the training algorithm. The batch has `input` and `target`, larger by the jitter; `sample` translates `input`
    [N, H, W, C].
    """
    adam = optax.adam(config.learning_rate, b1=0.5, b2=0.999)
    return paired(
        *make_networks(config),
        losses.non_saturating(),
        adam,
        adam,
        prepare=lambda key, batch: augmented(key, batch, config.resolution, config.flip),
        sample=lambda translate, inputs: {"image": translate(to_float(inputs["input"]))},
        distances={"l1": (config.l1_weight, losses.pixel_l1)},
        adversarial_weight=config.adversarial_weight,
    )


def open_data(config: Config, split: str | None = None, jitter: int = 0) -> Source:
    """Returns the pairs of a configuration, each image larger by `jitter` pixels."""
    return open_pairs(
        config.data,
        resolution=config.resolution + jitter,
        channels=config.channels,
        split=split or "train",
        limit=limit_of(config, split),
        reverse=config.reverse,
        bit_depth=config.bit_depth,
        max_unpacked=config.max_unpacked,
    )


def training_data(config: Config) -> Source:
    """Returns the pairs larger by the jitter, to be cropped at random."""
    return open_data(config, jitter=config.jitter)


SYSTEM = System(
    "pix2pix",
    Config,
    PRESETS,
    open_data,
    build,
    sampling,
    score,
    training_data=training_data,
    commands=commands.PAIRS,
    description=__doc__ or "",
)
