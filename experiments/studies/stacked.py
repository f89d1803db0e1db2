"""How many modes does a GAN find? Three images of Fashion-MNIST as the colours of one: 1,000 combinations of classes, equally likely.

The networks of R3GAN are trained with its loss, with R1 alone, and with the non-saturating loss without a penalty. A classifier of single
images, trained on real ones, names the three classes of every sample. This is the test of Metz et al. 2016 (section 3.3.1,
https://arxiv.org/abs/1611.02163) with clothes in place of digits.

Command:  python experiments/studies/stacked.py train --data FOLDER
Hardware: one CPU core, 20 minutes.
Scores:   the run writes table.md and results.json: of 10,000 samples the modes found, and the Kullback-Leibler divergence of their
          frequencies from equal ones, beside the same of real images that were not trained on. See docs/limits.md.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from jgan.data.settings import open_images
from jgan.data.source import Source, read_rows
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import Extract, extractor
from jgan.evaluation.provenance import provenance
from jgan.evaluation.score import Score, Snapshot
from jgan.outputs.files import write_atomic
from jgan.ranges import Kimg, Several, Size
from jgan.run.arms import Arm, table, train_arms
from jgan.run.config import to_plain
from jgan.run.folder import Folder
from jgan.run.main import study
from jgan.run.metrics_log import read_records
from jgan.run.system import System
from jgan.sharding import data_mesh
from jgan.systems import r3gan

IMAGES = 3  # on top of each other
BATCH = 500  # images that the classifier sees at once
MODES, DIVERGENCE = "score/modes", "score/divergence"


@dataclasses.dataclass(frozen=True)
class Config:
    """What is run."""

    data: str = "tfds:fashion_mnist"
    """Grey images in ten classes, and their split test."""
    resolution: Size = 28
    """Side of the images, pixels."""
    kimg: Kimg = 20.0
    """Length of a run, thousands of images."""
    samples: Several = 10_000
    """Images whose modes are counted."""


PRESETS = {"all": Config()}
KINDS: dict[str, dict[str, Any]] = {
    "relativistic, R1 and R2": {},
    "relativistic, R1": {"penalties": ("r1",)},
    "non-saturating, no penalty": {"loss": "non_saturating", "penalties": ()},
}


def stacked(source: Source, seed: int = 0) -> Source:
    """Makes as many images of three channels of grey ones: each image is the first channel of one, the second and the third of others."""
    generator = np.random.default_rng(seed)
    places = np.stack([generator.permutation(source.size) for _ in range(IMAGES)], axis=1)
    height, width, _ = source.fields["image"].shape
    fields = {"image": jax.ShapeDtypeStruct((height, width, IMAGES), np.uint8)}

    def read(index):
        return {"image": np.concatenate([source.read(int(place))["image"] for place in places[index]], axis=2)}

    return Source(f"{source.name}, stacked", source.size, fields, read)


def open_stacked(config: r3gan.Config, split: str | None = None) -> Source:
    """Returns the stacked images of a configuration."""
    return stacked(open_images(config, split))


def modes(extract: Extract, images: np.ndarray) -> dict[str, float]:
    """Returns the number of combinations of classes that images uint8 [N, H, W, 3] show, and the divergence of their frequencies from
    equal ones, nats."""
    single = np.moveaxis(images, 3, 0).reshape(-1, *images.shape[1:3], 1)
    logits = np.concatenate([extract(single[first : first + BATCH])["logits"] for first in range(0, len(single), BATCH)])
    classes = logits.shape[1]
    combination = classes ** np.arange(IMAGES) @ logits.argmax(axis=1).reshape(IMAGES, -1)
    _, counts = np.unique(combination, return_counts=True)
    shares = counts / counts.sum()
    return {MODES: float(len(counts)), DIVERGENCE: float(np.sum(shares * np.log(shares * classes**IMAGES)))}


def reader(config: r3gan.Config, folder: Path) -> Extract:
    """Returns the classifier of single images."""
    return extractor(classifier_features(open_images(config), folder, most=4_000), data_mesh())


def score_of(samples: int):
    """Returns the score of a run: the modes in this many samples."""

    def score(config: Any, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
        extract = reader(config, folder)

        def compute(snapshot: Snapshot) -> dict[str, float]:
            images = np.concatenate([drawn["image"] for drawn in snapshot.outputs(source, samples)])[:samples]
            return modes(extract, images)

        return Score(DIVERGENCE, {"metric": "divergence of the modes", "samples": samples, "source": source.name}, compute)

    return score


def arms(config: Config) -> dict[str, Arm]:
    """The runs."""
    system: System = r3gan.SYSTEM._replace(data=open_stacked, score=score_of(config.samples))
    length = {"kimg": config.kimg, "ramp_kimg": config.kimg, "score_kimg": config.kimg / 4, "checkpoint_kimg": config.kimg / 4}
    plain = dataclasses.replace(r3gan.PRESETS["fashion_mnist"], data=config.data, resolution=config.resolution, **length)
    return {kind: Arm(system, dataclasses.replace(plain, **changes)) for kind, changes in KINDS.items()}


def train(folder: Folder, config: Config) -> None:
    """Makes all runs, inside the folder."""
    folders = train_arms(arms(config), folder.path, {})
    records = {kind: read_records(run / "metrics.jsonl")[-1] for kind, run in folders.items()}
    rows = {kind: {"modes": record[MODES], "divergence": record[DIVERGENCE]} for kind, record in records.items()}
    rows["real images"] = of_real(config, next(iter(folders.values())) / "features")
    write_atomic(folder.path / "table.md", table(rows) + "\n")
    write_atomic(folder.path / "results.json", json.dumps({"rows": rows, "protocol": {**to_plain(config), **provenance()}}) + "\n")
    print(f"\n{table(rows)}\n\n{folder.path / 'table.md'}")


def of_real(config: Config, features: Path) -> dict[str, float]:
    """The same numbers of stacked test images."""
    plain = next(iter(arms(config).values())).config
    source = open_stacked(plain, "test")
    images = read_rows(source, np.arange(min(config.samples, source.size)))["image"]
    found = modes(reader(plain, features), images)
    return {"modes": found[MODES], "divergence": found[DIVERGENCE]}


if __name__ == "__main__":
    study("stacked", PRESETS, train, description=__doc__ or "")
