"""Checkpoints: saved in the background, complete or absent, restored onto any number of devices."""

import contextlib
import functools
import math
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint.checkpoint_managers import preservation_policy as policies

UNFINISHED = "*.orbax-checkpoint-tmp"


class Checkpoints:
    """The checkpoints of one run: the last few, and the best by score.

    Saving happens in the background; a save that is cut short leaves nothing that would be restored. If the disk is full or the folder
    cannot be written, that is warned about and training goes on. With several processes all must make the same calls.

    Args:
      path: the folder; made if absent.
      keep: how many of the latest checkpoints stay. The best by score stays besides.
    """

    def __init__(self, path: str | Path, keep: int = 2):
        self.path = Path(path).resolve()
        best = policies.BestN(n=1, get_metric_fn=_rank_of, reverse=True, keep_checkpoints_without_metrics=False)
        options = ocp.CheckpointManagerOptions(
            step_format_fixed_length=8,
            best_fn=_rank_of,
            best_mode="min",
            preservation_policy=policies.AnyPreservationPolicy([policies.LatestN(keep), best]),
        )
        self._manager = ocp.CheckpointManager(self.path, options=options, item_names=("state",))

    def steps(self) -> list[int]:
        """The steps of which there is a checkpoint, ascending."""
        return sorted(self._manager.all_steps())

    def scores(self) -> dict[int, float]:
        """The score of each checkpoint that has one."""
        return {step: float(metrics["score"]) for step, metrics in self._metrics().items()}

    def best_step(self) -> int:
        """The step with the best score; the latest if none has one.

        Raises:
          FileNotFoundError: if there is no checkpoint.
        """
        if not self.steps():
            raise FileNotFoundError(f"expected a checkpoint in {self.path}, found none; the run has not saved one yet")
        ranks = {step: _rank_of(metrics) for step, metrics in self._metrics().items()}
        return min(ranks, key=ranks.__getitem__) if ranks else self.steps()[-1]

    def _metrics(self):
        metrics = {step: self._manager.metrics(step) for step in self.steps()}
        return {step: found for step, found in metrics.items() if found}

    def save(self, step: int, state: Any, score: float | None = None, lower_is_better: bool = True) -> None:
        """Begins to save; the state may be donated or changed as soon as this returns. A step that is saved already is left alone.

        Args:
          step: its number.
          state: a pytree of arrays.
          score: by which the best checkpoint is kept; None, or not finite, for an unscored one.
          lower_is_better: whether the best score is the lowest or the highest.
        """
        self.wait()
        with self._disk_trouble(f"step {step} was not saved"):
            _probe(self.path)
            self._remove_unfinished()
            self._manager.reload()  # after a failed save its list is not that of the folder
            if step not in self.steps():
                metrics = None
                if score is not None and math.isfinite(score):
                    metrics = {"score": float(score), "rank": float(score) if lower_is_better else -float(score)}
                self._manager.save(step, args=ocp.args.Composite(state=ocp.args.StandardSave(state)), metrics=metrics, force=True)

    def wait(self) -> None:
        """Returns when the save under way has ended."""
        with self._disk_trouble("the last checkpoint was not completed"):
            self._manager.wait_until_finished()

    def restore_latest(self, abstract: Callable[[int], Any]) -> tuple[int, Any] | None:
        """The newest step and its state, or None if there is no checkpoint.

        If the newest cannot be read, the one before is taken, with a warning, and the unreadable one is set aside, renamed to
        `<step>.unreadable-<process>`.

        Args:
          abstract: step -> the state as `jax.ShapeDtypeStruct`s with the shardings that are wanted; the devices may be others than at
            saving.

        Raises:
          the error of the newest checkpoint, if none can be read; a ValueError that names the leaf if the structure is another.
        """
        failed: dict[int, Exception] = {}
        for step in reversed(self.steps()):
            wanted = ocp.args.StandardRestore(abstract(step))  # an error of which is none of the checkpoint
            try:
                state = self._manager.restore(step, args=ocp.args.Composite(state=wanted))["state"]
            except Exception as error:  # whatever a damaged file leads to; raised below if no other checkpoint can be read either
                failed[step] = error
            else:
                self._set_aside(failed)
                return step, state
        if failed:
            raise next(iter(failed.values()))
        return None

    def restore_leaves(self, step: int, abstract: Any, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Some leaves of the state of one step, say only the averaged generator, by their path.

        Args:
          step: one of `steps()`.
          abstract: the whole state, as shapes and dtypes.
          names: the paths of the leaves, as "generator/params/kernel".

        Raises:
          FileNotFoundError: if there is no checkpoint of this step.
        """
        if step not in self.steps():
            raise FileNotFoundError(f"expected one of the steps {self.steps()} in {self.path}, found {step}")
        leaves = {_name(path): (path, leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(abstract) if _name(path) in set(names)}
        if any(isinstance(entry, jax.tree_util.SequenceKey) for path, _ in leaves.values() for entry in path):
            state = self._manager.restore(step, args=ocp.args.Composite(state=ocp.args.StandardRestore(abstract)))["state"]
            found = {_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(state)}
            return {name: np.asarray(found[name]) for name in names}
        part: dict = {}
        for path, leaf in leaves.values():
            *parents, last = [jax.tree_util.keystr((entry,), simple=True) for entry in path]
            functools.reduce(lambda tree, name: tree.setdefault(name, {}), parents, part)[last] = jax.ShapeDtypeStruct(
                leaf.shape, leaf.dtype
            )
        # One manager reads an item in one way, so the part needs a reader of its own.
        restore = ocp.args.PyTreeRestore(part, partial_restore=True, restore_args=ocp.checkpoint_utils.construct_restore_args(part))
        with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader:
            read = reader.restore(self.path / f"{step:08d}" / "state", args=restore)
        return {_name(path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(read)}

    def restore_raw(self, step: int) -> dict[str, np.ndarray]:
        """All leaves of the state of one step by their path, whatever made them."""
        path = self.path / f"{step:08d}" / "state"
        with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader:
            leaves = reader.metadata(path).item_metadata.tree
            as_arrays = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), leaves)
            read = reader.restore(path, args=ocp.args.PyTreeRestore(restore_args=as_arrays))
        return {_name(path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(read)}

    def close(self) -> None:
        """Waits for the save under way and lets go of the folder."""
        self.wait()
        self._manager.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    @contextlib.contextmanager
    def _disk_trouble(self, consequence: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if not _from_disk(error):
                raise
            warnings.warn(f"{consequence}: {_reason(error)}; training goes on", stacklevel=4)
            self._remove_unfinished()

    def _remove_unfinished(self):
        """Removes what a failed save or a kill left; called where no save is under way. It would go on filling a full disk."""
        if jax.process_index() == 0:
            for unfinished in self.path.glob(UNFINISHED):
                shutil.rmtree(unfinished, ignore_errors=True)

    def _set_aside(self, failed):
        for step, error in failed.items():
            warnings.warn(f"the checkpoint of step {step} cannot be read and was set aside: {_reason(error)}", stacklevel=3)
            if jax.process_index() == 0:
                (self.path / f"{step:08d}").rename(self.path / f"{step:08d}.unreadable-{os.getpid()}")
        if failed:
            self._manager.reload()


def _name(path):
    return jax.tree_util.keystr(path, simple=True, separator="/")


def _rank_of(metrics):
    return float(metrics.get("rank", metrics["score"]))


def _probe(path):
    """Raises OSError if nothing can be written; orbax itself would keep its threads waiting for minutes."""
    probe = path / f".probe-{os.getpid()}"
    probe.touch()
    probe.unlink()


def _from_disk(error):
    return isinstance(error, OSError) or "os_error_code" in str(error)  # tensorstore wraps errors of the system in ValueErrors


def _reason(error):
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0][:300] if lines else ''}"
