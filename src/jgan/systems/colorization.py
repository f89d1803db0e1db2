"""Colorization: the colours of grey images, learned from images in colour.

Papers: Isola et al. 2016 (pix2pix), https://arxiv.org/abs/1611.07004; Lab as in Zhang et al. 2016, https://arxiv.org/abs/1603.08511
"""

import dataclasses
from typing import Any

import jax.numpy as jnp
import optax

from jgan import commands, losses
from jgan.data.corrupt import corrupted, grey
from jgan.data.settings import ImageSettings, open_images
from jgan.data.source import Source
from jgan.evaluation.restoration import Restoration, colour_numbers
from jgan.models import patch, unet
from jgan.models.any_size import any_size
from jgan.ops.colour import lab_to_rgb, rgb_to_lab
from jgan.ops.images import to_float
from jgan.ranges import Count, Size, Weight
from jgan.run.system import System
from jgan.systems._translation import PairedSettings, PatchSettings, TranslationSettings, augmented, sampling, score
from jgan.training.paired import paired
from jgan.types import Array, Network, Spec, Training

L_HALF, AB_MOST = 50.0, 110.0  # Lab as the networks see it: L / 50 - 1 and ab / 110, all in [-1, 1]
STYLES = 8  # numbers of noise per image


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(TranslationSettings, ImageSettings, PatchSettings, PairedSettings):
    """What a run is made of."""

    resolution: Size = 64
    """Side of the images, pixels."""
    batch: Count = 4
    """Images per step, over all devices."""
    diversity_weight: Weight = 0.0
    """Weight of the L1 between the mean colours of two colourings of one image, which the generator shall raise."""


_SMALL = Config(batch=8, features=16, patch_layers=3, record_kimg=0.4, sample_kimg=4, score_kimg=8, checkpoint_kimg=8)
# L1 asks for the median of all colours that grey may be, so little of it; without diversity all shapes come to have one colour.
_SHAPES = dataclasses.replace(_SMALL, data="shapes:equal-luma", jitter=0, kimg=60, l1_weight=1.0, diversity_weight=0.05)
_FLOWERS = dataclasses.replace(_SMALL, data="flowers", kimg=24)
PRESETS = {
    "shapes": _SHAPES,
    "shapes_l1": dataclasses.replace(_SHAPES, adversarial_weight=0.0, diversity_weight=0.0),
    "flowers": _FLOWERS,
    "flowers_l1": dataclasses.replace(_FLOWERS, adversarial_weight=0.0),
    # The settings of pix2pix, for an accelerator.
    "photos": Config(data="photos", resolution=256, jitter=30, kimg=1000, batch=16, score_kimg=100, checkpoint_kimg=100, sample_kimg=100),
}


def make_networks(config: Config) -> tuple[Network, Network]:
    """Returns the generator, L -> ab, and the discriminator of Lab."""
    patch.check_size(config.resolution, config.patch_layers)
    dtype = jnp.bfloat16 if config.half else jnp.float32
    widths = unet.features_for(config.resolution, config.features)
    # Dropout would be seen as patches of several colours.
    generator = any_size(unet.unet(2, widths, noisy=0, styles=STYLES, dtype=dtype), multiple=2 ** len(widths))
    return generator, patch.patch_discriminator(patch.features_for(config.features, config.patch_layers), dtype=dtype)


def build(config: Config, spec: Spec) -> Training:
    """Returns the training algorithm. The batch has `input`, grey, and `target`, in colour; `sample` colours `input` [N, H, W, 1]."""
    adam = optax.adam(config.learning_rate, b1=0.5, b2=0.999)

    def prepare(key, batch):
        pair = augmented(key, batch, config.resolution, config.flip)
        return {"input": lightness(pair["input"]) / L_HALF - 1, "target": rgb_to_lab(pair["target"])[..., 1:] / AB_MOST}

    def sample(translate, inputs):
        light = lightness(to_float(inputs["input"]))
        lab = jnp.concatenate([light, AB_MOST * translate(light / L_HALF - 1)], axis=3)
        return {"image": jnp.clip(lab_to_rgb(lab), -1, 1)}

    return paired(
        *make_networks(config),
        losses.non_saturating(),
        adam,
        adam,
        prepare=prepare,
        sample=sample,
        distances={"l1": (config.l1_weight, losses.pixel_l1)},
        adversarial_weight=config.adversarial_weight,
        diversity_weight=config.diversity_weight,
    )


def lightness(images: Any) -> Array:
    """Returns the L in [0, 100] of grey images [N, H, W, 1] in [-1, 1]."""
    return rgb_to_lab(jnp.repeat(images, 3, axis=3))[..., :1]


def open_data(config: Config, split: str | None = None, jitter: int = 0) -> Source:
    """Returns pairs of grey images and those in colour, larger by `jitter` pixels.

    Raises:
      ValueError: if the images have no colour.
    """
    larger = dataclasses.replace(config, resolution=config.resolution + jitter, width=None)
    source = open_images(larger, split)
    stored = {shape[2] for shape in source.origin.shapes} if source.origin else set()
    if source.spec.image_shape[2] != 3 or stored == {1}:
        found = f"{source.spec.image_shape[2]} channels, stored as {sorted(stored)}"
        raise ValueError(
            f"expected images in colour, of 3 channels, found {found} in {source.name}; give other data, or --channels 3 for RGBA"
        )
    return corrupted(source, grey)


def training_data(config: Config) -> Source:
    """Returns the pairs larger by the jitter, to be cropped at random."""
    return open_data(config, jitter=config.jitter)


RESTORATION = Restoration(
    pair=lambda config, image: {"input": grey(image), "target": image},
    baseline=lambda config, images: images.repeat(3, axis=3),
    measure=lambda config, restored, inputs, targets: colour_numbers(restored, inputs, targets),
    tile=lambda config: config.resolution,
)
SYSTEM = System(
    "colorization",
    Config,
    PRESETS,
    open_data,
    build,
    sampling,
    score,
    training_data=training_data,
    commands=commands.RESTORED,
    description=__doc__ or "",
    restoration=RESTORATION,
)
