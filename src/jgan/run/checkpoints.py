"""Checkpoints: saved in the background, complete or absent, restored onto any number of devices."""

import contextlib
import functools
import json
import logging
import math
import os
import re
import shutil
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from jgan.compat import multihost_utils
from jgan.leaves import by_name, leaf_name
from jgan.outputs.files import write_atomic
from jgan.run.checksums import find_damage, write_checksums
from jgan.run.trouble import Trouble

UNFINISHED = ".orbax-checkpoint-tmp"
SCORE = "score.json"
WRITTEN_LAST = ("_CHECKPOINT_METADATA", "commit_success.txt")  # by orbax, when the checkpoint is complete; they hold nothing of the state


class Checkpoints:
    """The checkpoints of one run: the last few, and the best by score.

    Saving happens in the background; a save that is cut short leaves nothing that would be restored. If the disk is full or the folder
    cannot be written, that is warned about and training goes on. Every checkpoint holds the checksums of its files, which are compared
    before it is read. With several processes all must make the same calls.

    Args:
      path: the folder; made if absent.
      keep: how many of the latest checkpoints stay. The best by score stays besides.
    """

    def __init__(self, path: str | Path, keep: int = 2):
        self.path = Path(path).resolve()
        self._keep, self._trouble, self._under_way, self._reason = keep, Trouble(), 0, ""
        options = ocp.CheckpointManagerOptions(
            step_format_fixed_length=8,
            preservation_policy=self,
            async_options=ocp.AsyncOptions(post_finalization_callback=self._complete),
        )
        self._manager = ocp.CheckpointManager(self.path, options=options, item_names=("state",))
        self._scores = {step: found for step in self.steps() if (found := _read_score(self._folder(step)))}

    def steps(self) -> list[int]:
        """Returns the steps of which there is a checkpoint, ascending."""
        return sorted(self._manager.all_steps())

    def scores(self) -> dict[int, float]:
        """Returns the score of each checkpoint that has one."""
        return {step: found["score"] for step, found in self._scores.items() if step in self.steps()}

    def best_step(self) -> int:
        """Returns the step with the best score; the latest if none has one.

        Raises:
          FileNotFoundError: if there is no checkpoint.
        """
        if not self.steps():
            raise FileNotFoundError(f"expected a checkpoint in {self.path}, found none; the run has not saved one yet")
        best = self._best_of(self.steps())
        return self.steps()[-1] if best is None else best

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> list[bool]:
        """Returns which checkpoints stay when another one is saved, oldest first; orbax asks."""
        steps = [checkpoint.step for checkpoint in checkpoints]
        return [step in (*steps[-self._keep :], self._best_of(steps)) for step in steps]

    def save(self, step: int, state: Any, score: float | None = None, lower_is_better: bool = True) -> None:
        """Begins to save; the state may be donated or changed as soon as this returns. A step that is saved already is left alone.

        Args:
          step: its number.
          state: a pytree of arrays.
          score: by which the best checkpoint is kept; None, or not finite, for an unscored one.
          lower_is_better: whether the best score is the lowest or the highest.
        """
        self.wait()
        with self._tolerate("checkpoints are not saved", f"step {step}"):
            _probe(self.path)
            self._remove_unfinished()
            self._manager.reload()  # after a failed save its list is not the list of the folder
            if step not in self.steps():
                self._under_way, self._scores = step, {at: found for at, found in self._scores.items() if at != step}
                if score is not None and math.isfinite(score):
                    self._scores[step] = {"score": float(score), "rank": float(score) if lower_is_better else -float(score)}
                self._manager.save(step, args=ocp.args.Composite(state=ocp.args.StandardSave(state)), force=True)

    def wait(self) -> None:
        """Waits until the save under way has ended."""
        with self._tolerate("checkpoints are not completed", f"step {self._under_way}"):
            self._manager.wait_until_finished()

    def why_unsaved(self, step: int) -> str | None:
        """Waits for the save under way; says why the state of a step is not on the disk, None if it is."""
        self.wait()
        return None if self._folder(step).is_dir() else self._reason or "it was removed"

    def restore_latest(self, abstract: Callable[[int], Any]) -> tuple[int, Any] | None:
        """Returns the newest step and its state, or None if there is no checkpoint.

        If the newest is damaged or cannot be read, the one before is taken, with a warning, and the unreadable one is set aside, renamed
        to `<step>.unreadable-<process>`.

        Args:
          abstract: step -> the state as `jax.ShapeDtypeStruct`s with the shardings that are wanted; the devices may be others than at
            saving.

        Raises:
          ValueError: if none can be read, with the reason of the newest, such as a missing leaf; or if the shapes are others.
        """
        failed: dict[int, Exception] = {}
        for step in reversed(self.steps()):
            wanted = ocp.args.StandardRestore(abstract(step))  # an error of which is none of the checkpoint
            try:
                self._check(step)
            except ValueError as error:  # orbax, which leaves threads behind where it meets a damaged file, is not asked
                failed[step] = error
                continue
            self._check_shapes(step, wanted.item)
            try:
                state = self._manager.restore(step, args=ocp.args.Composite(state=wanted))["state"]
            except Exception as error:  # whatever a damaged file without checksums leads to
                failed[step] = error
            else:
                self._set_aside(failed)
                return step, state
        if failed:
            newest, error = next(iter(failed.items()))
            raise ValueError(
                f"expected a checkpoint that can be read in {self.path}, found none: tried were the steps {sorted(failed)}; step "
                f"{newest} failed with {_reason(error)}; restore the folder from a copy, or begin a new run"
            ) from error
        return None

    def restore_leaves(self, step: int, abstract: Any, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Returns some leaves of the state of one step, say only the averaged generator, by their path.

        Args:
          step: one of `steps()`.
          abstract: the whole state, as shapes and dtypes.
          names: the paths of the leaves, as "generator/params/kernel".

        Raises:
          FileNotFoundError: if there is no checkpoint of this step.
          ValueError: if it is damaged or cannot be read.
        """
        with self._readable(step):
            return self._leaves(step, abstract, names)

    def _leaves(self, step, abstract, names):
        leaves = [(path, leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(abstract) if leaf_name(path) in set(names)]
        if any(isinstance(entry, jax.tree_util.SequenceKey) for path, _ in leaves for entry in path):
            state = self._manager.restore(step, args=ocp.args.Composite(state=ocp.args.StandardRestore(abstract)))["state"]
            found = by_name(state)
            return {name: np.asarray(found[name]) for name in names}
        part: dict = {}
        for path, leaf in leaves:
            *parents, last = [jax.tree_util.keystr((entry,), simple=True) for entry in path]
            functools.reduce(lambda tree, name: tree.setdefault(name, {}), parents, part)[last] = jax.ShapeDtypeStruct(
                leaf.shape, leaf.dtype
            )
        # One manager reads an item in one way, so the part needs its own reader.
        restore = ocp.args.PyTreeRestore(part, partial_restore=True, restore_args=ocp.checkpoint_utils.construct_restore_args(part))
        with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader:
            read = reader.restore(self._folder(step) / "state", args=restore)
        return {name: np.asarray(leaf) for name, leaf in by_name(read).items()}

    def restore_raw(self, step: int) -> dict[str, np.ndarray]:
        """Returns all leaves of the state of one step by their path, whatever made them; errors as `restore_leaves`."""
        path = self._folder(step) / "state"
        with self._readable(step), ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader:
            leaves = reader.metadata(path).item_metadata.tree
            as_arrays = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), leaves)
            read = reader.restore(path, args=ocp.args.PyTreeRestore(restore_args=as_arrays))
        return {name: np.asarray(leaf) for name, leaf in by_name(read).items()}

    def close(self) -> None:
        """Waits for the save under way and lets go of the folder."""
        self.wait()
        self._manager.close()
        if self._reason:  # threads of a save that failed may have written on after the folder was removed
            self._remove_unfinished()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def _folder(self, step):
        return self.path / f"{step:08d}"

    def _best_of(self, steps):
        ranks = {step: self._scores[step]["rank"] for step in steps if step in self._scores}
        return min(ranks, key=ranks.__getitem__) if ranks else None

    def _complete(self):
        """Adds the score and the checksums to a checkpoint whose files are all written; orbax calls it before it names it complete."""
        folder = next(self.path.glob(f"{self._under_way:08d}{UNFINISHED}*"), self._folder(self._under_way))
        if self._under_way in self._scores:
            write_atomic(folder / SCORE, json.dumps(self._scores[self._under_way]))
        write_checksums(folder, except_for=WRITTEN_LAST)

    def _check(self, step):
        """Raises ValueError if the files of a step are damaged, in all processes alike; the first one reads them."""
        damage = find_damage(self._folder(step)) if jax.process_index() == 0 else None
        if jax.process_count() > 1 and multihost_utils.broadcast_one_to_all(np.asarray(damage is not None, np.int32)):
            damage = damage or "its files do not fit its checksums"
        if damage:
            raise ValueError(damage)

    def _check_shapes(self, step, abstract):
        """Raises ValueError for a state with other shapes than a checkpoint whose shapes can be read."""
        try:
            with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader:
                tree = reader.metadata(self.path / f"{step:08d}" / "state").item_metadata.tree
            found = {name: tuple(leaf.shape) for name, leaf in by_name(tree).items()}
        except Exception:  # of a damaged checkpoint, which restoring it will tell of
            return
        wanted = {name: x.shape for name, x in by_name(abstract).items() if not jnp.issubdtype(x.dtype, jax.dtypes.prng_key)}
        differing = [name for name, shape in wanted.items() if found.get(name, shape) != shape]
        if differing:
            first = f"{differing[0]} has shape {found[differing[0]]} and should have {wanted[differing[0]]}"
            raise ValueError(
                f"the checkpoint of step {step} in {self.path} does not fit the configuration: {first} ({len(differing)} such arrays);"
                " resume with the configuration of before, or start a new run"
            )

    @contextlib.contextmanager
    def _readable(self, step: int) -> Iterator[None]:
        """Names the checkpoint in errors of reading it."""
        if step not in self.steps():
            raise FileNotFoundError(f"expected one of the steps {self.steps()} in {self.path}, found {step}")
        try:
            self._check(step)
            yield
        except Exception as error:  # whatever a damaged file leads to
            others = [other for other in self.steps() if other != step]
            hint = f"take another step, one of {others}" if others else "there is no other one: restore it from a copy"
            raise ValueError(f"expected a checkpoint that can be read in {self._folder(step)}, found: {_reason(error)}; {hint}") from error

    @contextlib.contextmanager
    def _tolerate(self, what: str, when: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if not _from_disk(error):
                raise
            self._reason = _reason(error)
            self._trouble.warn(f"{what} {type(error).__name__}", f"{what} ({when}): {self._reason}; training goes on")
            self._remove_unfinished()

    def _remove_unfinished(self):
        """Removes what a failed save or a kill left; called where no save is under way. It would go on filling a full disk."""
        if jax.process_index() == 0:
            for unfinished in self.path.glob(f"*{UNFINISHED}"):
                shutil.rmtree(unfinished, ignore_errors=True)

    def _set_aside(self, failed):
        for step, error in failed.items():
            warnings.warn(f"the checkpoint of step {step} cannot be read and was set aside: {_reason(error)}", stacklevel=3)
            if jax.process_index() == 0:
                self._folder(step).rename(self.path / f"{step:08d}.unreadable-{os.getpid()}")
        if failed:
            self._manager.reload()


def quiet_orbax() -> None:
    """Keeps off standard error what orbax and its threads print about saves that failed: `Checkpoints` says it, in one line."""
    logging.getLogger("absl").addFilter(_not_from_orbax)
    logging.getLogger("asyncio").addFilter(_no_task_of_orbax)
    warnings.filterwarnings("ignore", r"coroutine '\w+\._\w+' was never awaited", RuntimeWarning)  # readers of arrays after a damaged one
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _ignore_closed_loops


def _not_from_orbax(record):
    return "orbax" not in record.pathname


def _no_task_of_orbax(record):
    """Whether a record of asyncio is about something else; after the first array that fails, nobody waits for the others."""
    if not record.exc_info:
        return True
    frames = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(record.exc_info[2])]
    return "OCDBT" not in str(record.exc_info[1]) and not any("orbax" in file for file in frames)  # its writers have no frames


def _ignore_closed_loops(unraisable):
    """These others still report to the event loop in which orbax waited, and which it has closed."""
    if str(unraisable.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(unraisable)


def _read_score(folder):
    """The score of a checkpoint and its rank; None if it has none that can be read."""
    if find_damage(folder, only=SCORE):
        return None  # the checkpoint is damaged, and will be found so when it is read
    for file in (folder / SCORE, folder / "metrics" / "metrics"):  # the second where there are no checksums yet
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            found = json.loads(file.read_bytes())
            return {"score": float(found["score"]), "rank": float(found.get("rank", found["score"]))}
    return None


def _probe(path):
    """Raises OSError if nothing can be written; orbax itself would keep its threads waiting for minutes."""
    probe = path / f".probe-{os.getpid()}"
    probe.touch()
    probe.unlink()


def _from_disk(error):
    return isinstance(error, OSError) or "os_error_code" in str(error)  # tensorstore wraps errors of the system in ValueErrors


def _reason(error):
    """One line; of errors of the system, which tensorstore words at length, what the system says."""
    number = re.search(r"os_error_code='(\d+)'", str(error))
    if number:
        return f"[Errno {number[1]}] {os.strerror(int(number[1]))}"
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0][:300] if lines else ''}"
