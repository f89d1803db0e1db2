"""The model card of a run: what it is, what it was trained on, how good it is by which protocol, and how it is used."""

import json
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from jgan import outputs
from jgan.data.settings import bare
from jgan.run.metrics_log import FILE, read_records
from jgan.run.trained import Trained

CARD, PICTURE = "README.md", "samples.png"
SHOWN = 16  # samples
USE = """## Use

```sh
pip install jgan
{get}
jgan sample {folder}
```

```python
import jgan

trained = jgan.load("{folder}")
outputs = trained({call})
```
"""
LICENCE = """## Licence

None is chosen: write one into the header of this page (`license:`), one that the training data allow.
"""


def card(trained: Trained, run: Path, data: Mapping[str, Any], name: str | None, pictured: bool) -> str:
    """Returns the card, Markdown under a header of YAML as the Hugging Face hub reads it.

    Args:
      trained: what it is of.
      run: the folder of the run.
      data: the content of its data.json.
      name: under which others find it, as user/name; None: none yet.
      pictured: whether there is a picture of samples.
    """
    folder = PurePath(name or run.name).name
    get = f"jgan pull {name} --out {folder}" if name else "# put this folder beside you"
    parts = [
        _header(trained),
        f"# {folder}\n\n{_sentence(trained)}\n",
        f"![samples, one of each seed]({PICTURE})\n" if pictured else "",
        USE.format(get=get, folder=folder, call=_call(trained)),
        "## Training\n\n" + _table(_training(trained, run, data)),
        "## Scores\n\n" + _scores(trained, run),
        LICENCE,
    ]
    return "\n".join(part for part in parts if part)


def picture(trained: Trained) -> bytes | None:
    """Returns a PNG file of samples; None of a system that makes no images, or that needs images or text of its data for them."""
    name, kind = next(iter(trained.sampling.outputs.items()))
    if not kind.side_by_side or set(trained.sampling.conditions) - {"label"}:
        return None
    inputs: dict[str, Any] = dict(trained.sampling.preferred)
    found = trained.outputs(range(SHOWN), only=name, **inputs)
    return outputs.render(found, {name: kind})[""][".png"]


def task(trained: Trained) -> str | None:
    """Returns the hub's name of what the system does, None if it has none."""
    main, names = next(iter(trained.sampling.outputs.items())), set(trained.sampling.conditions)
    if not main[1].side_by_side:
        return None
    if "caption" in names:
        return "text-to-image"
    return "image-to-image" if names - {"label"} else "unconditional-image-generation"


def _header(trained):
    tags = ["jax", "gan", trained.system.name]
    found = {"library_name": "jgan", "license": "unknown", "pipeline_tag": task(trained), "tags": tags}
    lines = [f"{name}: {json.dumps(value)}" for name, value in found.items() if value is not None]  # JSON is YAML too
    return "\n".join(["---", *lines, "---", ""])


def _sentence(trained):
    first = (trained.system.description.strip().splitlines() or [""])[0].rstrip(".")
    return f"{first}. Trained with JGAN as `{trained.system.name}`, a functional GAN framework on JAX."


def _call(trained):
    needed = [name for name in trained.sampling.conditions if name != "label"]
    if not needed:
        return "range(16)"
    return f"{needed[0]}=" + ('"..."' if needed[0] in trained.spec.names else "arrays")


def _training(trained, run, data):
    about, config = trained.about, trained.config
    images = [record["images"] for record in read_records(run / FILE) if record["step"] == about["step"]]
    fields = ", ".join(f"{name} {' x '.join(map(str, field.shape))}".strip() for name, field in trained.spec.fields.items())
    found = {
        "system": trained.system.name,
        "data": PurePath(str(getattr(config, "data", ""))).name or None,
        "examples": data["size"] or None,
        "hash of the data": data["content"] or None,
        "fields of an example": fields,
        "classes": ", ".join(trained.spec.names.get("label", ())[:20]) or None,
        "images seen": images[0] if images else None,
        "step": about["step"],
        "batch": config.batch,
        "seed": config.seed,
        "JGAN": about.get("version"),
        "commit": about.get("commit"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _scores(trained, run):
    """Tables of the run's score at this step, and of what was measured of it later; each under what its numbers depend on."""
    step = trained.about["step"]
    records = [record for record in read_records(run / FILE) if record["step"] == step]
    protocol = json.loads((run / "score.json").read_text()).get("protocol", {}) if (run / "score.json").is_file() else {}
    watched = {name: value for record in records for name, value in record.items() if name.startswith(("score/", "variety/"))}
    tables = [f"While training:\n\n{_table(watched)}\n{_protocol(protocol)}"] if watched else []
    for result in _evaluations(run / "evaluations.jsonl", step):
        about = {name: value for name, value in result.items() if name not in ("metric", "value")}
        tables.append(f"{_table({result['metric']: result['value']})}\n{_protocol(about)}")
    return "\n".join(tables) or "No score of this step is known.\n"


def _evaluations(path, step):
    lines = path.read_text().splitlines() if path.is_file() else []
    return [result for result in map(json.loads, lines) if result.get("step") == step]


def _protocol(about):
    return f"<details><summary>protocol</summary>\n\n```json\n{json.dumps(_without_places(about), indent=2)}\n```\n\n</details>\n"


PLACES = ("source", "data", "images")  # of a protocol


def _without_places(about):
    """The same at every depth with the last names of paths alone."""
    if isinstance(about, dict):
        return {name: bare(value) if name in PLACES and isinstance(value, str) else _without_places(value) for name, value in about.items()}
    return about


def _table(rows):
    shown = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in rows.items()}
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in shown.items()), ""])
