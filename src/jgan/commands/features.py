"""jgan features: a feature space trained on the images at hand"""

from pathlib import Path

from jgan.data import open_source
from jgan.evaluation.classifier import classifier_features
from jgan.fetch import cache_folder
from jgan.outputs import check_place
from jgan.ranges import Channels, Count, Seed, Several, Size


def features(
    data: str = "shapes",
    split: str = "train",
    resolution: Size | None = 32,
    channels: Channels | None = None,
    steps: Count = 400,
    batch: Count = 64,
    limit: Several = 20_000,
    seed: Seed = 0,
    out: Path | None = None,
) -> None:
    """Trains a classifier in whose features distances can be taken offline, or finds it if it was trained before.

    The accuracy on held-out images is printed, and is part of the protocol of every number taken in these features.

    Args:
        data: Images: shapes or animals (embedded), tfds:NAME, or the path of a folder, zip, tar, npz or folder of idx files.
        split: Part of the data to train on; a tenth of it is held out.
        resolution: Side of the images, pixels.
        channels: Colour channels; as the data if not given.
        steps: Optimizer steps.
        batch: Images per step, a multiple of 4.
        limit: Largest number of images, drawn at random.
        seed: Of initial weights, held-out images and batches.
        out: The folder in which weights and protocol are kept; for a run it is RUN/features.
    """
    folder = out or cache_folder() / "features"
    check_place(folder / "features")
    source = open_source(data, resolution=resolution, channels=channels, split=split, labels=None)
    classifier_features(source, folder, seed=seed, steps=steps, batch=batch, limit=limit)
