"""The first generative adversarial network: two perceptrons.

Paper:    Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661
Command:  python experiments/gan.py                              (the preset demo: embedded data, minutes on two cores)
          python experiments/gan.py train fashion_mnist --data FOLDER
          python experiments/gan.py sample RUN --seeds 0-63 --out grid.png
Hardware: two CPU cores.
Scores:   see the table in README.md.
"""

import dataclasses
from pathlib import Path
from typing import Literal

import optax

from jgan import losses
from jgan.data import Source, open_source
from jgan.models import perceptrons
from jgan.run import command_line, draw_commands, noise
from jgan.run.config import from_plain
from jgan.run.folder import Folder, read_config
from jgan.run.launch import launch, recall
from jgan.training import alternating
from jgan.types import Network, Training


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run is made of."""

    data: str = "shapes"
    """Images: shapes (embedded), tfds:NAME, or the path of a folder, zip, tar, npz or folder of idx files."""
    split: str = "train"
    """Part of the data to train on."""
    limit: int | None = None
    """Use at most so many images."""
    resolution: int = 28
    """Side of the images, pixels."""
    channels: int | None = None
    """Colour channels; as the data if not given."""
    kimg: float = 400.0
    """Length of the run, thousands of real images seen."""
    batch: int = 100
    """Real images per step, over all devices."""
    seed: int = 0
    """Seed of initialisation, data order and everything drawn."""
    latent_size: int = 100
    """Numbers in z."""
    hidden: int = 1200
    """Units in each of the two hidden layers of the generator."""
    units: int = 240
    """Maxout units in each of the two hidden layers of the discriminator."""
    pieces: int = 5
    """Linear functions per maxout unit."""
    input_dropout: float = 0.2
    """Share of the pixels that the discriminator does not see."""
    dropout: float = 0.5
    """Share of its units that are left out."""
    game: Literal["non_saturating", "minimax"] = "non_saturating"
    """What the generator minimises: -log D(G(z)), or log(1 - D(G(z)))."""
    optimizer: Literal["adam", "momentum"] = "adam"
    """Of both players; momentum rises from 0.5 to 0.7, with a learning rate that decays, as in the paper."""
    learning_rate: float = 2e-4
    """Of the optimizer, at first."""
    average_kimg: float = 0.0
    """Half-life of the generator's average, thousands of images; 0: the generator itself, as in the paper."""
    record_kimg: float = 1.0
    """Between two records of metrics, thousands of images."""
    sample_kimg: float = 20.0
    """Between two grids of samples, thousands of images."""
    checkpoint_kimg: float = 50.0
    """Between two checkpoints, thousands of images."""
    score_kimg: float = 50.0
    """Between two scores, thousands of images; 0: none."""
    score_samples: int = 5000
    """Generated images per score."""
    steps_per_call: int = 4
    """Steps per dispatch of the compiled program."""
    devices: int | None = None
    """Use only the first so many devices."""
    fsdp: bool = False
    """Shard large parameters and moments over the devices."""


PRESETS = {
    "demo": Config(hidden=256, units=64, kimg=200, sample_kimg=20, score_samples=2000),
    "fashion_mnist": Config(data="tfds:fashion_mnist", hidden=512, units=128, kimg=400, checkpoint_kimg=100, score_kimg=100),
    "paper": Config(data="tfds:mnist", kimg=60_000, optimizer="momentum", learning_rate=0.1, sample_kimg=1000, checkpoint_kimg=3000,
                    score_kimg=3000, record_kimg=20),
}  # fmt: skip
GAMES = {"non_saturating": losses.non_saturating(), "minimax": losses.minimax()}


def make_generator(config: Config, shape: tuple[int, int, int]) -> Network:
    """Rectifiers, then a sigmoid."""
    return perceptrons.generator(shape, (config.hidden,) * 2)


def make_optimizer(config: Config) -> optax.GradientTransformation:
    """Adam, or gradient descent with momentum: rate / 1.000004^step, momentum from 0.5 to 0.7 in 250 epochs of 600 batches."""
    if config.optimizer == "adam":
        return optax.adam(config.learning_rate, b1=0.5)
    rate = optax.exponential_decay(config.learning_rate, 1, 1 / 1.000004, end_value=1e-6)
    return optax.inject_hyperparams(optax.sgd)(learning_rate=rate, momentum=optax.linear_schedule(0.5, 0.7, 250 * 600))


def build(config: Config, shape: tuple[int, int, int]) -> Training:
    """Algorithm 1 of the paper with one step of the discriminator per step of the generator, as in its experiments."""
    return alternating(
        make_generator(config, shape),
        perceptrons.discriminator((config.units,) * 2, config.pieces, config.input_dropout, config.dropout),
        GAMES[config.game],
        make_optimizer(config),
        make_optimizer(config),
        latent_size=config.latent_size,
        half_life=1000 * config.average_kimg,
    )


def open_data(config: Config, split: str | None = None) -> Source:
    """The images of a configuration, or another part of them, with labels if there are any: the classifier of the score learns them."""
    chosen = split or config.split
    return open_source(config.data, resolution=config.resolution, channels=config.channels, split=chosen, limit=config.limit, labels=None)


def train(folder: Folder, config: Config) -> None:
    """Trains on the data of the configuration, into the folder."""
    source = open_data(config)
    names = ("batch", "seed", "steps_per_call", "devices", "fsdp", "score_samples")
    durations = ("kimg", "record_kimg", "sample_kimg", "checkpoint_kimg", "score_kimg")
    settings = {name: getattr(config, name) for name in names + durations}
    launch(folder, build(config, source.shape), source, **noise.inputs(config.seed, config.latent_size), **settings)


def load(run: str | Path, step: int | None = None) -> noise.Trained:
    """The generator of a run: of the best checkpoint by score, of the latest if there is no score, or of a given step."""
    config, (shape, _) = from_plain(Config, read_config(run)), recall(run)
    params, state = noise.restore(run, step, build(config, shape), config.batch)
    return noise.Trained(make_generator(config, shape), params, state, config.latent_size, shape)


COMMANDS = draw_commands.commands(load, lambda run, split: open_data(from_plain(Config, read_config(run)), split))

if __name__ == "__main__":
    command_line.main("gan", PRESETS, train, description=__doc__, may_change=("kimg",), **COMMANDS)
