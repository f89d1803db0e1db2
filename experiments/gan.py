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

import jax.numpy as jnp
import optax

from jgan import losses
from jgan.models import perceptrons
from jgan.run import command_line, noise, noise_runs
from jgan.run.folder import Folder
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
    half: bool = False
    """Compute activations in bfloat16."""
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
    return perceptrons.generator(shape, (config.hidden,) * 2, dtype=_dtype(config))


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
        perceptrons.discriminator((config.units,) * 2, config.pieces, config.input_dropout, config.dropout, dtype=_dtype(config)),
        GAMES[config.game],
        make_optimizer(config),
        make_optimizer(config),
        latent_size=config.latent_size,
        half_life=1000 * config.average_kimg,
    )


def _dtype(config):
    return jnp.bfloat16 if config.half else jnp.float32


def train(folder: Folder, config: Config) -> None:
    """Trains on the data of the configuration, into the folder."""
    noise_runs.train(folder, config, build)


def load(run: str | Path, step: int | None = None) -> noise.Trained:
    """The generator of a run: of the best checkpoint by score, of the latest if there is no score, or of a given step."""
    return noise_runs.load(run, step, Config, make_generator, build)


COMMANDS = noise_runs.commands(Config, load)

if __name__ == "__main__":
    command_line.main("gan", PRESETS, train, description=__doc__, may_change=("kimg",), **COMMANDS)
