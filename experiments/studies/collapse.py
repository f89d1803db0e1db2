"""Does the warning of a collapse come when a generator collapses, and only then?

Runs of StyleGAN2 on the embedded shapes: as they should be, without R1, and without it at four times the learning rate. What every
generator shows is known: a network that reads kind and colour of a shape, trained on shapes that no run sees, counts the modes. A run has
collapsed when less than half of the modes that it had are left in two counts in a row; the warning of the run knows nothing of that count.

Command:  python experiments/studies/collapse.py
Hardware: two CPU cores.
Scores:   the run writes table.md, collapse.png and results.json: of every run when it collapsed, and when it was warned of that. Seeds 0 to
          2: warned of 5 of 5 collapses, at the count that shows them, and of 2 of 4 other runs, early. See docs/limits.md.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from jgan.evaluation.attributes import AttributeClassifier, read_attributes, reader_of_shapes
from jgan.evaluation.provenance import provenance
from jgan.evaluation.score import WATCHED, Score, Snapshot, image_score
from jgan.outputs.files import write_atomic
from jgan.ranges import Count, Kimg, Several, Size
from jgan.run.arms import Arm, train_arms
from jgan.run.collapse import collapse_warnings
from jgan.run.config import to_plain
from jgan.run.folder import Folder
from jgan.run.main import study
from jgan.run.metrics_log import read_records
from jgan.run.system import System
from jgan.systems import stylegan

MODES = "truth/modes"


@dataclasses.dataclass(frozen=True)
class Config:
    """What is run."""

    seeds: Count = 3
    """Runs of each kind."""
    resolution: Size = 16
    """Side of the images, pixels."""
    kimg: Kimg = 30.0
    """Length of a run, thousands of images."""
    score_kimg: Kimg = 2.0
    """Between two scores, thousands of images."""
    samples: Several = 1000
    """Images of a generator that are scored, and whose modes are counted."""


class Outcome(NamedTuple):
    """What became of a run, in images; None: it never came."""

    collapsed: int | None
    warned: int | None
    numbers: Mapping[str, Sequence[float]]  # by name, record for record


PRESETS = {"all": Config()}
KINDS: Mapping[str, Mapping[str, Any]] = {
    "R1": {},
    "no penalty": {"r1_every": 0},
    "no penalty, fast": {"r1_every": 0, "learning_rate": 0.01},
}
SHOWN = {MODES: "#1f5fa8", "variety/recall": "#c8501e", "variety/coverage": "#3b8a3b"}


def arms(config: Config, features: Path) -> dict[str, Arm]:
    """The runs, by kind and seed."""
    settings = {"kimg": config.kimg, "score_kimg": config.score_kimg, "score_samples": config.samples, "resolution": config.resolution}
    settings |= {"conditional": False, "sample_kimg": config.kimg, "checkpoint_kimg": config.kimg}
    plain, system = dataclasses.replace(stylegan.PRESETS["shapes"], **settings), counting(stylegan.SYSTEM, features)
    return {
        f"{kind} {seed}": Arm(system, dataclasses.replace(plain, seed=seed, **changes))
        for kind, changes in KINDS.items()
        for seed in range(config.seeds)
    }


def counting(system: System, features: Path) -> System:
    """A system whose score also counts modes; all runs share the networks in `features`."""

    def score(config: Any, source: Any, /, *, folder: Path, mesh: Any = None) -> Score:
        plain, reader = image_score(config, source, folder=features, mesh=mesh), reader_of_shapes(config.resolution, features)

        def compute(snapshot: Snapshot) -> dict[str, float]:
            images = np.concatenate([drawn["image"] for drawn in snapshot.outputs(source, config.score_samples, seed=1)])
            return plain.compute(snapshot) | {MODES: modes(reader, images)}

        return plain._replace(compute=compute)

    return system._replace(score=score)


def modes(reader: AttributeClassifier, images: np.ndarray) -> float:
    """The number of pairs of kind and colour that images show, each as far as it is shown: the exponential of their entropy."""
    _, counts = np.unique(read_attributes(reader, images), axis=0, return_counts=True)
    shares = counts / counts.sum()
    return float(np.exp(-np.sum(shares * np.log(shares))))


def outcome(records: Sequence[Mapping[str, Any]]) -> Outcome:
    """What became of a run with these records."""
    scored = [record for record in records if MODES in record]
    numbers = {name: [record[name] for record in scored] for name in ("images", *SHOWN)}
    return Outcome(first(scored, {MODES: 0.5}), first(scored, WATCHED), numbers)


def first(records: Sequence[Mapping[str, Any]], watched: Mapping[str, float]) -> int | None:
    """The images after which some watched number had fallen for the first time.

    >>> first([{"images": 10 * i, "recall": value} for i, value in enumerate([0.4, 0.1, 0.1, 0.4])], {"recall": 0.5})
    20
    """
    counts = range(1, len(records) + 1)
    return next((records[count - 1]["images"] for count in counts if collapse_warnings(records[:count], watched)), None)


def train(folder: Folder, config: Config) -> None:
    """Makes all runs, inside the folder."""
    if (folder.path / "results.json").exists():
        raise ValueError(f"{folder.path} holds a run of this kind, which cannot be resumed; start a new one")
    folders = train_arms(arms(config, folder.path / "features"), folder.path, {})
    outcomes = {name: outcome(read_records(run / "metrics.jsonl")) for name, run in folders.items()}
    numbers = {name: one._asdict() for name, one in outcomes.items()} | {"protocol": {**to_plain(config), **provenance()}}
    write_atomic(folder.path / "table.md", table(outcomes) + "\n")
    write_atomic(folder.path / "results.json", json.dumps(numbers) + "\n")
    plot(outcomes, config.seeds).save(folder.path / "collapse.png")
    print(f"\n{table(outcomes)}\n\n{folder.path / 'collapse.png'}")


def table(outcomes: Mapping[str, Outcome]) -> str:
    """Runs as Markdown, and below them the hits and the false alarms."""
    lines = ["| run, seed | modes, most | at the end | collapsed, kimg | warned, kimg |", f"|{' --- |' * 5}"]
    for name, one in outcomes.items():
        found = one.numbers[MODES]
        when = ["-" if images is None else f"{images / 1000:.0f}" for images in (one.collapsed, one.warned)]
        lines.append(f"| {name} | {max(found):.1f} | {found[-1]:.1f} | {' | '.join(when)} |")
    fell = [one for one in outcomes.values() if one.collapsed is not None]
    kept = [one for one in outcomes.values() if one.collapsed is None]
    warned = [sum(one.warned is not None for one in some) for some in (fell, kept)]
    return "\n".join([*lines, "", f"Warned of {warned[0]} of {len(fell)} collapses; {warned[1]} false alarms in {len(kept)} other runs."])


def plot(outcomes: Mapping[str, Outcome], across: int, wide: int = 240, high: int = 120) -> Image.Image:
    """Modes (blue), recall (red) and coverage (green) over each run, in parts of their highest; lines: collapsed (blue), warned (red)."""
    picture = Image.new("RGB", (wide * across, high * -(-len(outcomes) // across)), "white")
    for number, (name, one) in enumerate(outcomes.items()):
        panel = Image.new("RGB", (wide - 8, high - 8), "#f4f4f4")
        pen, last = ImageDraw.Draw(panel), one.numbers["images"][-1]
        for image, colour in ((one.collapsed, "#1f5fa8"), (one.warned, "#c8501e")):
            if image is not None:
                place = image / last * (panel.width - 1)
                pen.line((place, 16, place, panel.height), colour, 3 if colour == "#1f5fa8" else 1)
        for metric, colour in SHOWN.items():
            values = np.asarray(one.numbers[metric])
            x = np.asarray(one.numbers["images"]) / last * (panel.width - 1)
            y = panel.height - 4 - values / max(values.max(), 1e-6) * (panel.height - 24)
            pen.line(list(zip(x.tolist(), y.tolist(), strict=True)), colour)
        pen.text((6, 2), name, "black")
        picture.paste(panel, (number % across * wide, number // across * high))
    return picture


if __name__ == "__main__":
    study("collapse", PRESETS, train, description=__doc__ or "")
