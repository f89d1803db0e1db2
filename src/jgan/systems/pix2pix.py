"""pix2pix: image translation learned from pairs.

Paper: Isola et al. 2016, https://arxiv.org/abs/1611.07004
"""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh

from jgan import commands, losses, outputs
from jgan.augment import flip
from jgan.augment.crop import random_crop
from jgan.data import open_pairs
from jgan.data.settings import ReadingSettings, place
from jgan.data.source import Source
from jgan.evaluation.paired import paired_score
from jgan.evaluation.score import Score
from jgan.models import patch, unet
from jgan.models.any_size import any_size
from jgan.ops.images import to_float
from jgan.ranges import Channels, Count, Kimg, KimgOrZero, Layers, Rate, Several, Size, SizeOrZero, Weight
from jgan.run.settings import Settings, changeable
from jgan.run.system import Sampling, System
from jgan.training import Player, new_player, prefixed, update
from jgan.types import Array, Network, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings, ReadingSettings):
    """What a run is made of."""

    data: str = place("shapes")
    """Pairs: shapes (embedded), or a folder or archive of images side by side, or of two folders with files of the same names."""
    reverse: bool = False
    """From right to left, or from the second folder to the first."""
    limit: Count | None = None
    """Maximum number of pairs."""
    resolution: Size = 64
    """Side of the images, pixels."""
    channels: Channels = 3
    """Colour channels of both images."""
    jitter: SizeOrZero = 7
    """Images are opened larger by so many pixels, and cropped at random."""
    flip: bool = True
    """Mirror half of the pairs."""
    batch: Count = 4
    """Pairs per step, over all devices."""
    features: Size = 64
    """Of the first layer of both networks."""
    patch_layers: Layers = 4
    """Layers of the discriminator before its last: 4 for patches of 70 pixels, 3 for 34, 2 for 16."""
    adversarial_weight: Weight = 1.0
    """Weight of the adversarial loss; 0: there is no discriminator."""
    l1_weight: Weight = 100.0
    """Weight of the L1 distance to the target."""
    learning_rate: Rate = 2e-4
    """Of Adam (beta 0.5 and 0.999), for both players."""
    half: bool = False
    """Compute in bfloat16."""
    checkpoint_kimg: Kimg = changeable(10.0)
    """Between two checkpoints, thousands of pairs."""
    score_kimg: KimgOrZero = changeable(10.0)
    """Between two scores, thousands of pairs; 0: none."""
    score_samples: Several = changeable(128)
    """Training pairs per score."""


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


class State(NamedTuple):
    """Everything that a run carries from step to step."""

    step: Array  # int32
    generator: Player
    discriminator: Player


def make_networks(config: Config) -> tuple[Network, Network]:
    """The generator, and the discriminator of input and output joined along the channels."""
    dtype = jnp.bfloat16 if config.half else jnp.float32
    widths = unet.features_for(config.resolution, config.features)
    generator = any_size(unet.unet(config.channels, widths, dtype=dtype), multiple=2 ** len(widths))
    return generator, patch.patch_discriminator(patch.features_for(config.features, config.patch_layers), dtype=dtype)


def build(config: Config, spec: Spec) -> Training:
    """The training algorithm. The batch has `input` and `target`, larger by the jitter; `sample` translates `input` [N, H, W, C]."""
    g, d = make_networks(config)
    loss, adam = losses.non_saturating(), optax.adam(config.learning_rate, b1=0.5, b2=0.999)

    def discriminate(params, state, x, y):
        return d.apply(params, state, jnp.concatenate([x, y], axis=3))[0]

    def generator_loss(params, state, examples, other, key):
        fake, state = g.apply(params, state, examples["input"], key=key, train=True)
        l1 = jnp.mean(losses.pixel_l1(examples["target"], fake))
        if not config.adversarial_weight:
            return config.l1_weight * l1, (state, {"l1": l1})
        logits = discriminate(other.params, other.state, examples["input"], fake)
        adversarial = jnp.mean(loss.generator(None, logits))
        return config.adversarial_weight * adversarial + config.l1_weight * l1, (state, {"l1": l1, "adversarial": adversarial})

    def discriminator_loss(params, state, examples, other, key):
        fake, _ = g.apply(other.params, other.state, examples["input"], key=key, train=True)
        real_logits = discriminate(params, state, examples["input"], examples["target"])
        fake_logits = discriminate(params, state, examples["input"], fake)
        metrics = {"real_logits": jnp.mean(real_logits), "fake_logits": jnp.mean(fake_logits)}
        return jnp.mean(loss.discriminator(real_logits, fake_logits)) / 2, (state, metrics)  # section 3.3: halved, to slow it down

    update_g, update_d = update(generator_loss, adam), update(discriminator_loss, adam)

    def init(key, batch):
        key_g, key_d = jax.random.split(key)
        image = jnp.zeros((1, config.resolution, config.resolution, config.channels))
        pair = jnp.concatenate([image, image], axis=3)
        return State(jnp.zeros((), jnp.int32), new_player(*g.init(key_g, image), adam), new_player(*d.init(key_d, pair), adam))

    def step(state, batch, key):
        keys = jax.random.split(jax.random.fold_in(key, state.step), 4)
        examples, discriminator, metrics = augmented(config, keys[:2], batch), state.discriminator, {}
        if config.adversarial_weight:
            discriminator, found = update_d(discriminator, examples, state.generator, keys[2])
            metrics = prefixed("discriminator", found)
        player, found = update_g(state.generator, examples, discriminator, keys[3])
        return State(state.step + 1, player, discriminator), metrics | prefixed("generator", found)

    def sample(state, key, inputs):
        fake, _ = g.apply(state.generator.params, state.generator.state, to_float(inputs["input"]), key=key)
        return {"image": fake}

    return Training(init, step, sample)


def augmented(config: Config, keys: Array, batch: dict[str, Array]) -> dict[str, Array]:
    """Both images in [-1, 1], cropped and mirrored alike."""
    both = jnp.concatenate([batch["input"], batch["target"]], axis=3)
    both = to_float(random_crop(keys[0], both, config.resolution, config.resolution))
    both = flip(keys[1], both) if config.flip else both
    return {"input": both[..., : config.channels], "target": both[..., config.channels :]}


def open_data(config: Config, split: str | None = None, jitter: int = 0) -> Source:
    """The pairs of a configuration, each image larger by so many pixels."""
    size, limit = config.resolution + jitter, config.limit if split in (None, "train") else None
    return open_pairs(
        config.data,
        resolution=size,
        channels=config.channels,
        split=split or "train",
        limit=limit,
        reverse=config.reverse,
        bit_depth=config.bit_depth,
        max_unpacked=config.max_unpacked,
    )


def training_data(config: Config) -> Source:
    """The pairs larger by the jitter, to be cropped at random."""
    return open_data(config, jitter=config.jitter)


def score(config: Config, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """How far translations are from their targets."""
    return paired_score(source, config.score_samples, folder, mesh)


def sampling(config: Config, spec: Spec) -> Sampling:
    """Images in, translations out."""
    return Sampling(
        lambda key, n: {},
        {"image": outputs.image()},
        conditions=("input",),
        truth=("target",),
        directions={"forward": ("input", "image")},
        followed=16,
    )


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
