"""The folder of a run: made once, never overwritten, used by one process at a time."""

import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from jgan.run.config import differences, to_plain


@dataclass(frozen=True)
class Folder:
    """A run's folder, held by this process until it is closed; a context manager."""

    path: Path
    experiment: str
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
    experiment: str,
    config: Any,
    resume: str | Path | None = None,
    may_change: tuple[str, ...] = (),
    workdir: str | Path | None = None,
) -> Folder:
    """Makes the folder of a new run, `root/<experiment>-<YYYYmmdd-HHMMSS>`, or opens that of an earlier one.

    `config.json` is written once. Where a resumed run changes fields that it may change, such as its duration, the new configuration is
    kept beside it as config-2.json, config-3.json, ... With several processes all must call this; the first one writes.

    Args:
      root: where the folders of all runs are.
      experiment: a name that can be part of a path.
      config: a frozen dataclass; see `jgan.run.config`.
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
        path = _new_path(Path(root), experiment) if workdir is None else _make_together(Path(workdir))
    else:
        path = Path(resume)
        _check_config(path, plain, may_change)
    lock = _lock(path) if jax.process_index() == 0 else None
    if lock is not None:
        _write_config(path, plain)
    return Folder(path, experiment, plain, lock)


def read_config(path: str | Path) -> dict[str, Any]:
    """The plain configuration with which a run was last started.

    Raises:
      FileNotFoundError: if there is no run in this folder.
    """
    files = _config_files(Path(path))
    if not files:
        raise FileNotFoundError(f"expected the folder of a run, with a config.json, found none in {path}")
    return json.loads(files[-1].read_text())


def write_atomic(path: Path, content: str | bytes) -> None:
    """Writes beside the file and renames, so that a reader or a kill never meets half a file."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(content.encode() if isinstance(content, str) else content)
    os.replace(aside, path)


def _new_path(root, experiment):
    if not experiment or Path(experiment).name != experiment or experiment.startswith("."):
        raise ValueError(f"expected a name that can be part of a path, found {experiment!r}")
    stamp = np.asarray(int(time.time()), np.int32)
    if jax.process_count() > 1:
        stamp = multihost_utils.broadcast_one_to_all(stamp)
    path = root / f"{experiment}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime(int(stamp)))}"
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


def _check_config(path, plain, may_change):
    if path.name == "config.json":
        raise ValueError(f"expected the folder of a run, found a file: {path}")
    changed = [d for d in differences(read_config(path), plain) if d.split(":")[0] not in may_change]
    if changed:
        raise ValueError(
            f"{path} was made with another configuration ({'; '.join(changed)}). Resume with the same one, or start a new run"
            + (f"; only {', '.join(may_change)} may change" if may_change else "")
        )


def _write_config(path, plain):
    files = _config_files(path)
    if not files or json.loads(files[-1].read_text()) != plain:
        name = "config.json" if not files else f"config-{len(files) + 1}.json"
        write_atomic(path / name, json.dumps(plain, indent=2, allow_nan=False) + "\n")


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
