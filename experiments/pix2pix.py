"""pix2pix: image translation learned from pairs.

Paper:    Isola et al. 2016, https://arxiv.org/abs/1611.07004
Command:  python experiments/pix2pix.py                                      (the preset demo: outlines to shapes, embedded data)
          python experiments/pix2pix.py train emoji --data PAIRS.zip         (two images side by side in each file, or two folders)
          python experiments/pix2pix.py train nuclei --data PAIRS.zip --reverse
          python experiments/pix2pix.py translate RUN FOLDER OUT             (images of any size)
Python:   import pix2pix                                                     (with experiments on the path)
          translate = pix2pix.load("runs/pix2pix-...")
          image = translate(image)                                           (uint8 [H, W, C] or [N, H, W, C])
Hardware: demo, emoji and nuclei are sized for CPUs; facades, the paper's settings, for an accelerator.
Scores:   see the table in README.md.
"""

import dataclasses
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan import losses
from jgan.augment import flip
from jgan.augment.crop import random_crop
from jgan.data.pairs import Pairs, open_pairs
from jgan.models import patch, unet
from jgan.run import command_line, translation, translation_scores
from jgan.run.checkpoints import restore_best
from jgan.run.config import from_plain
from jgan.run.folder import Folder, read_config
from jgan.run.launch import chosen_settings, recall
from jgan.run.translation_runs import launch_pairs
from jgan.training import Player, new_player, normalise, prefixed, update
from jgan.types import Array, Network, Training


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run is made of."""

    data: str = "shapes"
    """Pairs: shapes (embedded), or a folder or archive of images side by side, or of two folders with files of the same names."""
    reverse: bool = False
    """From right to left, or from the second folder to the first."""
    limit: int | None = None
    """Use at most so many pairs."""
    resolution: int = 64
    """Side of the images, pixels."""
    channels: int = 3
    """Colour channels of both images."""
    jitter: int = 7
    """Images are opened so many pixels larger, and cropped at random."""
    flip: bool = True
    """Mirror half of the pairs."""
    kimg: float = 100.0
    """Length of the run, thousands of pairs seen."""
    batch: int = 4
    """Pairs per step, over all devices."""
    seed: int = 0
    """Seed of initialisation, data order and everything drawn."""
    width: int = 64
    """Channels of the first layer of both networks."""
    patch_layers: int = 4
    """Layers of the discriminator before its last: 4 for patches of 70 pixels, 3 for 34, 2 for 16."""
    adversarial_weight: float = 1.0
    """Weight of the adversarial loss; 0: there is no discriminator."""
    l1_weight: float = 100.0
    """Weight of the L1 distance to the target."""
    learning_rate: float = 2e-4
    """Of Adam (beta 0.5 and 0.999), for both players."""
    half: bool = False
    """Compute in bfloat16."""
    record_kimg: float = 1.0
    """Between two records of metrics, thousands of pairs."""
    sample_kimg: float = 10.0
    """Between two grids of inputs, translations and targets, thousands of pairs."""
    checkpoint_kimg: float = 10.0
    """Between two checkpoints, thousands of pairs."""
    score_kimg: float = 10.0
    """Between two scores, thousands of pairs; 0: none."""
    score_samples: int = 128
    """Training pairs per score."""
    steps_per_call: int = 4
    """Steps per dispatch of the compiled program."""
    devices: int | None = None
    """Use only the first so many devices."""
    fsdp: bool = False
    """Shard large parameters and moments over the devices."""


_SMALL = Config(batch=2, width=16, patch_layers=3, record_kimg=0.4, sample_kimg=2, score_kimg=4, checkpoint_kimg=4)
_EMOJI = dataclasses.replace(_SMALL, data="emoji", kimg=20)
PRESETS = {
    "demo": dataclasses.replace(_SMALL, resolution=32, jitter=0, kimg=10, batch=8, sample_kimg=2),
    "emoji": _EMOJI,
    "emoji_l1": dataclasses.replace(_EMOJI, adversarial_weight=0.0),
    "emoji_adversarial": dataclasses.replace(_EMOJI, l1_weight=0.0),
    "nuclei": dataclasses.replace(_SMALL, data="nuclei", kimg=8),
    # The paper's: 200 epochs of 400 facades, one at a time, 286 pixels cropped to 256.
    "facades": Config("facades", resolution=256, jitter=30, kimg=80, batch=1, score_kimg=20, checkpoint_kimg=20),
}


class State(NamedTuple):
    """Everything that a run carries from step to step."""

    step: Array  # int32
    generator: Player
    discriminator: Player


def make_networks(config: Config) -> tuple[Network, Network]:
    """The generator, and the discriminator of input and output joined along the channels."""
    dtype = jnp.bfloat16 if config.half else jnp.float32
    generator = unet.unet(config.channels, unet.features_for(config.resolution, config.width), dtype=dtype)
    return generator, patch.patch_discriminator(patch.features_for(config.width, config.patch_layers), dtype=dtype)


def build(config: Config) -> Training:
    """The training algorithm. The batch has both images, larger by the jitter; `sample` translates inputs["image"] [N, H, W, C], and if
    there is inputs["target"] too, puts input, translation and target side by side."""
    g, d = make_networks(config)
    game, adam = losses.non_saturating(), optax.adam(config.learning_rate, b1=0.5, b2=0.999)

    def judge(params, state, x, y):
        return d.apply(params, state, jnp.concatenate([x, y], axis=3))[0]

    def generator_loss(params, state, examples, opponent, key):
        fake, state = g.apply(params, state, examples["image"], key=key, train=True)
        l1 = jnp.mean(losses.pixel_l1(examples["target"], fake))
        if not config.adversarial_weight:
            return config.l1_weight * l1, (state, {"l1": l1})
        logits = judge(opponent.params, opponent.state, examples["image"], fake)
        adversarial = jnp.mean(game.generator(None, logits))
        return config.adversarial_weight * adversarial + config.l1_weight * l1, (state, {"l1": l1, "adversarial": adversarial})

    def discriminator_loss(params, state, examples, opponent, key):
        fake, _ = g.apply(opponent.params, opponent.state, examples["image"], key=key, train=True)
        real_logits = judge(params, state, examples["image"], examples["target"])
        fake_logits = judge(params, state, examples["image"], fake)
        metrics = {"real_logits": jnp.mean(real_logits), "fake_logits": jnp.mean(fake_logits)}
        return jnp.mean(game.discriminator(real_logits, fake_logits)) / 2, (state, metrics)  # section 3.3: halved, to slow it down

    update_g, update_d = update(generator_loss, adam), update(discriminator_loss, adam)

    def init(key, batch):
        key_g, key_d = jax.random.split(key)
        image = jnp.zeros((1, config.resolution, config.resolution, config.channels))
        pair = jnp.concatenate([image, image], axis=3)
        return State(jnp.zeros((), jnp.int32), new_player(*g.init(key_g, image), adam), new_player(*d.init(key_d, pair), adam))

    def step(state, batch, key):
        keys = jax.random.split(jax.random.fold_in(key, state.step), 4)
        examples, critic, metrics = augmented(config, keys[:2], batch), state.discriminator, {}
        if config.adversarial_weight:
            critic, found = update_d(critic, examples, state.generator, keys[2])
            metrics = prefixed("discriminator", found)
        player, found = update_g(state.generator, examples, critic, keys[3])
        return State(state.step + 1, player, critic), metrics | prefixed("generator", found)

    def sample(state, key, inputs):
        fake, _ = g.apply(state.generator.params, state.generator.state, inputs["image"], key=key)
        return jnp.concatenate([inputs["image"], fake, inputs["target"]], axis=2) if "target" in inputs else fake

    return Training(init, step, sample)


def augmented(config: Config, keys: Array, batch: dict[str, Array]) -> dict[str, Array]:
    """Both images in [-1, 1], cropped and mirrored alike."""
    both = jnp.concatenate([batch["image"], batch["target"]], axis=3)
    both = normalise(random_crop(keys[0], both, config.resolution, config.resolution))
    both = flip(keys[1], both) if config.flip else both
    return {"image": both[..., : config.channels], "target": both[..., config.channels :]}


def open_data(config: Config, split: str = "train", jitter: int = 0) -> Pairs:
    """The pairs of a configuration, each image larger by so many pixels."""
    size, limit = config.resolution + jitter, config.limit if split == "train" else None
    return open_pairs(config.data, resolution=size, channels=config.channels, split=split, limit=limit, reverse=config.reverse)


def train(folder: Folder, config: Config) -> None:
    """Trains on the pairs of the configuration, into the folder."""
    launch_pairs(folder, build(config), open_data(config), open_data(config, jitter=config.jitter), **chosen_settings(config))


def load(run: str | Path, step: int | None = None, direction: str = "forward") -> translation.Translator:
    """The generator of a run: of the best checkpoint by score, of the latest if there is no score, or of a given step."""
    if direction != "forward":
        raise ValueError(f"expected the direction forward, found {direction!r}: train with --reverse for the other one")
    config, (shape, _) = from_plain(Config, read_config(run)), recall(run)
    player = jax.eval_shape(build(config).init, jax.random.key(0), None).generator
    part = restore_best(run, step, {"generator": {"params": player.params, "state": player.state}})["generator"]
    multiple = 2 ** len(unet.features_for(config.resolution))
    return translation.Translator(make_networks(config)[0], part["params"], part["state"], shape, multiple)


def data_of(run: Path, split: str) -> Pairs:
    """The pairs of a run, or another part of them."""
    return open_data(from_plain(Config, read_config(run)), split)


COMMANDS = translation.commands(load, partial(translation_scores.evaluate_pairs, load, data_of))

if __name__ == "__main__":
    command_line.main("pix2pix", PRESETS, train, description=__doc__, may_change=("kimg",), **COMMANDS)
