"""What the folder of a run says about it: its system, its configuration and its data, in files that may be damaged."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jgan.run.config import from_plain
from jgan.types import Spec

CONFIG_FILE = "config.json"
DATA_FILE = "data.json"
BEGINNING = ("begun", "command")  # what the first configuration says of how the run was begun
WEIGHTS_FILE = "model.safetensors"  # of a run that was shared, in place of its checkpoints


def read_config(run: str | Path) -> dict[str, Any]:
    """Returns the plain configuration with which a run was last started.

    Raises:
      FileNotFoundError: if there is no run in this folder.
      ValueError: if its file is damaged, or was made by a version of before 0.2.
    """
    return _read(run)[1]["config"]


def read_about(run: str | Path) -> dict[str, Any]:
    """Returns what is known of the program that a run was last started with, and what was changed since: system, version, commit, changes;
    when and by which command it was begun, and by which it was resumed last. Errors as `read_config`.
    """
    about = {name: value for name, value in _read(run)[1].items() if name != "config"}
    files = list(config_files(run).values())
    first = read_json(files[0])
    if len(files) == 1 or not isinstance(first, dict):
        return about
    resumed = " ".join(str(about[name]) for name in BEGINNING if name in about)
    return about | {name: first[name] for name in BEGINNING if name in first} | {"resumed": resumed}


def config_of(run: str | Path, system: str, kind: type) -> Any:
    """Returns the configuration with which a run of this system was last started, of class `kind`; errors as `read_config`, and

    Raises:
      ValueError: if it is a run of another system, or the class has not these fields.
    """
    path, found = _read(run)
    check_system(run, found["system"], system)
    try:
        return from_plain(kind, found["config"])  # fields that are newer than the run have their defaults
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def check_trainable(run: str | Path) -> None:
    """Raises ValueError for a run that was shared: what its training needs beside the weights is not there."""
    if (Path(run) / WEIGHTS_FILE).is_file():
        raise ValueError(f"{run} was shared without the state of its training, which goes on from the checkpoints of the run itself alone")


def check_system(run: str | Path, found: str, expected: str) -> None:
    """Raises ValueError for a run of another system than expected."""
    if found != expected:
        advice = f"use the command `jgan`, which takes runs of every system, or the script of {found}"
        raise ValueError(f"{run} is a run of {found}, not of {expected}: {advice}")


def config_files(run: str | Path) -> dict[int, Path]:
    """Returns config.json, config-2.json, ... by their number, in the order in which they were written; other files are none of ours."""
    numbers = {path: re.fullmatch(r"config(?:-([1-9][0-9]*))?\.json", path.name) for path in Path(run).glob("config*.json")}
    return dict(sorted((int(match[1] or 1), path) for path, match in numbers.items() if match and path.is_file()))


def recall(run: str | Path) -> Spec:
    """Returns what is known of the data of a run.

    Raises:
      FileNotFoundError: if it has not been written yet.
      ValueError: if its file is damaged.
    """
    path = Path(run) / DATA_FILE
    found = read_data(path)
    try:
        return spec_of_plain(found)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}", "the fields and names of the data") from None


def read_data(path: Path) -> dict[str, Any]:
    """Returns what `jgan.run.folder.remember` wrote; errors as `recall`."""
    found = read_json(path)
    if not isinstance(found, dict) or not {"fields", "names", "size", "content"} <= found.keys():
        raise _damaged(path, _short(found), "an object with fields, names, size and content")
    return found


def read_json(path: Path) -> Any:
    """Returns what a file of a run holds.

    Raises:
      OSError: if it cannot be read.
      ValueError: if it is no JSON; the message names it.
    """
    try:
        return json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error), "JSON") from None


def plain_spec(spec: Spec) -> dict[str, Any]:
    """Returns a spec as what JSON can hold.

    >>> spec_of_plain(plain_spec(Spec({"label": jax.ShapeDtypeStruct((), "int32")}, {"label": ("cat",)}))).names
    {'label': ('cat',)}
    """
    fields = {name: {"shape": list(field.shape), "dtype": str(np.dtype(field.dtype))} for name, field in spec.fields.items()}
    names = {name: list(names) for name, names in spec.names.items()}
    return {"fields": fields, "names": names} | ({"rates": dict(spec.rates)} if spec.rates else {})


def spec_of_plain(plain: Mapping[str, Any]) -> Spec:
    """Returns the spec that `plain_spec` wrote."""
    fields = {name: jax.ShapeDtypeStruct(tuple(field["shape"]), np.dtype(field["dtype"])) for name, field in plain["fields"].items()}
    return Spec(fields, {name: tuple(names) for name, names in plain["names"].items()}, plain.get("rates", {}))


def _read(run):
    """The latest file of the configuration, and what it holds."""
    files = config_files(run)
    if not files:
        raise FileNotFoundError(f"expected the folder of a run, with a config.json, found none in {run}")
    path = list(files.values())[-1]
    found = read_json(path)
    if isinstance(found, dict) and "kind" in found and "system" not in found:
        raise ValueError(f"{run} was made by a version of before 0.2, whose runs this one cannot read; install jgan==0.1 for it")
    if not isinstance(found, dict) or not isinstance(found.get("system"), str) or not isinstance(found.get("config"), dict):
        raise _damaged(path, _short(found), "an object with the name of a system and a config")
    return path, found


def _damaged(path, found, expected):
    return ValueError(f"{path} is damaged: expected {expected}, found {found}; put back a copy of the file, or start a new run")


def _short(value):
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]} ..."
