"""What every kind of source of images is first opened as, and the checks that all of them share."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jgan.data.labels import Labels, no_labels
from jgan.data.reading import watched

Shape = tuple[int, ...]  # as stored: (H, W, C) of an image


class Collection(NamedTuple):
    """Images that lie somewhere, not yet brought to one size. `look` and `read` raise ValueError for an example that is damaged."""

    names: Sequence[str]  # one per example, for messages
    look: Callable[[int], Mapping[str, Shape]]  # index -> shape of each field as stored, without decoding where that can be avoided
    read: Callable[[int, Mapping[str, Shape]], dict[str, np.ndarray]]  # (index, shapes) -> uint8 images of these shapes
    labels: Callable[[], Labels | None] = no_labels  # () -> those of all examples, if there are any; ValueError if they are wrong
    paths: Sequence[str] = ()  # of files: the place of each below the set and its split, "class/name.png"
    splits: Mapping[str, int] = {}  # the number of examples in each split, where there are several
    passed_over: Sequence[tuple[str, str]] = ()  # (file, reason) of images that are no examples of it
    note: str = ""  # what is to be said of the shapes, for people


def of_images(
    names: Sequence[str],
    look: Callable[[int], Shape],
    read: Callable[[int, tuple[int, int], int], np.ndarray],
    labels: Callable[[], Labels | None] = no_labels,
    paths: Sequence[str] = (),
    splits: Mapping[str, int] | None = None,
    passed_over: Sequence[tuple[str, str]] = (),
) -> Collection:
    """Returns a collection of single images.

    Args:
      names: one per image.
      look: index -> (H, W, C) as stored.
      read: (index, (H, W), C) -> uint8 [H, W, C].
      labels, paths, splits, passed_over: as in `Collection`.
    """

    def read_fields(index, shapes):
        height, width, channels = shapes["image"]
        return {"image": read(index, (height, width), channels)}

    return Collection(names, lambda index: {"image": look(index)}, read_fields, labels, paths, splits or {}, passed_over)


def survey(collection: Collection, indices: Sequence[int]) -> tuple[list[tuple[int, Mapping[str, Shape]]], tuple[tuple[str, str], ...]]:
    """Looks at every example: ([(index, shapes)] of the usable ones, [(name, reason)] of the others)."""
    usable, skipped = [], []
    for index in watched(indices, lambda number, index: f"look at {len(indices)} images: {number} up to {collection.names[index]}"):
        try:
            usable.append((index, collection.look(index)))
        except (ValueError, OSError) as error:
            skipped.append((collection.names[index], str(error)))
    return usable, tuple(skipped)


def agree(
    collection: Collection, usable: Sequence[tuple[int, Mapping[str, Shape]]], size: tuple[int, int] | None, channels: int | None
) -> dict[str, Shape]:
    """Computes the shape to which all usable examples are brought, of each field.

    Raises:
      ValueError: if they differ and the caller has not said what is wanted.
    """
    shapes = {}
    for field in usable[0][1]:
        found = [(collection.names[index], shape[field]) for index, shape in usable]
        remedy = "resolution=... (--resolution) to crop and resize all"
        height, width = size or _common(found, lambda shape: shape[:2], "sizes (height, width)", remedy)
        depth = channels or _common(found, lambda shape: shape[2], "numbers of channels", "channels=1, 3 or 4 (--channels) to convert all")
        shapes[field] = (height, width, depth)
    return shapes


def _common(found, part, what, remedy):
    first_name, first_shape = found[0]
    for name, shape in found:
        if part(shape) != part(first_shape):
            raise ValueError(f"mixed {what}: {first_name} has {part(first_shape)}, {name} has {part(shape)}; pass {remedy}")
    return part(first_shape)
