"""How the files of a set are read: what `open_source` and the settings of a system say about it."""

import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

LONG = 10  # seconds of work on a set, after which it is said what takes long, and after four times as many again
Item = TypeVar("Item")


class Reading(NamedTuple):
    """Choices that hold for every file of a set."""

    bit_depth: int | None = None  # of the numbers in greys that are stored in 16 bits; None: as the file says, else 16
    max_unpacked: int | None = None  # bytes, of an item and of a set; None: see `jgan.bounded.allowed`


AS_STORED = Reading()


def checked_reading(bit_depth: int | None, max_unpacked: int | None) -> Reading:
    """Returns the choices.

    Raises:
      ValueError: for a bit depth or a limit that cannot be meant.

    >>> checked_reading(12, None).bit_depth
    12
    """
    reading = Reading(bit_depth, max_unpacked)
    if reading.bit_depth is not None and not 1 <= reading.bit_depth <= 16:
        raise ValueError(f"bit_depth={reading.bit_depth!r}: expected 1 to 16 bits, or None (as the files say)")
    if reading.max_unpacked is not None and reading.max_unpacked < 1:
        raise ValueError(f"max_unpacked={reading.max_unpacked!r}: expected at least one byte, or None (by the size of the file and memory)")
    return reading


def watched(items: Iterable[Item], doing: Callable[[int, Item], str]) -> Iterator[Item]:
    """Yields items, and warns now and then if that takes long, so that nobody waits for a wrong folder.

    Args:
      items: any number of them.
      doing: (number of items so far, item) -> what is done, after "it takes long to".
    """
    began, patience = time.monotonic(), LONG
    for number, item in enumerate(items):
        if time.monotonic() - began > patience:
            patience = 4 * patience + 1
            warnings.warn(f"it takes long to {doing(number, item)}; is it the right place?", stacklevel=3)
        yield item
