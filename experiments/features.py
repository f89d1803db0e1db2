"""A feature space of one's own: a classifier trained on the data at hand, in which distances can be taken offline.

Papers:   features of a classifier: Heusel et al. 2017, https://arxiv.org/abs/1706.08500; rotations where there are no labels: Gidaris
          et al. 2018, https://arxiv.org/abs/1803.07728
Command:  python experiments/features.py --data FOLDER_OR_ZIP --resolution 64 --steps 2000
          python -m jgan.metrics frechet_distance A B      (trains one on A by itself, with 400 steps)
Hardware: a minute or two on a CPU.
Scores:   the accuracy on held-out images, which is printed and is part of the protocol of every number taken in these features.
"""

import dataclasses
from pathlib import Path

import tyro

from jgan.data import open_source
from jgan.metrics.weights import cache_folder
from jgan.run import command_line
from jgan.run.features import classifier_features


@dataclasses.dataclass(frozen=True)
class Config:
    """What a feature space is made of."""

    data: str = "shapes"
    """Images: shapes (embedded), tfds:NAME, or the path of a folder, zip, tar, npz or folder of idx files."""
    split: str = "train"
    """Part of the data to train on; a tenth of it is held out."""
    resolution: int | None = 32
    """Side of the images, pixels."""
    channels: int | None = None
    """Colour channels; as the data if not given."""
    steps: int = 400
    """Optimizer steps."""
    batch: int = 64
    """Images per step, a multiple of 4."""
    limit: int = 20_000
    """At most so many images, drawn at random."""
    seed: int = 0
    """Of initial weights, held-out images and batches."""
    out: Path = cache_folder() / "features"
    """The folder in which weights and protocol are kept; that of a run is RUN/features."""


def main(config: Config) -> None:
    """Trains the classifier, or finds it if it was trained before."""
    source = open_source(config.data, resolution=config.resolution, channels=config.channels, split=config.split, labels=None)
    classifier_features(source, config.out, seed=config.seed, steps=config.steps, batch=config.batch, limit=config.limit)


if __name__ == "__main__":
    with command_line.mistakes_in_one_line("features"):
        command_line.keep_compiled_programs()
        main(tyro.cli(Config, description=__doc__))
