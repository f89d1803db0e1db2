"""Several runs in one page: their numbers, their latest samples, their curves together, and what differs between their settings."""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jgan.outputs.files import write_atomic
from jgan.run.config import flatten
from jgan.run.report.chart import Curves
from jgan.run.report.curves import groups, points
from jgan.run.report.page import Run, curves_of, facts, latest, page, read_run, table


def write_comparison(paths: Sequence[str | Path], out: str | Path, warn: Callable[[str], Any] = warnings.warn) -> None:
    """Writes a page on which runs are compared.

    Args:
      paths: their folders.
      out: the file.
      warn: as in `write_report`.

    Raises:
      ValueError, FileNotFoundError: as `jgan.run.report.page.read_run`.
    """
    runs = dict(zip(short_names(paths), map(read_run, paths), strict=True))
    pictures = "".join(f"<section><b>{name}</b>{latest(run, warn)}</section>" for name, run in runs.items())
    sections = {
        "Numbers": _side_by_side({name: {"system": run.about["system"], **facts(run)} for name, run in runs.items()}),
        "Samples": f'<div class="pairs">{pictures}</div>',
        "Curves": curves_of(shared_curves(runs)),
        "What differs": _side_by_side({name: flatten({**run.protocol, **run.config}) for name, run in runs.items()}, differing=True),
    }
    systems = dict.fromkeys(run.about["system"] for run in runs.values())
    write_atomic(out, page(" and ".join(systems), " beside ".join(runs), "", sections))


def shared_curves(runs: Mapping[str, Run]) -> dict[str, Curves]:
    """Returns the curves of every metric, of all runs that have it, by a title for each; scores in other features have other charts."""
    records = [record for run in runs.values() for record in run.records]
    criteria = {run.score["criterion"] for run in runs.values() if "criterion" in run.score}
    classes = max((run.classes for run in runs.values()), key=len)
    found: dict[str, Curves] = {}
    for criterion in sorted(criteria) or [None]:
        for title, labels in groups(records, criterion, classes):
            for name, label in labels.items():
                if title == "score" or name not in criteria:
                    curves = {run: points(of.records, name) for run, of in runs.items()}
                    found[f"{title}: {label}" if label else title] = curves
    return dict(sorted(found.items(), key=lambda item: not item[0].startswith("score")))


def short_names(paths: Sequence[str | Path]) -> list[str]:
    """Returns names of folders by which they can be told apart: without what all paths begin with.

    >>> short_names(["runs/a/1-gan", "runs/b/1-gan"]), short_names(["runs/a"])
    (['a/1-gan', 'b/1-gan'], ['a'])
    """
    whole = [os.path.abspath(path) for path in paths]
    common = os.path.commonpath([os.path.dirname(path) for path in whole])
    return [os.path.relpath(path, common) for path in whole]


def _side_by_side(columns, differing=False):
    """A table of facts by name, a column for each run; of those that differ, if asked for."""
    names = dict.fromkeys(name for column in columns.values() for name in column)
    rows = [(name, *(column.get(name, "") for column in columns.values())) for name in names]
    return table([row for row in rows if not differing or len({str(cell) for cell in row[1:]}) > 1], ("", *columns))
