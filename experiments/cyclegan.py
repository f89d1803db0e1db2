"""CycleGAN: image translation learned from two sets of images without pairs.

Paper:    Zhu et al. 2017, https://arxiv.org/abs/1703.10593
Command:  python experiments/cyclegan.py                                     (the preset demo: outlines and shapes, embedded data)
          python experiments/cyclegan.py train fruit --data SET.zip          (with the folders trainA, trainB, testA, testB)
          python experiments/cyclegan.py train emoji --data pairs:PAIRS.zip  (the two sides of a paired set, the pairs unused)
          python experiments/cyclegan.py translate RUN FOLDER OUT --direction backward
Python:   import cyclegan                                                    (with experiments on the path)
          translate = cyclegan.load("runs/cyclegan-...", direction="backward")
          image = translate(image)                                           (uint8 [H, W, C] or [N, H, W, C], of any size)
Hardware: demo, fruit and emoji are sized for CPUs; horse2zebra, the paper's settings, for an accelerator.
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
from jgan.data import Source
from jgan.data.pairs import Pairs, open_domains, open_pairs
from jgan.models import patch, resnet_translation
from jgan.run import command_line, translation, translation_scores
from jgan.run.checkpoints import restore_best
from jgan.run.config import from_plain
from jgan.run.folder import Folder, read_config
from jgan.run.launch import chosen_settings, recall
from jgan.run.translation_runs import launch_domains
from jgan.training import Player, new_player, normalise, prefixed, update
from jgan.training.pool import Pool, exchange, new_pool
from jgan.types import Array, Network, Training


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run is made of."""

    data: str = "pairs:shapes"
    """A folder or archive with the folders trainA and trainB, or pairs:SET for the two sides of a paired set."""
    limit: int | None = None
    """Use at most so many images of each domain."""
    resolution: int = 64
    """Side of the images, pixels."""
    channels: int = 3
    """Colour channels."""
    jitter: int = 7
    """Images are opened so many pixels larger, and cropped at random."""
    flip: bool = True
    """Mirror half of the images."""
    kimg: float = 100.0
    """Length of the run, thousands of images of each domain; over its second half the learning rate falls to 0."""
    batch: int = 1
    """Images of each domain per step, over all devices."""
    seed: int = 0
    """Seed of initialisation, data order and everything drawn."""
    width: int = 64
    """Channels of the first layer of all networks."""
    blocks: int = 6
    """Residual blocks of a generator."""
    patch_layers: int = 4
    """Layers of a discriminator before its last: 4 for patches of 70 pixels, 3 for 34, 2 for 16."""
    cycle_weight: float = 10.0
    """Weight of the cycle's L1."""
    identity_weight: float = 5.0
    """Weight of the L1 between images of a domain and their translations to it."""
    pool: int = 50
    """Generated images kept for each discriminator."""
    learning_rate: float = 2e-4
    """Of Adam (beta 0.5 and 0.999), for all players."""
    half: bool = False
    """Compute in bfloat16."""
    record_kimg: float = 0.5
    """Between two records of metrics, thousands of images."""
    sample_kimg: float = 2.0
    """Between two grids of images, translations and ways back, thousands of images."""
    checkpoint_kimg: float = 5.0
    """Between two checkpoints, thousands of images."""
    score_kimg: float = 5.0
    """Between two scores, thousands of images; 0: none."""
    score_samples: int = 300
    """Translated training images per score."""
    steps_per_call: int = 4
    """Steps per dispatch of the compiled program."""
    devices: int | None = None
    """Use only the first so many devices."""
    fsdp: bool = False
    """Shard large parameters and moments over the devices."""


_SMALL = Config(width=16, blocks=3, patch_layers=3, kimg=8, record_kimg=0.2, sample_kimg=1, score_kimg=4, checkpoint_kimg=4)
PRESETS = {
    "demo": dataclasses.replace(_SMALL, resolution=32, jitter=0, kimg=6, blocks=2, flip=False, limit=1000),
    "fruit": dataclasses.replace(_SMALL, data="apples_oranges"),
    "emoji": dataclasses.replace(_SMALL, data="pairs:emoji"),
    # The paper's: 200 epochs of 939 horses, one at a time, 286 pixels cropped to 256.
    "horse2zebra": Config(
        "horse2zebra", resolution=256, jitter=30, kimg=187.8, blocks=9, score_kimg=20, checkpoint_kimg=20, sample_kimg=10
    ),
}


class State(NamedTuple):
    """Everything that a run carries from step to step. Parameters and pools go by direction, forward from A to B and backward."""

    step: Array  # int32
    generators: Player
    discriminators: Player  # the one of forward judges images of B
    pools: dict[str, Pool]


def make_networks(config: Config) -> tuple[Network, Network]:
    """A generator and a discriminator; both directions have such."""
    dtype = jnp.bfloat16 if config.half else jnp.float32
    generator = resnet_translation.residual_translator(config.channels, config.width, config.blocks, dtype)
    return generator, patch.patch_discriminator(patch.features_for(config.width, config.patch_layers), dtype=dtype)


