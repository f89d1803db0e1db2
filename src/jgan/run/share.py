"""A run for others: a folder of its weights, what is known of them, and a model card; nothing in it can be executed."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from jgan.data.settings import bare
from jgan.outputs.files import write_atomic
from jgan.run.about import CONFIG_FILE, DATA_FILE, WEIGHTS_FILE, plain_spec
from jgan.run.card import CARD, PICTURE, card, picture
from jgan.run.config import to_plain
from jgan.run.trained import Trained
from jgan.tensors import safetensors

FILES = (CONFIG_FILE, DATA_FILE, WEIGHTS_FILE, CARD, PICTURE)  # all that is shared


def share(trained: Trained, run: Path, out: Path, name: str | None = None) -> None:
    """Writes the folder of a run that is shared: `jgan.load(out)`, and commands on it, need nothing else.

    Args:
      trained: of the run.
      run: the folder of the run.
      out: the folder to write, a new or an empty one, or one that this wrote before.
      name: under which others find it, as user/name; None: none yet.

    Raises:
      FileExistsError: if there are other files in the folder.
    """
    check_out(out)
    config = to_plain(without_places(trained.config))
    about = {"system": trained.system.name, **{name: value for name, value in trained.about.items() if name != "system"}}
    data = json.loads((run / DATA_FILE).read_text()) if (run / DATA_FILE).is_file() else {"size": 0, "content": ""}
    drawn = picture(trained)
    write_atomic(out / WEIGHTS_FILE, safetensors(trained.weights))
    write_atomic(out / CONFIG_FILE, json.dumps({**about, "config": config}, indent=2) + "\n")
    write_atomic(out / DATA_FILE, json.dumps({"size": data["size"], "content": data["content"], **plain_spec(trained.spec)}))
    if drawn is not None:
        write_atomic(out / PICTURE, drawn)
    write_atomic(out / CARD, card(trained, run, data, name, drawn is not None))


def check_out(out: Path) -> None:
    """Raises FileExistsError for a folder with other files than those that are shared."""
    others = sorted(path.name for path in out.iterdir() if path.name not in FILES) if out.is_dir() else []
    if others:
        raise FileExistsError(f"expected a new or an empty folder, found {', '.join(others[:3])} in {out}; give another one")


def without_places(config: Any) -> Any:
    """Returns the configuration with the places of its data by their last names only: where they lie is nobody's business."""
    places = {field.name: getattr(config, field.name) for field in dataclasses.fields(config) if "embedded" in field.metadata}
    return dataclasses.replace(config, **{name: bare(value) for name, value in places.items() if value is not None})
