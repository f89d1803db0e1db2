"""report.html: the curves, samples and settings of a run in one file that opens anywhere, without a network."""

import functools
import html
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jgan.outputs import moments
from jgan.outputs import report as samples
from jgan.outputs.files import write_atomic
from jgan.outputs.samples import strays
from jgan.run.about import read_about, read_config
from jgan.run.collapse import collapse_warnings
from jgan.run.config import flatten
from jgan.run.dead import Sign, begun, follow
from jgan.run.metrics_log import read_records
from jgan.run.report.curves import chart, charts, short

EARLIER = 6  # samples shown on the way to the latest ones

STYLE = """
:root { color-scheme: light }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 72rem; background: #fff; color: #1a1a1a;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
h1 { font-size: 1.6rem; margin: 0; font-weight: 600 }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .8rem; font-weight: 600; border-bottom: 1px solid #e5e5e5; padding-bottom: .3rem }
.name { color: #666; margin: .1rem 0 1.2rem; overflow-wrap: anywhere }
.warning { margin: .3rem 0; padding: .5rem .9rem; border-left: 4px solid #c2410c; background: #fff7ed }
.facts { display: flex; flex-wrap: wrap; gap: .6rem 2.2rem; margin: 0 }
.facts dt { color: #666; font-size: .8rem } .facts dd { margin: 0; font-size: 1.15rem; font-variant-numeric: tabular-nums }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: 1.6rem 1.4rem }
figure { margin: 0 } figcaption { font-size: .85rem; color: #444; overflow-wrap: anywhere }
.charts figcaption { font-weight: 600; color: #1a1a1a }
.legend { font-weight: 400; color: #444; margin-left: .5rem; white-space: nowrap } .legend i { display: inline-block; width: .9em;
  height: .2em; margin-right: .35em; vertical-align: middle }
svg { width: 100%; height: auto; display: block } svg text { font: 10px system-ui, sans-serif; fill: #666 }
img { image-rendering: pixelated; display: block; width: 100%; height: auto }
.latest { max-width: 44rem }
.stages { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1rem; margin-top: 1.4rem }
table { border-collapse: collapse; font-size: .85rem; width: 100%; max-width: 56rem }
td { padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #f0f0f0; vertical-align: top; overflow-wrap: anywhere }
td:first-child { color: #666; white-space: nowrap } td:last-child { font-family: ui-monospace, monospace }
"""


def write_report(path: str | Path, warn: Callable[[str], Any] = warnings.warn) -> None:
    """Writes report.html into the folder of a run, from its metrics.jsonl, samples/, score.json and configuration.

    Args:
      path: the folder.
      warn: given a sentence for each file in samples/ that is damaged or none of the run's, and left out.
    """
    path = Path(path)
    records, about, score = read_records(path / "metrics.jsonl"), read_about(path), _read_score(path)
    messages = [*_dead(records), *collapse_warnings(records, score.get("watched", {}))]
    sections = [
        ("Warnings", "".join(f'<p class="warning">{html.escape(message)}</p>' for message in messages)),
        ("Samples", _samples(path / "samples", warn)),
        (
            "Curves",
            f'<div class="charts">{"".join(chart(*c, records) for c in charts(records, score.get("criterion")))}</div>' if records else "",
        ),
        ("Protocol", _table({**about, **score.get("protocol", {})})),
        ("Configuration", _table(read_config(path))),
    ]
    body = "".join(f"<section><h2>{title}</h2>{content}</section>" for title, content in sections if content)
    title = html.escape(about["system"])
    write_atomic(
        path / "report.html",
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}: {html.escape(path.name)}</title><style>{STYLE}{samples.STYLE}</style></head><body><h1>{title}</h1>"
        f'<p class="name">{html.escape(path.name)}</p>{_facts(records, score)}{body}</body></html>\n',
    )


def _dead(records):
    signs: dict[str, Sign] = {}
    return begun(functools.reduce(lambda signs, record: follow(signs, record["step"], record), records, signs))


def _read_score(path):
    try:
        return dict(json.loads((path / "score.json").read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _facts(records, score):
    if not records:
        return ""
    last = records[-1]
    facts = {"images": short(last["images"]), "steps": f"{last['step']:,}", "hours": f"{last['seconds'] / 3600:.2f}"}
    if last.get("images_per_second"):
        facts["images per second"] = f"{last['images_per_second']:,.0f}"
    numbers = [(r[score["criterion"]], r["images"]) for r in records if r.get(score.get("criterion")) is not None]
    if numbers:
        best = min(numbers) if score["lower_is_better"] else max(numbers)
        facts["best score"] = f"{best[0]:.4g} at {short(best[1])}"
    return f'<dl class="facts">{"".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in facts.items())}</dl>'


def _samples(folder, warn):
    for path in strays(folder):
        warn(f"{path} is no sample of the run and is left out of the report")
    found = moments(folder)
    if not found:
        return ""
    spread = [found[round(i * (len(found) - 1) / EARLIER)] for i in range(EARLIER)]
    earlier = [moment for moment in dict.fromkeys(spread) if moment != found[-1]]
    small = "".join(_figure(samples.thumbnails(folder, moment, warn=warn), moment) for moment in earlier)
    latest = f'<div class="latest">{_figure(samples.figures(folder, found[-1], warn=warn), found[-1])}</div>'
    return latest + (f'<div class="stages">{small}</div>' if small else "")


def _figure(content, moment):
    return f"<figure>{content}<figcaption>{short(moment)} images</figcaption></figure>" if content else ""


def _table(plain):
    rows = "".join(f"<tr><td>{html.escape(k)}</td><td>{html.escape(str(v))}</td></tr>" for k, v in flatten(dict(plain)).items())
    return f"<table>{rows}</table>" if rows else ""
