"""What an experiment compares: systems and settings, the arms, trained one after the other and measured by one protocol."""

import dataclasses
import json
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jgan.evaluation.provenance import begun
from jgan.outputs.files import write_atomic
from jgan.ranges import Kimg, Seed
from jgan.run.folder import open_folder
from jgan.run.settings import changeable_fields, with_absolute_places
from jgan.run.system import Command, System
from jgan.run.train import prepare

DISTANCE = "score/frechet_distance/"  # before the name of the features, in the records of a run


class Arm(NamedTuple):
    """One of the systems or settings that are compared."""

    system: System
    config: Any
    init_from: str | None = None  # the name of an arm before it, with whose parameters it begins


def compare(arms: Mapping[str, Arm], split: str = "test") -> Command:
    """Makes the command `compare` of an experiment: it trains all arms, evaluates each with the command `evaluate` of its system, in the
    features of the first, and writes table.md.

    Args:
      arms: by the name that the table gives them.
      split: part of the data on which they are measured.
    """

    def command(
        system: System, out: Path = Path("runs/compare"), data: str | None = None, kimg: Kimg | None = None, seed: Seed | None = None
    ) -> None:
        """Trains what the experiment compares, measures all by one protocol, and writes the table.

        Args:
            out: The folder of the runs and of table.md; what is there already goes on.
            data: Data of all arms; as in their settings if not given.
            kimg: Length of each run, thousands of examples; as in their settings if not given.
            seed: Of each run; as in their settings if not given.
        """
        folders = train_arms(arms, out, {"data": data, "kimg": kimg, "seed": seed})
        features = next(iter(folders.values())) / "features"
        write_table(out, measured(arms, folders, split=split, features=features))

    return command


def train_arms(arms: Mapping[str, Arm], out: Path, changes: Mapping[str, Any]) -> dict[str, Path]:
    """Trains all arms, with changes of their settings that are not None; returns the folders of their runs. What is there goes on.

    A new run begins with a copy of the features of the first one, so that arms on the same data are scored in the same features.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    folders = {name: out / f"{number + 1}-{name.replace(' ', '-')}" for number, name in enumerate(arms)}
    for name, arm in arms.items():
        config = with_absolute_places(dataclasses.replace(arm.config, **given))
        may_change = changeable_fields(type(config))
        folder = open_folder(out, arm.system.name, config, begun(shlex.join(sys.argv)), workdir=folders[name], may_change=may_change)
        train = prepare(arm.system, config, folders[arm.init_from] if arm.init_from else None)
        own, shared = (path / "features" for path in (folders[name], next(iter(folders.values()))))
        with folder:
            if shared.exists() and not own.exists():
                shutil.copytree(shared, own)
            train(folder)
    return folders


def measured(arms: Mapping[str, Arm], folders: Mapping[str, Path], **options: Any) -> dict[str, dict[str, float]]:
    """Returns the numbers of the runs of arms, by the command `evaluate` of their systems with these options.

    Raises:
      ValueError: as `check_features`.
    """
    found = {name: _evaluated(arm, folders[name], options) for name, arm in arms.items()}
    check_features({name: {line["metric"]: line["features"] for line in lines} for name, lines in found.items()})
    return {name: {line["metric"]: line["value"] for line in lines} for name, lines in found.items()}


def _evaluated(arm, run, options):
    file = run / "evaluations.jsonl"
    before = len(file.read_text().splitlines()) if file.exists() else 0
    arm.system.commands["evaluate"](arm.system, run, **options)
    return [json.loads(line) for line in file.read_text().splitlines()[before:]]


def scores_of(runs: Mapping[str, Sequence[Mapping[str, float]]]) -> dict[str, list[dict[str, float]]]:
    """Returns, of the records of runs, by arm, those with a Fréchet distance: thousands of images, minutes since it began, distance,
    precision and recall.

    Raises:
      ValueError: as `check_features`.

    >>> scores_of({"ours": [{"images": 10}, {"images": 2000, "seconds": 90, "score/frechet_distance/a": 3.0, "variety/recall": 0.5}]})
    {'ours': [{'kimg': 2.0, 'minutes': 1.5, 'frechet_distance': 3.0, 'recall': 0.5}]}
    """
    names = {arm: next((name for record in records for name in record if name.startswith(DISTANCE)), None) for arm, records in runs.items()}
    check_features({arm: {"frechet_distance": name.removeprefix(DISTANCE)} for arm, name in names.items() if name})
    return {arm: [_score(record, names[arm]) for record in records if names[arm] in record] for arm, records in runs.items()}


def _score(record, name):
    about = {"kimg": record["images"] / 1000, "minutes": record["seconds"] / 60, "frechet_distance": record[name]}
    variety = {what: f"variety/{what}" for what in ("precision", "recall")}
    return about | {what: record[key] for what, key in variety.items() if key in record}


def check_features(features: Mapping[str, Mapping[str, str]]) -> None:
    """Checks that every number is in the same features for all arms, or they could not be compared.

    Args:
      features: arm -> number -> the name of its features, which has a hash of the weights.

    Raises:
      ValueError: if one is not.

    >>> check_features({"ours": {"recall": "a", "psnr": "pixels"}, "L1": {"psnr": "pixels"}})
    """
    first: dict[str, tuple[str, str]] = {}
    for arm, names in features.items():
        for number, name in names.items():
            other, expected = first.setdefault(number, (arm, name))
            if name != expected:
                found = f"{expected} of {other} and {name} of {arm}"
                advice = "give all arms the same data and resolution, and evaluate them with the same --features"
                raise ValueError(f"expected {number} of all arms in the same features, found {found}; {advice}")


def short(numbers: Mapping[str, float]) -> dict[str, float]:
    """Returns the numbers of a score under short names: without their group, and without the network that a criterion names.

    >>> short({"score/exact/attributes-shapes": 0.5, "captions/exact/one": 0.75})
    {'exact': 0.5, 'exact/one': 0.75}
    """
    return {name.split("/")[1] if name.startswith("score/") else name.partition("/")[2]: value for name, value in numbers.items()}


def write_table(out: Path, rows: Mapping[str, Mapping[str, float]]) -> None:
    """Writes table.md, and prints it."""
    write_atomic(out / "table.md", table(rows) + "\n")
    print(f"\n{table(rows)}\n\n{out / 'table.md'}")


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Returns numbers as Markdown, a row per arm.

    >>> print(table({"ours": {"psnr": 20.0}, "L1": {"psnr": 21.5}}))
    | arm | psnr |
    | --- | --- |
    | ours | 20 |
    | L1 | 21.5 |
    """
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    lines = [["arm", *names], ["---"] * (1 + len(names))]
    lines += [[arm, *(f"{row[name]:.4g}" if name in row else "" for name in names)] for arm, row in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