def build(config: Config) -> Training:
    """The training algorithm. The batch has images of A as `image` and of B as `target`; `sample` translates inputs["image"]
    [N, H, W, C] to B, and if there is inputs["target"] too, shows images, translations and the ways back side by side, both ways."""
    (g, d), game = make_networks(config), losses.least_squares()
    total = max(1, round(1000 * config.kimg / config.batch))
    adam = optax.adam(optax.linear_schedule(config.learning_rate, 0.0, total - total // 2, total // 2), b1=0.5, b2=0.999)

    def translate(params, x):
        return g.apply(params, {}, x, train=True)[0]

    def judge(params, x):
        return d.apply(params, {}, x, train=True)[0]

    def one_way(there, back, critic, x, y):
        """The terms of the direction from x to y."""
        fake = translate(there, x)
        return {
            "adversarial": jnp.mean(game.generator(None, judge(critic, fake))),
            "cycle": jnp.mean(losses.cycle_consistency(x, translate(back, fake))),
            "identity": jnp.mean(losses.identity(y, translate(there, y))) if config.identity_weight else jnp.zeros(()),
        }

    def generator_loss(params, state, examples, critics):
        a, b, judges = examples["image"], examples["target"], critics.params
        forward = one_way(params["forward"], params["backward"], judges["forward"], a, b)
        backward = one_way(params["backward"], params["forward"], judges["backward"], b, a)
        terms = jax.tree.map(jnp.add, forward, backward)
        total = terms["adversarial"] + config.cycle_weight * terms["cycle"] + config.identity_weight * terms["identity"]
        return total, (state, prefixed("forward", forward) | prefixed("backward", backward))

    def discriminator_loss(params, state, examples):
        logits = {way: (judge(params[way], real), judge(params[way], fake)) for way, (real, fake) in examples.items()}
        total = sum(jnp.mean(game.discriminator(real, fake)) for real, fake in logits.values())
        return total / 2, (state, {f"{way}/real_logits": jnp.mean(real) for way, (real, _) in logits.items()})

    update_g, update_d = update(generator_loss, adam), update(discriminator_loss, adam)

    def init(key, batch):
        image = jnp.zeros((1, config.resolution, config.resolution, config.channels))
        keys = jax.random.split(key, 4)
        generators = {"forward": g.init(keys[0], image)[0], "backward": g.init(keys[1], image)[0]}
        critics = {"forward": d.init(keys[2], image)[0], "backward": d.init(keys[3], image)[0]}
        pools = {way: new_pool(config.pool, image.shape[1:]) for way in generators}
        return State(jnp.zeros((), jnp.int32), new_player(generators, {}, adam), new_player(critics, {}, adam), pools)

    def step(state, batch, key):
        keys = jax.random.split(jax.random.fold_in(key, state.step), 4)
        examples = {name: augmented(config, k, batch[name]) for k, name in zip(keys, ("image", "target"), strict=False)}
        players, metrics_g = update_g(state.generators, examples, state.discriminators)
        judged, pools = {}, {}
        for k, way, source, real in ((keys[2], "forward", "image", "target"), (keys[3], "backward", "target", "image")):
            fake, pools[way] = exchange(k, state.pools[way], translate(state.generators.params[way], examples[source]))
            judged[way] = examples[real], fake
        critics, metrics_d = update_d(state.discriminators, judged)
        return State(state.step + 1, players, critics, pools), prefixed("generator", metrics_g) | prefixed("discriminator", metrics_d)

    def sample(state, key, inputs):
        forward, backward = (partial(translate, state.generators.params[way]) for way in ("forward", "backward"))
        there = forward(inputs["image"])
        if "target" not in inputs:
            return there
        back = backward(inputs["target"])
        return jnp.concatenate([inputs["image"], there, backward(there), inputs["target"], back, forward(back)], axis=2)

    return Training(init, step, sample)


def augmented(config: Config, key: Array, images: Array) -> Array:
    """Images in [-1, 1], cropped and mirrored at random."""
    key_crop, key_flip = jax.random.split(key)
    images = normalise(random_crop(key_crop, images, config.resolution, config.resolution))
    return flip(key_flip, images) if config.flip else images


def open_data(config: Config, split: str = "train", jitter: int = 0) -> tuple[Source, Source]:
    """The two domains of a configuration, images larger by so many pixels."""
    size, limit = config.resolution + jitter, config.limit if split == "train" else None
    return open_domains(config.data, resolution=size, channels=config.channels, split=split, limit=limit)


def train(folder: Folder, config: Config) -> None:
    """Trains on the two domains of the configuration, into the folder."""
    launch_domains(folder, build(config), open_data(config), open_data(config, jitter=config.jitter), **chosen_settings(config))


def load(run: str | Path, step: int | None = None, direction: str = "forward") -> translation.Translator:
    """A generator of a run: of the best checkpoint by score, of the latest if there is no score, or of a given step."""
    if direction not in ("forward", "backward"):
        raise ValueError(f"expected the direction forward (A to B) or backward, found {direction!r}")
    config, (shape, _) = from_plain(Config, read_config(run)), recall(run)
    params = jax.eval_shape(build(config).init, jax.random.key(0), None).generators.params[direction]
    part = restore_best(run, step, {"generators": {"params": {direction: params}}})["generators"]["params"][direction]
    sizes = resnet_translation.MULTIPLE, resnet_translation.SMALLEST
    return translation.Translator(make_networks(config)[0], part, {}, shape, *sizes)


def data_of(run: Path, split: str) -> tuple[Source, Source]:
    """The domains of a run, or another part of them."""
    return open_data(from_plain(Config, read_config(run)), split)


def pairs_of(run: Path, split: str) -> Pairs:
    """The pairs whose two sides a run was trained on."""
    config = from_plain(Config, read_config(run))
    if not config.data.startswith("pairs:"):
        raise ValueError(f"expected a run on pairs:SET, found one on {config.data}, whose images have no true translations")
    return open_pairs(config.data.removeprefix("pairs:"), resolution=config.resolution, channels=config.channels, split=split)


COMMANDS = translation.commands(load, partial(translation_scores.evaluate_domains, load, data_of))
COMMANDS["evaluate_pairs"] = partial(translation_scores.evaluate_pairs, load, pairs_of)

if __name__ == "__main__":
    command_line.main("cyclegan", PRESETS, train, description=__doc__, may_change=(), **COMMANDS)
