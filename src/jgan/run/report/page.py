"""report.html: the curves, samples and settings of a run in one file that opens anywhere, without a network."""

import functools
import html
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jgan.outputs import moments
from jgan.outputs import report as samples
from jgan.outputs.files import write_atomic
from jgan.outputs.samples import strays
from jgan.run.about import read_about, read_config, recall
from jgan.run.collapse import collapse_warnings
from jgan.run.config import flatten
from jgan.run.dead import Sign, begun, follow
from jgan.run.metrics_log import read_records
from jgan.run.report.chart import Curves, chart, short
from jgan.run.report.curves import MAIN, groups, points, still
from jgan.run.report.style import SCRIPT, STYLE

EARLIER = 6  # samples shown on the way to the latest ones
CLASSES = 40  # named below a picture, at most
REAL = "real"  # the folder of real examples, in the folder of a run


class Run(NamedTuple):
    """What the folder of a run says."""

    path: Path
    records: list[dict[str, Any]]
    about: dict[str, Any]  # of the program
    config: dict[str, Any]
    score: dict[str, Any]  # score.json; empty if there is none
    classes: tuple[str, ...]

    @property
    def protocol(self) -> dict[str, Any]:
        """How the run was made."""
        return {**self.about, **self.score.get("protocol", {})}


def read_run(path: str | Path) -> Run:
    """Reads what the report of a run is made of, but samples; errors as `jgan.run.about.read_config` and `recall`."""
    path = Path(path)
    classes = recall(path).names.get("label", ()) if (path / "data.json").exists() else ()
    return Run(path, read_records(path / "metrics.jsonl"), read_about(path), read_config(path), _read_score(path), classes)


def write_report(path: str | Path, warn: Callable[[str], Any] = warnings.warn) -> None:
    """Writes report.html into the folder of a run, from its metrics.jsonl, samples/, real/, score.json and configuration.

    Args:
      path: the folder.
      warn: given a sentence for each file in samples/ that is damaged or none of the run's, and left out.
    """
    run = read_run(path)
    messages = [*_dead(run.records), *collapse_warnings(run.records, run.score.get("watched", {}))]
    sections = {
        "Warnings": "".join(f'<p class="warning">{html.escape(message)}</p>' for message in messages),
        "Samples": _samples(run, warn),
        "Curves": curves_of(curves_by_title(run)),
        "Protocol": table(flatten(run.protocol).items()),
        "Configuration": table(flatten(run.config).items()),
    }
    head = f"{_list(facts(run))}{_origin(run.protocol)}"
    write_atomic(run.path / "report.html", page(run.about["system"], run.path.name, head, sections))


def page(title: str, name: str, head: str, sections: Mapping[str, str]) -> str:
    """Makes a page of HTML of sections with content, by their titles."""
    body = "".join(f"<section><h2>{title}</h2>{content}</section>" for title, content in sections.items() if content)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}: {html.escape(name)}</title><style>{STYLE}{samples.STYLE}</style></head><body>"
        f'<h1>{html.escape(title)}</h1><p class="name">{html.escape(name)}</p>{head}{body}<script>{SCRIPT}</script></body></html>\n'
    )


def curves_by_title(run: Run) -> dict[str, Curves]:
    """Returns the curves of a run by the chart that they share, the main ones first."""
    found = groups(run.records, run.score.get("criterion"), run.classes)
    return {title: {label: points(run.records, name) for name, label in labels.items()} for title, labels in found}


def curves_of(charts: Mapping[str, Curves]) -> str:
    """Returns the main charts large, the others small, and those in which nothing happens folded away."""
    moving = {title: curves for title, curves in charts.items() if not still(curves)}
    parts = [{t: c for t, c in moving.items() if (t.partition(":")[0] in MAIN) == main} for main in (True, False)]
    large, small = ("".join(chart(title, curves) for title, curves in part.items()) for part in parts)
    resting = [chart(title, curves) for title, curves in charts.items() if title not in moving]
    folded = f'<div class="charts small">{"".join(resting)}</div>' if any(resting) else ""
    count = sum(map(bool, resting))
    return (
        (f'<div class="charts">{large}</div>' if large else "")
        + (f'<div class="charts small">{small}</div>' if small else "")
        + (f"<details><summary>{count} in which nothing changes</summary>{folded}</details>" if folded else "")
    )


