"""Trouble with the files of a run, on a full disk say: no file is worth ending it, and no warning is worth repeating at every record."""

import contextlib
import math
import time
import warnings
from collections.abc import Iterator

PAUSE = 600.0  # seconds before a kind of trouble is warned of again


class Trouble:
    """Warns of each kind of trouble once, and again after a pause.

    Args:
      pause: seconds.
    """

    def __init__(self, pause: float = PAUSE):
        self._pause, self._said = pause, {}

    def warn(self, kind: str, message: str) -> None:
        """Warns, unless it has warned of this kind within the pause."""
        now = time.monotonic()
        if now - self._said.get(kind, -math.inf) >= self._pause:
            self._said[kind] = now
            warnings.warn(message, stacklevel=4)

    @contextlib.contextmanager
    def tolerate(self, what: str, when: str = "") -> Iterator[None]:
        """Turns an OSError into a warning; its kind is `what` was not done, and why.

        Args:
          what: a sentence, such as "records are not written".
          when: where it happened, such as "step 8".
        """
        try:
            yield
        except OSError as error:
            place = f" ({when})" if when else ""
            self.warn(f"{what} {type(error).__name__} {error.errno}", f"{what}{place}: {error}; training goes on")
