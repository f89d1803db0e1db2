"""The folder of a run: made once, never overwritten, used by one process at a time, and gone again if nothing came of the run."""

import contextlib
import json
import os
import shutil
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jgan.compat import multihost_utils
from jgan.data.content import data_hash
from jgan.data.source import Source
from jgan.outputs.files import write_atomic
from jgan.run.about import CONFIG_FILE, DATA_FILE, check_trainable, config_files, config_of, plain_spec, read_about, read_data
from jgan.run.config import differences, to_plain
from jgan.run.lock import HOLDER_FILE, LOCK_FILE, Lock

ERROR_FILE = "error.txt"
WHERE = "the traceback is in"  # how the note begins that names this file
# What the start of a run makes, in the order in which it is removed: a killed removal leaves what another start takes for its own.
MADE = ("samples", "real", "tensorboard", "wandb", "features", "checkpoints", "metrics.jsonl", "metrics.csv", "report.html", "score.json")
MADE += ("stages.json", DATA_FILE, ERROR_FILE, CONFIG_FILE, HOLDER_FILE, LOCK_FILE)


@dataclass
class Folder:
    """A run's folder: a context manager that makes it if it is not there, and holds it for this process.

    A start that fails before its first step leaves nothing behind; a later error leaves its traceback in error.txt.
    """

    path: Path
    system: str
    about: dict[str, Any]  # the system, and what is known of the program
    config: dict[str, Any]  # plain
    changed: tuple[str, ...] = ()  # what differs from the configuration of before, where it goes on with a run
    goes_on: bool = False
    dated: bool = False  # the path has yet to get a date
    begun: bool = field(default=False, init=False)  # a step is done
    lock: Lock | None = field(default=None, init=False)  # None in processes that only read
    _before: frozenset[Path] = field(default=frozenset(), init=False)  # what was there: files in it, and the folders around it

    def __enter__(self):
        try:
            self._open()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        if self.lock is None:
            return
        asked_to_end = isinstance(error, SystemExit) and not error.code  # by SIGTERM
        failed = error is not None and not asked_to_end
        if failed and self._has_results():
            self._keep(error)
        elif failed:
            self._remove_what_was_made()
        self.lock.close()

    def begin(self, step: int) -> None:
        """Notes that the run has trained on from `step`: from now on nothing of it is removed, and what was changed is written down."""
        if not self.begun and self.changed and self.lock is not None:
            changes = [*read_about(self.path).get("changes", []), f"step {step}: {'; '.join(self.changed)}"]
            self._write(f"config-{max(config_files(self.path)) + 1}.json", {**self.about, "changes": changes})
        self.keep()

    def keep(self) -> None:
        """Notes that nothing of it is to be removed."""
        self.begun = True

    def _open(self):
        around = [path for path in self.path.parents if path.exists()]
        self._before = frozenset(around if self.dated else [*around, *[self.path][: self.path.exists()], *_entries(self.path)])
        self.path = _make_dated(self.path) if self.dated else _make(self.path)
        self.lock = Lock(self.path) if jax.process_index() == 0 else None
        if self.lock is not None:
            self.lock.sign()
        if self.lock is not None and not self.goes_on:
            for stale in config_files(self.path).values():
                stale.unlink()
            self._write(CONFIG_FILE, self.about)

    def _write(self, name, about):
        write_atomic(self.path / name, json.dumps({**about, "config": self.config}, indent=2, allow_nan=False) + "\n")

    def _has_results(self):
        return self.begun or any(path.name not in MADE and path not in self._before for path in _entries(self.path))

    def _keep(self, error):
        if isinstance(error, Exception) and self.path.is_dir():
            path = self.path / ERROR_FILE
            with contextlib.suppress(OSError):
                before = path.read_text(errors="replace") if path.exists() else ""
                stamp = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
                write_atomic(path, f"{before}{stamp}\n{''.join(traceback.format_exception(error))}\n")
                error.add_note(f"{WHERE} {path}")

    def _remove_what_was_made(self):
        for path in (self.path / name for name in MADE):
            if path not in self._before:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # other things are in it
            for path in (self.path, *self.path.parents):
                if path in self._before:
                    break
                path.rmdir()


