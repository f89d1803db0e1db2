"""report.html: the curves, samples and settings of a run in one file that opens anywhere, without a network."""

import base64
import html
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jgan.run.alarm import collapse_alarms
from jgan.run.config import flatten
from jgan.run.curves import chart, charts, short
from jgan.run.folder import write_atomic
from jgan.run.recorder import read_records

STAGES = 6  # grids shown on the way to the latest one
LARGEST = 1024  # pixels; larger grids are shown smaller, the files are beside the report

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


def write_report(path: str | Path, experiment: str, config: Mapping[str, Any], protocol: Mapping[str, Any]) -> None:
    """Writes report.html into the folder of a run, from its metrics.jsonl and samples/.

    Args:
      path: the folder.
      experiment: the title.
      config: plain; see `jgan.run.config`.
      protocol: how the run was made and scored; shown as it is.
    """
    path = Path(path)
    records = read_records(path / "metrics.jsonl")
    sections = [
        ("Warnings", "".join(f'<p class="warning">{html.escape(message)}</p>' for message in collapse_alarms(records))),
        ("Samples", _samples(sorted((path / "samples").glob("*.png")))),
        ("Curves", f'<div class="charts">{"".join(chart(*c, records) for c in charts(records))}</div>' if records else ""),
        ("Protocol", _table(protocol)),
        ("Configuration", _table(config)),
    ]
    body = "".join(f"<section><h2>{title}</h2>{content}</section>" for title, content in sections if content)
    title = html.escape(experiment)
    write_atomic(
        path / "report.html",
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}: {html.escape(path.name)}</title><style>{STYLE}</style></head><body><h1>{title}</h1>"
        f'<p class="name">{html.escape(path.name)}</p>{_facts(records)}{body}</body></html>\n',
    )


def _facts(records):
    if not records:
        return ""
    last = records[-1]
    facts = {"images": short(last["images"]), "steps": f"{last['step']:,}", "hours": f"{last['seconds'] / 3600:.2f}"}
    if last.get("images_per_second"):
        facts["images per second"] = f"{last['images_per_second']:,.0f}"
    for name in [n for n in last if n.startswith("score/")] or sorted({n for r in records for n in r if n.startswith("score/")}):
        numbers = [(r[name], r["images"]) for r in records if r.get(name) is not None]
        if numbers:
            facts["best score"] = f"{min(numbers)[0]:.4g} at {short(min(numbers)[1])}"
    return f'<dl class="facts">{"".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in facts.items())}</dl>'


def _samples(files):
    if not files:
        return ""
    spread = [files[round(i * (len(files) - 1) / STAGES)] for i in range(STAGES)]
    earlier = [f for f in dict.fromkeys(spread) if f != files[-1]]
    stages = f'<div class="stages">{"".join(_figure(f, LARGEST // 4) for f in earlier)}</div>' if earlier else ""
    return f'<div class="latest">{_figure(files[-1], LARGEST)}</div>{stages}'


def _figure(file, largest):
    return f'<figure><img alt="samples" src="{_embedded(file, largest)}"><figcaption>{short(int(file.stem))} images</figcaption></figure>'


def _embedded(file, largest):
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(file) as image:
        if max(image.size) > largest:
            image = image.resize([max(1, round(s * largest / max(image.size))) for s in image.size], Image.Resampling.BOX)
        image.save(buffer, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _table(plain):
    rows = "".join(f"<tr><td>{html.escape(k)}</td><td>{html.escape(str(v))}</td></tr>" for k, v in flatten(dict(plain)).items())
    return f"<table>{rows}</table>" if rows else ""
