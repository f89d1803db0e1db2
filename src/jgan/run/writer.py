"""What the first process writes during a run: records, samples, the report, and how far it is."""

import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jgan import outputs
from jgan.evaluation.score import Score
from jgan.outputs.files import write_atomic
from jgan.run.collapse import collapse_warnings
from jgan.run.folder import Folder
from jgan.run.loggers import open_loggers
from jgan.run.metrics_log import MetricsLog, read_records
from jgan.run.plan import Leg
from jgan.run.progress import Progress
from jgan.run.report import write_report
from jgan.run.sampling import text_kind
from jgan.run.system import Sampling
from jgan.run.trouble import Trouble
from jgan.types import Fields, Spec


class Writer:
    """Files of one run: metrics.jsonl, samples/<images>..., score.json, report.html, and what its loggers show; a context manager.

    Args:
      folder: of the run.
      step: the number of steps already done.
      legs: where the stages lie.
      sampling: with the kinds of outputs.
      spec: of the data.
      score: of the run, or None.
      protocol: what the report says about how the run was made.
      log: names of loggers.
    """

    def __init__(
        self,
        folder: Folder,
        step: int,
        legs: Sequence[Leg],
        sampling: Sampling,
        spec: Spec,
        score: Score | None,
        protocol: Mapping[str, Any],
        log: Sequence[str] = (),
    ):
        self._folder, self._legs, self._score, self._sampling, self._trouble = folder, legs, score, sampling, Trouble()
        self._kinds = kinds_shown(sampling, spec)
        self._log, self._loggers = MetricsLog(folder.path, step), open_loggers(log, folder.path, folder.config)
        self._progress = Progress(legs[-1].images_at(legs[-1].last), self._images(step), criterion=score.criterion if score else None)
        about = {"protocol": dict(protocol)}
        if score is not None:
            about |= {"criterion": score.criterion, "lower_is_better": score.lower_is_better, "watched": dict(score.watched)}
            about["protocol"] = {"score": score.criterion, **score.protocol, **protocol}
        with self._trouble.tolerate("score.json is not written"):
            write_atomic(folder.path / "score.json", json.dumps(about, indent=2) + "\n")

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """Writes a record and shows it.

        Raises:
          SystemExit: if the folder of the run was removed or replaced.
        """
        self._check_folder()
        images = self._images(step)
        record = self._log.record(step, images, values)
        self._show("records", f"step {step}", lambda logger: logger.scalars(record))
        self._progress.update(images, record)
        watched = self._score.watched if self._score else {}
        if watched.keys() & record.keys():
            for message in collapse_warnings(read_records(self._folder.path / "metrics.jsonl"), watched):
                warnings.warn(message, stacklevel=3)

    def sample(self, step: int, drawn: Fields, beside: Mapping[str, np.ndarray]) -> None:
        """Writes outputs, beside them their conditions and true examples; SystemExit as of `record`."""
        self._check_folder()
        given = as_shown(self._sampling, beside, drawn)
        kinds = {name: kind for name, kind in self._kinds.items() if name in given}
        try:
            rendered = outputs.render(given, kinds)
        except ValueError as error:  # NaN, say: the run ends by its guards, not by its pictures
            warnings.warn(f"the samples of step {step} were not written: {error}", stacklevel=3)
            return
        with self._trouble.tolerate("samples are not written", f"step {step}"):
            outputs.write(self._folder.path / "samples", self._images(step), rendered)
        self._show("samples", f"step {step}", lambda logger: logger.samples(step, rendered))
        self.report()

    def report(self) -> None:
        if not self._holds_folder():
            return
        try:
            with self._trouble.tolerate("the report is not written"):
                write_report(self._folder.path, lambda message: self._trouble.warn(message, message))
        except ValueError as error:  # of a damaged file of the run
            self._trouble.warn("report", f"the report is not written: {error}; training goes on")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._show("last events", "the end", lambda logger: logger.close())
        self._progress.close()
        self.report()

    def _show(self, what, when, show):
        for name, logger in self._loggers.items():
            with self._trouble.tolerate(f"{what} are not shown in {name}", when):
                show(logger)

    def _check_folder(self):
        if not self._holds_folder():
            path = self._folder.path
            sys.exit(f"the folder of the run, {path}, was removed or replaced while it trained; nothing more is written, and the run ends")

    def _holds_folder(self):
        lock = self._folder.lock
        return lock is None or lock.in_place()

    def _images(self, step):
        leg = next((leg for leg in self._legs if step <= leg.last), self._legs[-1])
        return leg.images_at(step)


def kinds_shown(sampling: Sampling, spec: Spec) -> dict[str, outputs.Kind]:
    """Returns the kinds of what is shown of an example, in order: its conditions, its outputs, and what they should have been.

    A field of the data is shown as the output of its name is, as `real_...` beside it, else as an image or as text if it looks like one.
    """
    conditions = {_name_shown(name, sampling): _kind_of(name, sampling, spec) for name in sampling.conditions}
    truth = {_name_shown(name, sampling): _kind_of(name, sampling, spec) for name in sampling.truth}
    return {name: kind for name, kind in (conditions | dict(sampling.outputs) | truth).items() if kind is not None}


def as_shown(sampling: Sampling, rows: Mapping[str, np.ndarray], drawn: Fields) -> dict[str, Any]:
    """Returns fields of the data and outputs of the same examples, under the names of `kinds_shown`."""
    return {_name_shown(name, sampling): values for name, values in rows.items()} | dict(drawn)


def _name_shown(field, sampling):
    return f"real_{field}" if field in sampling.outputs else field


def _kind_of(name, sampling, spec):
    field = spec.fields[name]
    if name in sampling.outputs:
        return sampling.outputs[name]
    if len(field.shape) == 3 and field.shape[2] in (1, 3, 4) and field.dtype == np.uint8:
        return outputs.image()
    if len(field.shape) == 1 and name in spec.names and np.issubdtype(field.dtype, np.integer):
        return text_kind(spec.names[name])
    return None
