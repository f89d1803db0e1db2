"""DAGAN: of one image of a class that was never seen, further ones.

It learns from pairs of images of one class; classes can be held out, to see what it does with those.

Paper: Antoniou, Storkey, Edwards 2017, https://arxiv.org/abs/1711.04340
"""

import dataclasses
from pathlib import Path
from typing import Literal

import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from jgan import commands, losses, outputs, penalties
from jgan.augment import symmetry
from jgan.commands.translate import translate
from jgan.data import combine
from jgan.data.classmates import classmates, open_nested, rows_of
from jgan.data.settings import ReadingSettings, place
from jgan.data.source import Source
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.score import Score, frechet_score
from jgan.models import dagan
from jgan.ranges import Channels, Count, Kimg, KimgOrZero, Rate, Several, ShareBelowOne, Size, Weight
from jgan.run.sampling import latent_inputs
from jgan.run.settings import Settings, changeable
from jgan.run.system import Sampling, System
from jgan.training import alternating, changed_batches
from jgan.types import Penalty, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings, ReadingSettings):
    """What a run is made of."""

    data: str = place("shapes")
    """Images in classes: shapes (embedded), tfds:NAME, or a folder or archive whose innermost folders are the classes."""
    held_out: str = "star,moon"
    """Classes that are not learned, or folders of classes, separated by commas; they are the split test."""
    limit: Count | None = None
    """Maximum number of images."""
    resolution: Size = 32
    """Side of the images, pixels."""
    channels: Channels | None = 1
    """Colour channels; as the data if not given."""
    partners: Count = 19
    """Images of its class with which each is paired."""
    kimg: Kimg = 100.0
    """Length of the run, thousands of pairs seen, over the last half of which the learning rate falls to 0."""
    batch: Count = 8
    """Pairs per step, over all devices and all updates of the discriminator."""
    features: Size = 16
    """Of the convolutions at the full resolution; doubled with every halving, at most twice."""
    latent_size: Size = 32
    """Numbers in z."""
    dropout: ShareBelowOne = 0.0
    """Of the decoder, in training."""
    loss: Literal["logistic", "wasserstein"] = "logistic"
    """Non-saturating with R1, or Wasserstein with a penalty of gradients off 1, as in the paper."""
    penalty_weight: Weight = 1.0
    """Of the penalty of the gradient, at every update of the discriminator."""
    symmetries: bool = False
    """Turn both images of a pair alike, by quarters, and mirror them: there are eight times as many classes, if they are letters."""
    mismatched: bool = False
    """The discriminator is also shown real pairs of different classes, as fakes."""
    discriminator_steps: Count = 1
    """Updates of the discriminator per step, each on an equal part of the batch."""
    learning_rate: Rate = 2e-4
    """Of Adam, for both players; falls to 0 over the second half of the run."""
    beta1: ShareBelowOne = 0.5
    """Of Adam."""
    beta2: ShareBelowOne = 0.99
    """Of Adam."""
    average_kimg: KimgOrZero = 2.0
    """Half-life of the generator's average, thousands of pairs."""
    microbatches: Count = changeable(1, "batch norm is over other parts")
    """Parts in which a batch is worked through, to save memory; batch norm is over a part."""
    score_samples: Several = changeable(1_000)
    """Generated images per score."""


_LETTERS = Config(data="OMNIGLOT", held_out="Korean", symmetries=True)
PRESETS = {
    "demo": Config(limit=1_000, partners=4, kimg=20),
    "letters": dataclasses.replace(_LETTERS, kimg=75, mismatched=True, score_kimg=25, checkpoint_kimg=25, sample_kimg=12.5),
    # The paper's loss, optimizer, dropout and size of noise; 5 updates of the discriminator, each on 32 pairs.
    "letters_accelerator": dataclasses.replace(
        _LETTERS,
        kimg=16_000,
        batch=160,
        features=64,
        latent_size=100,
        dropout=0.5,
        loss="wasserstein",
        penalty_weight=10.0,
        discriminator_steps=5,
        learning_rate=1e-4,
        beta1=0.0,
        beta2=0.9,
        average_kimg=20,
        sample_kimg=500,
        score_kimg=1_000,
        checkpoint_kimg=1_000,
        record_kimg=50,
    ),
}


def build(config: Config, spec: Spec) -> Training:
    """Returns alternating steps on pairs: the batch has `input`, which both players are given, and `target`, another image of its class.

    Raises:
      ValueError: if the images cannot be halved twice, or their batch does not divide into the updates of the discriminator.
    """
    steps = max(2, round(1000 * config.kimg) // config.batch)
    shape = spec.shape("input")
    if config.loss == "wasserstein":
        loss, penalty = losses.wasserstein(), Penalty(penalties.gradient_penalty, config.penalty_weight)
    else:
        loss, penalty = losses.non_saturating(), penalties.on_real(penalties.r1, config.penalty_weight)
    training = alternating(
        dagan.generator(shape, config.features, config.dropout),
        dagan.discriminator(shape, config.features),
        losses.matching_aware(loss) if config.mismatched else loss,
        _adam(config, steps),
        _adam(config, steps * config.discriminator_steps),
        latent_size=config.latent_size,
        field="target",
        condition="input",
        penalties=[penalty],
        discriminator_steps=config.discriminator_steps,
        half_life=1000 * config.average_kimg,
        microbatches=config.microbatches,
    )

    def sample(state, key, inputs):
        return {"image": training.sample(state, key, inputs)["target"]}

    named = training._replace(sample=sample)
    return changed_batches(named, _turned) if config.symmetries else named


def _turned(batch, key):
    pair = symmetry(key, jnp.concatenate([batch["input"], batch["target"]], axis=3))
    return batch | dict(zip(("input", "target"), jnp.split(pair, 2, axis=3), strict=True))


def _adam(config, updates):
    """Its rate falls to 0 over the second half of the updates."""
    rate = optax.linear_schedule(config.learning_rate, 0.0, updates - updates // 2, updates // 2)
    return optax.adam(rate, config.beta1, config.beta2)


def open_letters(config: Config, split: str | None = None) -> Source:
    """Returns the images that are learned, with their classes, or, as the split test, those of the classes that are held out.

    Raises:
      ValueError: for another split, or classes that there are not.
    """
    if split not in (None, "train", "test"):
        raise ValueError(f"expected the split train, or test for the classes that are held out, found {split}")
    source = open_nested(
        config.data,
        resolution=config.resolution,
        channels=config.channels,
        limit=config.limit,
        bit_depth=config.bit_depth,
        max_unpacked=config.max_unpacked,
    )
    chosen = rows_of(source, config.held_out.split(",")) == (split == "test")
    return combine.subset(source, np.flatnonzero(chosen))


def open_data(config: Config, split: str | None = None) -> Source:
    """Returns pairs of `open_letters`."""
    return classmates(open_letters(config, split), config.partners)


def score(config: Config, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """Returns the Fréchet distance of variants to the images that are learned, in the features of a classifier of their classes."""
    letters = open_letters(config)
    return frechet_score(classifier_features(letters, folder), letters, folder, conditions=source, samples=config.score_samples, mesh=mesh)


def sampling(config: Config, spec: Spec) -> Sampling:
    """Takes latents and images in, other images of their classes out."""
    return Sampling(
        latent_inputs(config.latent_size),
        {"image": outputs.image()},
        conditions=("input",),
        directions={"forward": ("input", "image")},
        followed=16,
    )


SYSTEM = System(
    "dagan",
    Config,
    PRESETS,
    open_data,
    build,
    sampling,
    score,
    commands={**commands.ANY, "translate": translate},
    description=__doc__ or "",
)
