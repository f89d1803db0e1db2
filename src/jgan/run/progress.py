"""How far a run is: a bar on a terminal, plain lines elsewhere."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TextIO

import jax

IN_NOTEBOOK = "JPY_PARENT_PID"  # what Jupyter sets for the commands of a cell
OFTEN, SELDOM = 10, 60  # seconds between two lines about the same work: at first, and once it has lasted a minute


class Progress:
    """Shows images done, images per second, the score and, once it is known, the time left.

    The time left is for the images to come, at the pace since the first record: with scores, samples and checkpoints, without what
    came before, such as compiling.

    Args:
      total: images of the whole run.
      done: images done before, when it is resumed.
      stream: where to; on a terminal a bar is drawn, elsewhere and in notebooks every update is a line.
      criterion: the name of the number that is shown as the score.
      clock: () -> seconds.
    """

    def __init__(
        self,
        total: int,
        done: int = 0,
        stream: TextIO | None = None,
        criterion: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._total, self._stream, self._criterion, self._clock = total, stream or sys.stderr, criterion, clock
        self._first: tuple[float, int] | None = None  # when the first record came, and the images then
        drawn = self._stream.isatty() and IN_NOTEBOOK not in os.environ  # the output of a notebook's cell keeps each frame of a bar
        self._bar = _bar(self._stream) if drawn else None
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("", total=total, completed=done, values="")

    def update(self, images: int, record: Mapping[str, float | None]) -> None:
        """Shows a record; see `jgan.run.metrics_log`."""
        left = self._left(images)
        values = "  ".join([*summary(record, self._criterion), *([] if left is None else [f"{duration(left)} left"])])
        if self._bar is not None:
            self._bar.update(self._task, completed=images, values=values)
        else:
            _print(self._stream, f"{images:,} of {self._total:,} images  {values}".rstrip())

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def _left(self, images):
        """Seconds, or None at the first record and at the end."""
        now = self._clock()
        began, before = self._first = self._first or (now, images)
        return (now - began) / (images - before) * (self._total - images) if before < images < self._total else None


def say(message: str) -> None:
    """Prints a line about what a run is doing, on standard error, of the first process alone."""
    if jax.process_index() == 0:
        _print(sys.stderr, message)


def tell(*lines: str) -> None:
    """Prints lines about a run on standard output."""
    _print(sys.stdout, *lines)


def _print(stream: TextIO, *lines: str) -> None:
    """Prints lines. A run outlives whoever reads them: where nobody does any longer, they are lost."""
    try:
        print(*lines, sep="\n", file=stream, flush=True)
    except OSError:
        forget(stream)


def forget(stream: TextIO) -> None:
    """Lets all that is still printed to a stream go nowhere."""
    with contextlib.suppress(OSError, ValueError):  # a stream without a file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def waiting(work: str, often: float = OFTEN, seldom: float = SELDOM) -> Iterator[None]:
    """Says what a run is doing and, while that lasts, for how long it has; at the end how long it took, unless it was soon done.

    Args:
      work: such as "compiling".
      often: seconds between two lines, in the first minute.
      seldom: seconds between two lines thereafter.
    """
    say(work)
    started, done = time.monotonic(), threading.Event()
    teller = threading.Thread(target=_tell, args=(work, done, often, seldom), daemon=True, name="waiting")
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
    if time.monotonic() - started >= often:
        say(f"{work} took {duration(time.monotonic() - started)}")


def _tell(work, done, often, seldom):
    started = time.monotonic()
    while not done.wait(often if time.monotonic() - started < seldom else seldom):
        say(f"{work}: {duration(time.monotonic() - started)} so far")


def summary(record: Mapping[str, float | None], criterion: str | None = None) -> list[str]:
    """Returns the numbers that one looks at while waiting.

    >>> summary({"images_per_second": 1234.5, "distance": 12.3456, "generator/loss": 0.5}, criterion="distance")
    ['1,234 images/s', 'score 12.35']
    """
    parts = []
    speed = record.get("images_per_second")
    if speed:
        parts.append(f"{speed:,.0f} images/s" if speed >= 10 else f"{speed:.2g} images/s")
    score = record.get(criterion) if criterion else None
    if score is not None:
        parts.append(f"score {score:.4g}")
    return parts


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
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.completed:,.0f} images  {task.fields[values]}"))
    return Bar(*columns, console=Console(file=stream))
