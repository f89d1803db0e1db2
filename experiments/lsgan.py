"""LSGAN: least squares in place of cross-entropy.

Paper:    Mao et al. 2016, https://arxiv.org/abs/1611.04076
Command:  python experiments/lsgan.py                            (the preset demo: 32 px, embedded data, minutes on two cores)
          python experiments/lsgan.py train fashion_mnist --data FOLDER
          python experiments/lsgan.py sample RUN --seeds 0-63 --out grid.png
          python experiments/lsgan_stability.py --data FOLDER    (the paper's comparison of stability)
Hardware: demo and fashion_mnist are sized for CPUs, paper for an accelerator.
Scores:   see the table in README.md.
"""

import dataclasses
from pathlib import Path

import jax.numpy as jnp
import optax

from jgan import losses
from jgan.models import dcgan
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
    resolution: int = 112
    """Side of the images, pixels."""
    channels: int | None = None
    """Colour channels; as the data if not given."""
    kimg: float = 5_000.0
    """Length of the run, thousands of real images seen."""
    batch: int = 64
    """Real images per step, over all devices."""
    seed: int = 0
    """Seed of initialisation, data order and everything drawn."""
    microbatches: int = 1
    """Parts in which a batch is worked through, to save memory; batch norm is over a part."""
    width: int = 64
    """Features of the convolutions at half the resolution; doubled with further halvings, in the generator at most twice."""
    latent_size: int = 1024
    """Numbers in z, uniform on [-1, 1]."""
    targets: tuple[float, float, float] = (0.0, 1.0, 1.0)
    """What logits are pulled to: a of generated images, b of real ones, c of generated ones by the generator; -1 1 0 are the other choice
    of the paper, the Pearson divergence."""
    learning_rate: float = 1e-3
    """Of Adam (beta 0.5 and 0.999), for both players."""
    half: bool = False
    """Compute activations in bfloat16."""
    average_kimg: float = 0.0
    """Half-life of the generator's average, thousands of images; 0: the generator itself, as in the paper."""
    record_kimg: float = 1.0
    """Between two records of metrics, thousands of images."""
    sample_kimg: float = 100.0
    """Between two grids of samples, thousands of images."""
    checkpoint_kimg: float = 250.0
    """Between two checkpoints, thousands of images."""
    score_kimg: float = 250.0
    """Between two scores, thousands of images; 0: none."""
    score_samples: int = 5000
    """Generated images per score."""
    steps_per_call: int = 4
    """Steps per dispatch of the compiled program."""
    devices: int | None = None
    """Use only the first so many devices."""
    fsdp: bool = False
    """Shard large parameters and moments over the devices."""


_SMALL = Config(
    resolution=28, batch=64, width=32, latent_size=100, kimg=300, learning_rate=2e-4, sample_kimg=20, checkpoint_kimg=50, score_kimg=50
)
PRESETS = {
    "demo": dataclasses.replace(_SMALL, resolution=32, width=16, kimg=100, sample_kimg=10, checkpoint_kimg=25, score_kimg=25),
    "fashion_mnist": dataclasses.replace(_SMALL, data="tfds:fashion_mnist"),
    "paper": Config(data="tfds:lsun/bedroom"),
}


def make_generator(config: Config, shape: tuple[int, int, int]) -> Network:
    """Transposed convolutions with batch norm, two of them at the lower resolutions."""
    return dcgan.generator(dcgan.least_squares(shape, config.width), dtype=_dtype(config))


def build(config: Config, shape: tuple[int, int, int]) -> Training:
    """The ordinary game with the paper's loss and Adam."""
    adam = optax.adam(config.learning_rate, b1=0.5)
    return alternating(
        make_generator(config, shape),
        dcgan.discriminator(dcgan.least_squares(shape, config.width), dtype=_dtype(config)),
        losses.least_squares(*config.targets, scale=0.5),
        adam,
        adam,
        latent_size=config.latent_size,
        half_life=1000 * config.average_kimg,
        microbatches=config.microbatches,
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
    command_line.main("lsgan", PRESETS, train, description=__doc__, may_change=("kimg",), **COMMANDS)
