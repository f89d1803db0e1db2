"""The folder of a run: made once, never overwritten, used by one process at a time."""

import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import jax
import numpy as np

from jgan.compat import multihost_utils
from jgan.data.source import Source
from jgan.evaluation.gather import data_hash
from jgan.outputs.files import write_atomic
from jgan.run.config import differences, from_plain, to_plain
from jgan.types import Spec


@dataclass(frozen=True)
class Folder:
    """A run's folder, held by this process until it is closed; a context manager."""

    path: Path
    system: str
    config: dict[str, Any]  # plain, with what was changed at the last resume
    lock: IO | None  # None in processes that only read

    def close(self) -> None:
        if self.lock is not None:
            self.lock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def open_folder(
    root: str | Path,
    system: str,
    config: Any,
    about: Mapping[str, Any] | None = None,
    resume: str | Path | None = None,
    may_change: tuple[str, ...] = (),
    workdir: str | Path | None = None,
) -> Folder:
    """Makes the folder of a new run, `root/<system>-<YYYYmmdd-HHMMSS>`, or opens the folder of an earlier one.

    `config.json` is written once; it names the system. Where a resumed run changes fields that it may change, such as its duration, the
    new configuration is kept beside it as config-2.json, config-3.json, ... With several processes all must call this; the first writes.

    Args:
      root: where the folders of all runs are.
      system: its name, which can be part of a path.
      config: a frozen dataclass; see `jgan.run.config`.
      about: what is to be known of the program beside: version, commit.
      resume: the folder of an earlier run.
      may_change: dotted names of the fields that may differ from those of the earlier run.
      workdir: the folder of this run, instead of one below `root`: made if it is not there, resumed if it holds a run.

    Raises:
      FileNotFoundError: if `resume` is no folder of a run.
      FileExistsError: if `workdir` holds other things than a run.
      ValueError: if the configuration differs from that of the earlier run (the message has the differences), or both `resume` and
        `workdir` are given.
      BlockingIOError: if another process is using the folder.
    """
    if resume is not None and workdir is not None:
        raise ValueError(f"expected a run to resume or a workdir, found both: {resume} and {workdir}; a workdir resumes by itself")
    plain = to_plain(config)
    if workdir is not None and _config_files(Path(workdir)):
        resume = workdir
    if resume is None:
        path = _new_path(Path(root), system) if workdir is None else _make_together(Path(workdir))
    else:
        path = Path(resume)
        _check_config(path, system, config, may_change)
    lock = _lock(path) if jax.process_index() == 0 else None
    if lock is not None:
        _write_config(path, {"system": system, **(about or {}), "config": plain})
    return Folder(path.absolute(), system, plain, lock)


def read_config(run: str | Path) -> dict[str, Any]:
    """The plain configuration with which a run was last started.

    Raises:
      FileNotFoundError: if there is no run in this folder.
      ValueError: if it was made by a version of before 0.2.
    """
    return _read_file(run)["config"]


def read_about(run: str | Path) -> dict[str, Any]:
    """What is known of the program that a run was last started with: system, version, commit; errors as `read_config`."""
    return {name: value for name, value in _read_file(run).items() if name != "config"}


def remember(folder: Folder, source: Source) -> None:
    """Keeps in the folder what of the data a trained network depends on; see `recall`.

    Raises:
      ValueError: if the folder is that of a run on other data, wherever they lie.
    """
    known = {**plain_spec(source.spec), "size": source.size, "content": data_hash(source)}
    path = folder.path / "data.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    if any(known[name] != value for name, value in before.items()):
        raise ValueError(f"expected the data of this run, {before}, found {known}; give the same data or start a new run")
    if jax.process_index() == 0:
        write_atomic(path, json.dumps(known))


def recall(run: str | Path) -> Spec:
    """What is known of the data of a run."""
    return spec_of_plain(json.loads((Path(run) / "data.json").read_text()))


def plain_spec(spec: Spec) -> dict[str, Any]:
    """A spec as what JSON can hold.

    >>> spec_of_plain(plain_spec(Spec({"label": jax.ShapeDtypeStruct((), "int32")}, {"label": ("cat",)}))).names
    {'label': ('cat',)}
    """
    fields = {name: {"shape": list(field.shape), "dtype": str(np.dtype(field.dtype))} for name, field in spec.fields.items()}
    return {"fields": fields, "names": {name: list(names) for name, names in spec.names.items()}}


def spec_of_plain(plain: Mapping[str, Any]) -> Spec:
    """The spec that `plain_spec` wrote."""
    fields = {name: jax.ShapeDtypeStruct(tuple(field["shape"]), field["dtype"]) for name, field in plain["fields"].items()}
    return Spec(fields, {name: tuple(names) for name, names in plain["names"].items()})


def _read_file(run):
    files = _config_files(Path(run))
    if not files:
        raise FileNotFoundError(f"expected the folder of a run, with a config.json, found none in {run}")
    found = json.loads(files[-1].read_text())
    if "system" not in found:
        raise ValueError(f"{run} was made by a version of before 0.2, whose runs this one cannot read; install jgan==0.1 for it")
    return found


def _new_path(root, system):
    if not system or Path(system).name != system or system.startswith("."):
        raise ValueError(f"expected a name that can be part of a path, found {system!r}")
    stamp = np.asarray(int(time.time()), np.int32)
    if jax.process_count() > 1:
        stamp = multihost_utils.broadcast_one_to_all(stamp)
    path = root / f"{system}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime(int(stamp)))}"
    return _make(path) if jax.process_count() == 1 else _make_together(path)


def _make(path):
    """The folder, or one with the first free number where several runs begin within a second."""
    number = 1
    while True:
        candidate = path if number == 1 else path.with_name(f"{path.name}-{number}")
        try:
            candidate.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return candidate


def _make_together(path):
    """The folder itself, which may be there if it is empty; all processes leave when it is made."""
    if jax.process_index() == 0:
        path.mkdir(parents=True, exist_ok=True)
        if any(file.name != "lock" for file in path.iterdir()):
            raise FileExistsError(f"expected an empty folder or that of a run, found other files in {path}")
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("folder")
    return path


def _config_files(path):
    """config.json, config-2.json, ... in the order in which they were written."""
    numbered = sorted(path.glob("config-*.json"), key=lambda p: int(p.stem.split("-")[1]))
    return [p for p in [path / "config.json", *numbered] if p.exists()]


def _check_config(path, system, config, may_change):
    if path.name == "config.json":
        raise ValueError(f"expected the folder of a run, found a file: {path}")
    before = read_about(path)["system"]
    if before != system:
        raise ValueError(f"{path} is a run of the system {before}, not of {system}; resume it with that one")
    earlier = from_plain(type(config), read_config(path))  # fields that are newer than the run have their defaults
    changed = [d for d in differences(earlier, config) if d.split(":")[0] not in may_change]
    if changed:
        raise ValueError(
            f"{path} was made with another configuration ({'; '.join(changed)}). Resume with the same one, or start a new run"
            + (f"; only {', '.join(may_change)} may change" if may_change else "")
        )


def _write_config(path, content):
    files = _config_files(path)
    if not files or json.loads(files[-1].read_text())["config"] != content["config"]:
        name = "config.json" if not files else f"config-{len(files) + 1}.json"
        write_atomic(path / name, json.dumps(content, indent=2, allow_nan=False) + "\n")


def _lock(path):
    file = (path / "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with file:
            file.seek(0)
            holder = file.read().strip() or "(unknown)"
        raise BlockingIOError(f"{path} is in use by process {holder}; wait for it or stop it") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
