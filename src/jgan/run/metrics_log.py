"""The numbers of a run: one JSON object per line in metrics.jsonl."""

import json
import math
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jgan.outputs.files import append_whole, write_atomic
from jgan.run.trouble import Trouble

FILE = "metrics.jsonl"


class MetricsLog:
    """Writes records; opened at the step from which a run goes on, it drops what was recorded beyond it.

    A record has `step`, `images`, `seconds` (of training, over all resumes) and the values given. NaN and infinities are written as
    null. If the disk is full, that is warned about and the record is lost, nothing else.

    Args:
      path: the folder of the run.
      step: the number of steps already done.
    """

    def __init__(self, path: str | Path, step: int = 0):
        self._path, self._trouble = Path(path) / FILE, Trouble()
        kept = [r for r in read_records(self._path) if r["step"] <= step]
        with self._trouble.tolerate("earlier records are not looked through"):
            write_atomic(self._path, "".join(_line(r) for r in kept))
        self._begun = time.monotonic() - (kept[-1]["seconds"] if kept else 0.0)

    def record(self, step: int, images: int, values: Mapping[str, float]) -> dict[str, Any]:
        """Writes one record and returns it."""
        seconds = round(time.monotonic() - self._begun, 3)
        record = {"step": step, "images": images, "seconds": seconds} | {k: _finite_or_none(v) for k, v in values.items()}
        with self._trouble.tolerate("records are not written", f"step {step}"):
            append_whole(self._path, _line(record))
        return record


def read_records(path: str | Path) -> list[dict[str, Any]]:
    """Returns the records in a metrics.jsonl, in order; none if there is no such file. Lines that are no records are left out, with a
    warning.
    """
    path = Path(path)
    lines = path.read_bytes().splitlines() if path.exists() else []
    records = [_record_of(line) for line in lines]
    lost = [number for number, record in enumerate(records, start=1) if record is None]
    if lost:
        warnings.warn(f"{path}: {len(lost)} lines are no records and are left out, the first is line {lost[0]}", stacklevel=2)
    return [record for record in records if record is not None]


def _record_of(line):
    """What a line holds, None if that is no record: step, images, seconds and further numbers or null."""
    try:
        record = json.loads(line, parse_constant=lambda _: None)
        whole = all(type(record[name]) is int and record[name] >= 0 for name in ("step", "images"))
        numbers = [value for value in record.values() if value is not None]
        known = all(type(value) in (int, float) and math.isfinite(value) for value in numbers) and record["seconds"] is not None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    return record if whole and known else None


def _line(record):
    return json.dumps(record, allow_nan=False) + "\n"


def _finite_or_none(value):
    return float(value) if math.isfinite(value) else None
