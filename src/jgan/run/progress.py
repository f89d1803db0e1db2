"""How far a run is: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import jax


class Progress:
    """Shows images done, images per second, the score and the time left.

    Args:
      total: images of the whole run.
      done: images done before, when it is resumed.
      stream: where to; on a terminal a bar is drawn, otherwise every update is a line.
      criterion: the name of the number that is shown as the score.
    """

    def __init__(self, total: int, done: int = 0, stream: TextIO | None = None, criterion: str | None = None):
        self._total, self._stream, self._criterion = total, stream or sys.stderr, criterion
        self._bar = _bar(self._stream) if self._stream.isatty() else None
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("", total=total, completed=done, values="")

    def update(self, images: int, record: Mapping[str, float | None]) -> None:
        """Shows a record; see `jgan.run.metrics_log`."""
        if self._bar is not None:
            self._bar.update(self._task, completed=images, values=summary(record, self._criterion))
        else:
            speed = record.get("images_per_second")
            left = duration((self._total - images) / speed) if speed else "?"
            print(f"{images:,} of {self._total:,} images  {summary(record, self._criterion)}  {left} left", file=self._stream, flush=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def say(message: str) -> None:
    """Prints a line about what a run is doing, on standard error, of the first process alone."""
    if jax.process_index() == 0:
        print(message, file=sys.stderr, flush=True)


def announced(function: Callable[..., Any], before: str, after: str) -> Callable[..., Any]:
    """Returns the same function, whose first call is announced, waited for, and reported with the time that it took."""
    called = False

    def call(*arguments):
        nonlocal called
        if called:
            return function(*arguments)
        called, started = True, time.monotonic()
        say(before)
        result = jax.block_until_ready(function(*arguments))
        say(f"{after} after {duration(time.monotonic() - started)}")
        return result

    return call


def summary(record: Mapping[str, float | None], criterion: str | None = None) -> str:
    """Returns the numbers that one looks at while waiting.

    >>> summary({"images_per_second": 1234.5, "distance": 12.3456, "generator/loss": 0.5}, criterion="distance")
    '1,234 images/s  score 12.35'
    """
    parts = []
    if record.get("images_per_second"):
        parts.append(f"{record['images_per_second']:,.0f} images/s")
    score = record.get(criterion) if criterion else None
    if score is not None:
        parts.append(f"score {score:.4g}")
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """Returns a time in seconds, or in hours and minutes.

    >>> duration(59), duration(3_700), duration(100_000)
    ('59 s', '1:01 h', '27:46 h')
    """
    minutes = int(seconds // 60)
    if not minutes:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d} h"


def _bar(stream):
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.completed:,.0f} images  {task.fields[values]}"))
    return Bar(*columns, TimeRemainingColumn(), console=Console(file=stream))
