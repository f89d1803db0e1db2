"""What every kind of source is first opened as, and the checks that all of them share."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Collection(NamedTuple):
    """Images that lie somewhere, not yet brought to one size. `look` and `read` raise ValueError for an image that is damaged."""

    names: Sequence[str]  # one per image, for messages
    look: Callable[[int], tuple[int, int, int]]  # index -> (H, W, C) as stored, without decoding where that can be avoided
    read: Callable[[int, tuple[int, int], int], np.ndarray]  # (index, (H, W), C) -> uint8 [H, W, C]
    labels: Callable[[], Any] | None  # () -> integers [len(names)]
    classes: tuple[str, ...]


def spread(total: int, limit: int | None) -> list[int]:
    """At most `limit` of `total` indices, evenly spaced, so that a part of a sorted set still holds all classes.

    >>> spread(10, 4)
    [0, 2, 5, 7]
    """
    if limit is None or limit >= total:
        return list(range(total))
    return [i * total // limit for i in range(limit)]


def survey(collection, indices):
    """Looks at every image: ([(index, shape)] of the usable ones, [(name, reason)] of the others)."""
    usable, skipped = [], []
    for index in indices:
        try:
            usable.append((index, collection.look(index)))
        except (ValueError, OSError) as error:
            skipped.append((collection.names[index], str(error)))
    return usable, tuple(skipped)


def agree(collection, usable, size, channels):
    """The (H, W, C) that all usable images are brought to; ValueError if they differ and the caller has not said what is wanted."""
    if size is None:
        size = _common(collection, usable, lambda shape: shape[:2], "sizes (height, width)", "resolution=... to crop and resize all")
    if channels is None:
        channels = _common(collection, usable, lambda shape: shape[2], "numbers of channels", "channels=1, 3 or 4 to convert all")
    return (*size, channels)


def _common(collection, usable, part, what, remedy):
    first_index, first_shape = usable[0]
    for index, shape in usable:
        if part(shape) != part(first_shape):
            raise ValueError(
                f"mixed {what}: {collection.names[first_index]} has {part(first_shape)},"
                f" {collection.names[index]} has {part(shape)}; pass {remedy}"
            )
    return part(first_shape)
