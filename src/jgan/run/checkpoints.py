"""Checkpoints: saved in the background, complete or absent, restored onto any number of devices."""

import contextlib
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint.checkpoint_managers import preservation_policy as policies

UNFINISHED = "*.orbax-checkpoint-tmp"


class Checkpoints:
    """The checkpoints of one run: the last few, and the best by score.

    Saving happens in the background; a save that is cut short leaves nothing that would be restored. If the disk is full or the folder
    cannot be written, that is warned about and training goes on. With several processes all must make the same calls.

    Args:
      path: the folder; made if absent.
      keep: how many of the latest checkpoints stay. The one with the lowest score stays besides.
    """

    def __init__(self, path: str | Path, keep: int = 2):
        self.path = Path(path).resolve()
        best = policies.BestN(n=1, get_metric_fn=_score_of, reverse=True, keep_checkpoints_without_metrics=False)
        options = ocp.CheckpointManagerOptions(
            step_format_fixed_length=8,
            best_fn=_score_of,
            best_mode="min",
            preservation_policy=policies.AnyPreservationPolicy([policies.LatestN(keep), best]),
        )
        self._manager = ocp.CheckpointManager(self.path, options=options, item_names=("state",))

    def steps(self) -> list[int]:
        """The steps of which there is a checkpoint, ascending."""
        return sorted(self._manager.all_steps())

    def scores(self) -> dict[int, float]:
        """The score of each checkpoint that has one; the best is the lowest."""
        metrics = {step: self._manager.metrics(step) for step in self.steps()}
        return {step: _score_of(m) for step, m in metrics.items() if m}

    def best_step(self) -> int:
        """The step with the lowest score; the latest if none has one.

        Raises:
          FileNotFoundError: if there is no checkpoint.
        """
        if not self.steps():
            raise FileNotFoundError(f"expected a checkpoint in {self.path}, found none; the run has not saved one yet")
        scores = self.scores()
        return min(scores, key=scores.__getitem__) if scores else self.steps()[-1]

    def save(self, step: int, state: Any, score: float | None = None) -> None:
        """Begins to save; the state may be donated or changed as soon as this returns. A step that is saved already is left alone.

        Args:
          step: its number.
          state: a pytree of arrays.
          score: lower is better; the checkpoint with the lowest is kept. None for an unscored one.
        """
        self.wait()
        with self._disk_trouble(f"step {step} was not saved"):
            _probe(self.path)
            self._remove_unfinished()
            self._manager.reload()  # after a failed save its list is not that of the folder
            if step not in self.steps():
                metrics = None if score is None else {"score": float(score)}
                self._manager.save(step, args=ocp.args.Composite(state=ocp.args.StandardSave(state)), metrics=metrics, force=True)

    def wait(self) -> None:
        """Returns when the save under way has ended."""
        with self._disk_trouble("the last checkpoint was not completed"):
            self._manager.wait_until_finished()

    def restore_latest(self, abstract: Any) -> tuple[int, Any] | None:
        """The newest step and its state, or None if there is no checkpoint.

        If the newest cannot be read, the one before is taken, with a warning, and the unreadable one is set aside, renamed to
        `<step>.unreadable-<process>`.

        Args:
          abstract: the state as `jax.ShapeDtypeStruct`s with the shardings that are wanted; the devices may be others than at saving.

        Raises:
          the error of the newest checkpoint, if none can be read; a ValueError that names the leaf if the structure is another.
        """
        failed: dict[int, Exception] = {}
        for step in reversed(self.steps()):
            try:
                state = self._manager.restore(step, args=ocp.args.Composite(state=ocp.args.StandardRestore(abstract)))["state"]
            except Exception as error:  # whatever a damaged file leads to; raised below if no other checkpoint can be read either
                failed[step] = error
            else:
                self._set_aside(failed)
                return step, state
        if failed:
            raise next(iter(failed.values()))
        return None

    def restore_part(self, step: int, abstract: Any) -> Any:
        """A part of the state of one step, say only the averaged generator.

        Args:
          step: one of `steps()`.
          abstract: the wanted part, nested as in the state: a dict or a tuple of the same type with None for what is not wanted.

        Raises:
          FileNotFoundError: if there is no checkpoint of this step.
        """
        if step not in self.steps():
            raise FileNotFoundError(f"expected one of the steps {self.steps()} in {self.path}, found {step}")
        # One manager reads an item in one way, so the part needs a reader of its own.
        restore = ocp.args.PyTreeRestore(abstract, partial_restore=True, restore_args=ocp.checkpoint_utils.construct_restore_args(abstract))
        with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader:
            return reader.restore(self.path / f"{step:08d}" / "state", args=restore)

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


def restore_best(run: str | Path, step: int | None, wanted: Any) -> Any:
    """A part of the state of a run: of the best checkpoint by score, of the latest if there is no score, or of a given step.

    Args:
      run: the folder of the run.
      step: of the checkpoint, or None for the best.
      wanted: the part of the state, with shapes and dtypes for leaves.
    """
    with Checkpoints(Path(run) / "checkpoints") as checkpoints:
        return checkpoints.restore_part(checkpoints.best_step() if step is None else step, wanted)


def _score_of(metrics):
    return float(metrics["score"])


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