def facts(run: Run) -> dict[str, str]:
    """Returns how far a run is, how fast it was and its best score, by what is said of it."""
    if not run.records:
        return {}
    last, criterion = run.records[-1], run.score.get("criterion", "")
    found = {"images": short(last["images"]), "steps": f"{last['step']:,}", "hours": f"{last['seconds'] / 3600:.2f}"}
    if last.get("images_per_second"):
        found["images per second"] = f"{last['images_per_second']:.3g}"
    numbers = [(r[criterion], r["images"]) for r in run.records if r.get(criterion) is not None]
    if numbers:
        best = min(numbers) if run.score["lower_is_better"] else max(numbers)
        found["best score"] = f"{best[0]:.4g} at {short(best[1])}"
    return found


def table(rows, head: Sequence[str] = ()) -> str:
    """Returns a table of HTML, of rows of anything."""
    top = f"<tr>{''.join(f'<th>{html.escape(cell)}</th>' for cell in head)}</tr>" if head else ""
    lines = "".join(f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{top}{lines}</table>" if lines else ""


def latest(run: Run, warn: Callable[[str], Any]) -> str:
    """Returns the last samples of a run as a figure; "" if there are none."""
    found, shown = moments(run.path / "samples"), run.protocol.get("conditions", ())
    if not found:
        return ""
    content = samples.figures(run.path / "samples", found[-1], warn=warn)
    return _figure(content, f"generated, after {short(found[-1])} images{_turns(run) if 'label' in shown else ''}")


def _dead(records):
    signs: dict[str, Sign] = {}
    return begun(functools.reduce(lambda signs, record: follow(signs, record["step"], record), records, signs))


def _read_score(path):
    try:
        return dict(json.loads((path / "score.json").read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _list(found):
    return f'<dl class="facts">{"".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in found.items())}</dl>' if found else ""


def _origin(protocol):
    """When, where and how the run was begun, as far as it is known."""
    machine = protocol.get("machine", {})
    device = machine.get("device") if machine.get("platform") != "cpu" else f"{machine.get('cpu')}, {machine.get('cores')} cores"
    known = [protocol.get("begun"), device, f"jgan {protocol.get('version', '')}", protocol.get("commit"), protocol.get("command")]
    return f'<p class="origin">{" · ".join(html.escape(str(part)) for part in known if part)}</p>'


def _samples(run, warn):
    folder = run.path / "samples"
    for path in strays(folder):
        warn(f"{path} is no sample of the run and is left out of the report")
    found = moments(folder)
    spread = [found[round(i * (len(found) - 1) / EARLIER)] for i in range(EARLIER)] if found else []
    earlier = [moment for moment in dict.fromkeys(spread) if moment != found[-1]]
    small = "".join(_figure(samples.thumbnails(folder, moment, warn=warn), f"{short(moment)} images") for moment in earlier)
    real = _figure(samples.figures(run.path / REAL, 0, warn=warn), f"real{_turns(run)}")
    large = latest(run, warn) + real
    return (f'<div class="pairs">{large}</div>' if large else "") + (f'<div class="stages">{small}</div>' if small else "")


def _turns(run):
    names = run.protocol.get("classes_by_turns", ())
    more = " ..." if len(names) > CLASSES else ""
    return f"; by turns, row by row: {', '.join(names[:CLASSES])}{more}" if names else ""


def _figure(content, caption):
    return f"<figure>{content}<figcaption>{html.escape(caption)}</figcaption></figure>" if content else ""