def open_folder(
    root: str | Path,
    system: str,
    config: Any,
    about: Mapping[str, Any] | None = None,
    resume: str | Path | None = None,
    may_change: Mapping[str, str] | None = None,
    workdir: str | Path | None = None,
) -> Folder:
    """Returns the folder of a new run, `root/<system>-<YYYYmmdd-HHMMSS>`, or of an earlier one; it is made and held as a context.

    `config.json` is written once; it names the system. Where a resumed run changes fields that it may change, such as its duration, the
    new configuration and what changed at which step are kept beside it as config-2.json, config-3.json, ..., as soon as it has done a
    step. A folder that holds no step yet is taken for a new run. With several processes all must call this; the first writes.

    Args:
      root: where the folders of all runs are.
      system: its name, which can be part of a path.
      config: a frozen dataclass; see `jgan.run.config`.
      about: what is to be known of the program beside: version, commit.
      resume: the folder of an earlier run.
      may_change: dotted names of the fields that may differ from those of the earlier run, and what is to be said of it.
      workdir: the folder of this run, instead of one below `root`: made if it is not there, resumed if it holds a run.

    Raises:
      FileNotFoundError: if `resume` is no folder of a run.
      FileExistsError: if `workdir` holds other things than a run.
      NotADirectoryError, PermissionError: if there is a file in the place of a folder, or nothing can be written there.
      ValueError: if the configuration differs from the earlier run's (the message has the differences), its file is damaged, or
        both `resume` and `workdir` are given.
      BlockingIOError: if another process is using the folder.
    """
    if resume is not None and workdir is not None:
        raise ValueError(f"expected a run to resume or a workdir, found both: {resume} and {workdir}; a workdir resumes by itself")
    if not system or Path(system).name != system or system.startswith("."):
        raise ValueError(f"expected a name that can be part of a path, found {system!r}")
    about, plain = {"system": system, **(about or {})}, to_plain(config)
    if resume is None and workdir is None:
        _check_writable(Path(root).absolute())
        return Folder(Path(root, system).absolute(), system, about, plain, dated=True)
    path = Path(resume or workdir or "").absolute()
    if resume is not None:
        read_about(path)  # there is a run
    check_trainable(path)
    _check_writable(path)
    _check_free(path)
    if not config_files(path) or not _holds_a_step(path):
        return Folder(path, system, about, plain)
    return Folder(path, system, about, plain, _changed(path, system, config, may_change or {}), goes_on=True)


def remember(folder: Folder, source: Source) -> None:
    """Keeps in the folder what of the data a trained network depends on; see `jgan.run.about.recall`.

    Raises:
      ValueError: if the folder is of a run on other data, wherever they lie, or its file is damaged.
    """
    known = {**plain_spec(source.spec), "size": source.size, "content": data_hash(source)}
    path = folder.path / DATA_FILE
    if folder.goes_on and path.exists():
        changed = [difference[:200] for difference in differences(read_data(path), known)]
        if changed:
            raise ValueError(
                f"expected the data of this run, found other data in {source.name}: {'; '.join(changed)}; say with --data where the data of"
                " the run are, or start a new run"
            )
    elif folder.lock is not None:
        write_atomic(path, json.dumps(known))


def _entries(path):
    """What is in a folder, hidden files left out."""
    return [entry for entry in path.iterdir() if not entry.name.startswith(".")] if path.is_dir() else []


def _holds_a_step(path):
    records, checkpoints = path / "metrics.jsonl", path / "checkpoints"
    strangers = [entry for entry in _entries(path) if entry.name not in MADE and entry not in config_files(path).values()]
    return bool(strangers) or (records.exists() and records.stat().st_size > 0) or any(p.name.isdigit() for p in _entries(checkpoints))


def _changed(path, system, config, may_change):
    """What differs from the earlier run, with what is to be said of it."""
    changed = {change.split(":")[0]: change for change in differences(config_of(path, system, type(config)), config)}
    refused = changed.keys() - may_change.keys()
    if refused:
        found = "; ".join(change for name, change in changed.items() if name in refused)
        raise ValueError(
            f"{path} was made with another configuration ({found}): resume with the same one, start a new run, or allow the change with"
            f" --allow-change {' '.join(sorted(refused))}"
        )
    return tuple(f"{change} ({may_change[name]})" if may_change[name] else change for name, change in changed.items())


def _check_writable(path):
    """Raises OSError if no folder can be made or used there."""
    there = next(place for place in (path, *path.parents) if place.exists())
    if not there.is_dir():
        raise NotADirectoryError(f"expected a folder, found a file: {there}")
    if not os.access(there, os.W_OK):
        raise PermissionError(f"expected a folder that can be written, found {there}; name another one with --runs or --workdir")


def _check_free(path):
    """Raises OSError for a folder that is in use, or has other things in it; the first process looks, since it is the one that uses it."""
    if jax.process_index() > 0:
        return
    if (path / LOCK_FILE).exists():
        Lock(path).close()
    if not config_files(path) and any(entry.name not in (LOCK_FILE, HOLDER_FILE) for entry in _entries(path)):
        raise FileExistsError(f"expected an empty folder or the folder of a run, found other files in {path}")


def _make_dated(path):
    """The folder <path>-<date>-<time>, or one with the first free number where several runs begin within a second."""
    stamp = np.asarray(int(time.time()), np.int32)
    if jax.process_count() > 1:
        stamp = multihost_utils.broadcast_one_to_all(stamp)
    path = path.with_name(f"{path.name}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime(int(stamp)))}")
    if jax.process_count() > 1:
        return _make(path)
    number, candidate = 1, path
    while True:
        try:
            candidate.mkdir(parents=True)
        except FileExistsError:
            number += 1
            candidate = path.with_name(f"{path.name}-{number}")
        else:
            return candidate


def _make(path):
    """The folder itself; all processes leave when it is made."""
    if jax.process_index() == 0:
        path.mkdir(parents=True, exist_ok=True)
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("folder")
    return path
