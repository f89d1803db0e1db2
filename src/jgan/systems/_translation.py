"""What systems that translate images share: settings, and for pairs how they are changed at random, scored and sampled."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
from jax.sharding import Mesh

from jgan import outputs
from jgan.augment import flip
from jgan.augment.crop import random_crop
from jgan.data.settings import ReadingSettings
from jgan.data.source import Source
from jgan.evaluation.paired import paired_score
from jgan.evaluation.score import Score
from jgan.ops.images import to_float
from jgan.ranges import Channels, Count, Kimg, KimgOrZero, Layers, Rate, Several, Size, SizeOrZero, Weight
from jgan.run.settings import Settings, changeable
from jgan.run.system import Sampling
from jgan.types import Batch, Fields, Key, Spec


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslationSettings(Settings):
    """The networks and their optimizers, and when they are scored."""

    features: Size = 64
    """Of the first layer of the networks."""
    learning_rate: Rate = 2e-4
    """Of Adam, for all players."""
    half: bool = False
    """Compute in bfloat16."""
    checkpoint_kimg: Kimg = changeable(10.0)
    """Between two checkpoints, thousands of examples."""
    score_kimg: KimgOrZero = changeable(10.0)
    """Between two scores, thousands of examples; 0: none."""
    score_samples: Several = changeable(128)
    """Training examples per score."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TwoSidesSettings(ReadingSettings):
    """Images of two kinds."""

    limit: Count | None = None
    """Maximum number of pairs, or of images of each kind."""
    resolution: Size = 64
    """Side of the images, pixels."""
    channels: Channels = 3
    """Colour channels of all images."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PatchSettings:
    """A discriminator of patches, and how examples are changed at random."""

    jitter: SizeOrZero = 7
    """Pixels by which images are opened larger, and then cropped at random."""
    flip: bool = True
    """Mirror half of the examples."""
    patch_layers: Layers = 4
    """Layers of the discriminator before its last: 4 for patches of 70 pixels, 3 for 34, 2 for 16."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PairedSettings:
    """The terms of the loss of a generator that learns from pairs."""

    adversarial_weight: Weight = 1.0
    """Weight of the adversarial loss; 0: the discriminator is not trained."""
    l1_weight: Weight = 100.0
    """Weight of the L1 distance to the target."""


def augmented(key: Key, batch: Batch, size: int, mirror: bool) -> Fields:
    """Returns input and target in [-1, 1], cropped at one random place, the target to `size` pixels, and half of the pairs mirrored if
    wanted.
    """
    key_crop, key_flip = jax.random.split(key)
    scale = batch["target"].shape[1] // batch["input"].shape[1]

    def changed(images, unit):
        side = size * unit // scale
        images = to_float(random_crop(key_crop, images, side, side, unit))
        return flip(key_flip, images) if mirror else images

    return {"input": changed(batch["input"], 1), "target": changed(batch["target"], scale)}


def score(config: Any, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """Returns how far translations are from their targets."""
    return paired_score(source, config.score_samples, folder, mesh)


def sampling(config: Any, spec: Spec) -> Sampling:
    """Describes what `sample` takes and gives: images in, translations out."""
    return Sampling(
        lambda key, n: {},
        {"image": outputs.image()},
        conditions=("input",),
        truth=("target",),
        directions={"forward": ("input", "image")},
        followed=16,
    )
