"""Does a run on other data help where there are few images?

StyleGAN2 learns 300 flowers of one class: from scratch, and from the parameters of a run on the other classes (`--init-from`), for equal
numbers of images, which take equal time. The data are any images with classes.

Paper:    Karras et al. 2020, section 4.3, https://arxiv.org/abs/2006.06676
Command:  python experiments/studies/transfer.py --data FLOWERS
Hardware: two CPU cores.
Scores:   the run writes table.md and results.json: the Fréchet distance to all images of the class, in the features of a classifier of all
          classes; mean and standard deviation over seeds, and the differences of pairs of one seed. 300 daisies after 12,000 images, seeds
          0 to 2: from scratch 5.25 ± 0.44, from the other flowers 4.14 ± 0.30, difference -1.11 ± 0.21. See docs/results.md.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jgan.data import combine
from jgan.data.settings import open_images, place
from jgan.data.source import Source
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.provenance import provenance
from jgan.evaluation.score import Score, frechet_score
from jgan.outputs.files import write_atomic
from jgan.ranges import Count, Kimg, Several, Size
from jgan.run.arms import Arm, train_arms
from jgan.run.config import to_plain
from jgan.run.folder import Folder
from jgan.run.main import study
from jgan.run.metrics_log import read_records
from jgan.run.system import System
from jgan.systems import stylegan


@dataclasses.dataclass(frozen=True)
class Config:
    """What is run."""

    data: str = place("FLOWERS")
    """Images with classes."""
    kept: str = "daisy"
    """The class of which few images are learned."""
    images: Several = 300
    """How many of them."""
    resolution: Size = 32
    """Side of the images, pixels."""
    first_kimg: Kimg = 60.0
    """Length of the run on the other classes, thousands of images."""
    kimg: Kimg = 12.0
    """Length of each run on the class, thousands of images."""
    score_kimg: Kimg = 4.0
    """Between two scores, thousands of images."""
    seeds: Count = 3
    """Pairs of runs on the class."""


PRESETS = {"flowers": Config()}
WAYS = ("from scratch", "from the other classes")


def arms(config: Config, features: Path) -> dict[str, Arm]:
    """The run on the other classes, and for each seed two on the class that is kept."""
    few = dataclasses.replace(
        stylegan.PRESETS["shapes"],
        data=config.data,
        resolution=config.resolution,
        conditional=False,
        flip=True,
        kimg=config.kimg,
        sample_kimg=config.kimg,
        score_kimg=config.score_kimg,
        checkpoint_kimg=config.kimg,
    )
    many = dataclasses.replace(few, kimg=config.first_kimg, score_kimg=config.first_kimg, checkpoint_kimg=config.first_kimg)
    found, ours = {"other classes": Arm(on_part(config, False, features), many)}, on_part(config, True, features)
    for seed in range(config.seeds):
        for way, first in zip(WAYS, (None, "other classes"), strict=True):
            found[f"{way} {seed}"] = Arm(ours, dataclasses.replace(few, seed=seed), first)
    return found


def on_part(config: Config, kept: bool, features: Path) -> System:
    """StyleGAN2 on few images of the class that is kept, or on all of the others; scored by all images of the part."""

    def data(settings: stylegan.Config, split: str | None = None, /) -> Source:
        source, rows = part(settings)
        return combine.subset(source, rows[: config.images] if kept else rows)

    def part(settings: stylegan.Config) -> tuple[Source, np.ndarray]:
        source = open_images(settings)
        rows = np.flatnonzero(combine.in_class(source, config.kept) == kept)
        return combine.select(source, image="image"), rows

    def score(settings: stylegan.Config, source: Source, /, *, folder: Path, mesh: Any = None) -> Score:
        classes = classifier_features(open_images(settings), features)
        real = combine.subset(*part(settings))
        return frechet_score(classes, real, folder, conditions=source, samples=settings.score_samples, mesh=mesh)

    return stylegan.SYSTEM._replace(data=data, score=score)


def train(folder: Folder, config: Config) -> None:
    """Makes all runs, inside the folder."""
    if (folder.path / "results.json").exists():
        raise ValueError(f"{folder.path} holds a run of this kind, which cannot be resumed; start a new one")
    folders = train_arms(arms(config, folder.path / "features"), folder.path, {})
    found = {name: distances(read_records(run / "metrics.jsonl")) for name, run in folders.items()}
    text = table([{way: found[f"{way} {seed}"] for way in WAYS} for seed in range(config.seeds)])
    write_atomic(folder.path / "table.md", text + "\n")
    write_atomic(folder.path / "results.json", json.dumps(found | {"protocol": {**to_plain(config), **provenance()}}) + "\n")
    print(f"\n{text}\n\n{folder.path / 'table.md'}")


def distances(records: Sequence[Mapping[str, Any]]) -> dict[int, float]:
    """Fréchet distances by the thousands of images seen."""
    found = {}
    for record in records:
        found |= {round(record["images"] / 1000): record[name] for name in record if name.startswith("score/frechet_distance")}
    return found


def table(pairs: Sequence[Mapping[str, Mapping[int, float]]]) -> str:
    """Distances of pairs of runs as Markdown, a row per count of images: mean ± standard deviation over the pairs.

    >>> pair = {"from scratch": {4: 3.0}, "from the other classes": {4: 1.0}}
    >>> print(table([pair, pair]).splitlines()[-1])
    | 4 | 3.00 ± 0.00 | 1.00 ± 0.00 | -2.00 ± 0.00 |
    """
    lines = ["| thousands of images | from scratch | from the other classes | difference |", f"|{' --- |' * 4}"]
    for count in next(iter(pairs[0].values())):
        scratch, transferred = (np.asarray([pair[way][count] for pair in pairs]) for way in WAYS)
        cells = [f"{values.mean():.2f} ± {values.std():.2f}" for values in (scratch, transferred, transferred - scratch)]
        lines.append(f"| {count} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    study("transfer", PRESETS, train, description=__doc__ or "")
