"""What the first process writes during a run: records, samples, the report, and how far it is."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from jgan.run.alarm import WATCHED, collapse_alarms
from jgan.run.folder import Folder
from jgan.run.images import grid, save_png
from jgan.run.progress import Progress
from jgan.run.recorder import Recorder, read_records, tolerate_disk_trouble
from jgan.run.report import write_report


class Writer:
    """Files of one run: metrics.jsonl, tensorboard/, samples/<images>.png, report.html; a context manager.

    Args:
      folder: of the run.
      step: the number of steps already done.
      batch_size: images per step.
      total_steps: of the whole run.
      columns: of the grids of samples; None for about square ones.
      protocol: what the report says about how the run was made and scored.
    """

    def __init__(self, folder: Folder, step: int, batch_size: int, total_steps: int, columns: int | None, protocol: Mapping[str, Any]):
        self._folder, self._batch_size, self._columns, self._protocol = folder, batch_size, columns, protocol
        self._recorder = Recorder(folder.path, step)
        self._progress = Progress(total_steps * batch_size, step * batch_size)

    def record(self, step: int, values: Mapping[str, float]) -> None:
        images = step * self._batch_size
        record = self._recorder.record(step, images, values)
        self._progress.update(images, record)
        if WATCHED.keys() & record.keys():
            for message in collapse_alarms(read_records(self._folder.path / "metrics.jsonl")):
                warnings.warn(message, stacklevel=3)

    def sample(self, step: int, images: np.ndarray) -> None:
        """Images [N, H, W, C] in [-1, 1], as one grid."""
        with tolerate_disk_trouble(f"the samples of step {step} were not written"):
            (self._folder.path / "samples").mkdir(exist_ok=True)
            save_png(self._folder.path / "samples" / f"{step * self._batch_size:08d}.png", grid(images, self._columns))
        self.report()

    def report(self) -> None:
        with tolerate_disk_trouble("the report was not written"):
            write_report(self._folder.path, self._folder.experiment, self._folder.config, self._protocol)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._recorder.close()
        self._progress.close()
        self.report()
