"""Two domains of images: aligned pairs, and sets without correspondence; and the feeds that bring both sides to the device.

The batches of all of them are {"image": uint8 [N, H, W, C], "target": uint8 [N, H, W, C]}.
"""

import dataclasses
from pathlib import PurePath
from typing import NamedTuple

import numpy as np

from jgan.data.collection import Collection
from jgan.data.feeds import Feed
from jgan.data.sources import CHANNELS, Source, open_collection, open_source, source_of


class Pairs(NamedTuple):
    """Aligned pairs: the same index is the same pair in all three."""

    both: Source  # images [H, W, 2C]: the channels of the input, then those of the target
    image: Source
    target: Source


def open_pairs(
    spec: str,
    *,
    resolution: int | tuple[int, int] | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
    reverse: bool = False,
) -> Pairs:
    """Opens a set of aligned pairs.

    Args:
      spec: one of
        `"shapes"`: the built-in set, from outlines to pictures;
        a folder, `.zip` or `.tar` whose images hold two of equal size side by side, the input on the left;
        a folder or archive with two folders in it, whose files go by the same names: the input is the first in alphabetical order. Both
        may be below `train` and `test`.
      resolution: side in pixels, or (H, W), of each image: its centre is cropped to that aspect and resized. None: as stored.
      channels: 1, 3 or 4, of each image. None: as stored; where the two differ, the larger number.
      split: `"train"` or `"test"`.
      limit: take at most so many pairs, evenly spaced over the set.
      reverse: from target to input.

    A pair of which one image is damaged is replaced as a whole: see `open_source`.

    Raises:
      ValueError: as `open_source`; images of odd width; a file without a partner.

    >>> pairs = open_pairs("shapes", resolution=16, limit=10)
    >>> pairs.both.shape, pairs.target.shape, pairs.image.read(3).dtype
    ((16, 16, 6), (16, 16, 3), dtype('uint8'))
    """
    size = (resolution, resolution) if isinstance(resolution, int) else resolution
    if channels is not None and channels not in CHANNELS:
        raise ValueError(f"channels={channels!r}: expected 1 (grey), 3 (RGB), 4 (RGBA) or None (as stored)")
    if spec == "shapes":
        from jgan.data import shapes

        joined = shapes.outlines(split, limit)
    else:
        collection = open_collection(spec, split, limit, size, None)
        joined = _two_folders(collection) if collection.labels is not None and len(collection.classes) == 2 else _side_by_side(collection)
    joined = _reversed(joined) if reverse else joined
    both = source_of(joined, spec, size, None if channels is None else 2 * channels, limit)
    half = both.shape[2] // 2
    return Pairs(both, _part(both, slice(0, half)), _part(both, slice(half, None)))


def open_domains(
    spec: str,
    *,
    resolution: int | tuple[int, int] | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
) -> tuple[Source, Source]:
    """Opens two sets of images without correspondence.

    Args:
      spec: a folder or archive with the folders trainA, trainB and, for the split "test", testA and testB; or `"pairs:..."`, the two sides
        of a set that `open_pairs` opens.
      resolution, channels, split, limit: as in `open_source`, for both.

    >>> sketches, pictures = open_domains("pairs:shapes", resolution=16, limit=10)
    >>> sketches.size, pictures.shape
    (10, (16, 16, 3))
    """
    settings = {"resolution": resolution, "channels": channels, "limit": limit}
    if spec.startswith("pairs:"):
        pairs = open_pairs(spec.removeprefix("pairs:"), split=split, **settings)
        return pairs.image, pairs.target
    first, second = (open_source(f"{spec}/{split}{letter}", **settings) for letter in "AB")
    if first.shape != second.shape:
        raise ValueError(f"expected domains of one shape, found {first.shape} and {second.shape}: give a resolution and channels")
    return first, second


def together(first: Source, second: Source) -> Source:
    """Both sets as one, labelled by the domain, 0 or 1: what a classifier learns to tell them apart from.

    >>> source = together(*open_domains("pairs:shapes", resolution=16, limit=3))
    >>> source.size, source.labels.tolist(), source.classes
    (6, [0, 0, 0, 1, 1, 1], ('A', 'B'))
    """
    labels = np.repeat(np.arange(2, dtype=np.int32), [first.size, second.size])

    def read(index):
        index = range(len(labels))[index]
        return first.read(index) if index < first.size else second.read(index - first.size)

    name = first.name if first.name == second.name else f"{first.name}+{PurePath(second.name).name}"
    return Source(name, first.shape, len(labels), read, labels, ("A", "B"))


def paired(feed: Feed) -> Feed:
    """The feed of `Pairs.both` with its two sides apart.

    >>> from jgan.data import resident
    >>> feed = paired(resident(open_pairs("shapes", resolution=16, limit=10).both, batch=4, seed=0))
    >>> item = next(feed.items(0, 1))
    >>> feed.lookup(feed.constants, {"index": item["index"][0]})["target"].shape
    (4, 16, 16, 3)
    """

    def lookup(constants, item):
        both = feed.lookup(constants, item)["image"]
        half = both.shape[3] // 2
        return {"image": both[..., :half], "target": both[..., half:]}

    return feed._replace(lookup=lookup)


def combined(**feeds: Feed) -> Feed:
    """Several feeds as one, whose batches have the images of each under its name. Give each its own seed: equal orders would pair them.

    >>> from jgan.data import resident
    >>> first, second = (resident(s, batch=4, seed=i) for i, s in enumerate(open_domains("pairs:shapes", resolution=16, limit=10)))
    >>> feed = combined(image=first, target=second)
    >>> next(feed.items(0, 2))["target"]["index"].shape
    (2, 4)
    """

    def lookup(constants, item):
        return {name: feed.lookup(constants[name], item[name])["image"] for name, feed in feeds.items()}

    def items(start_step, steps_per_item):
        parts = zip(*(feed.items(start_step, steps_per_item) for feed in feeds.values()), strict=True)
        return (dict(zip(feeds, part, strict=True)) for part in parts)

    return Feed({name: feed.constants for name, feed in feeds.items()}, lookup, items)


def _side_by_side(collection: Collection) -> Collection:
    from jgan.data import decode

    def look(index):
        height, width, channels = collection.look(index)
        if width % 2:
            raise ValueError(f"expected two images of equal width side by side, found a width of {width} pixels")
        return height, width // 2, 2 * channels

    def read(index, size, channels):
        height, width, _ = look(index)
        image = collection.read(index, (height, 2 * width), channels // 2)
        return np.concatenate([decode.adapt(part, size, channels // 2) for part in (image[:, :width], image[:, width:])], axis=2)

    return Collection(collection.names, look, read, None, ())


def _two_folders(collection: Collection) -> Collection:
    sides = _by_name(collection)
    alone = sorted(sides[0].keys() ^ sides[1].keys())
    if alone:
        present = collection.names[{**sides[0], **sides[1]}[alone[0]]]
        raise ValueError(f"{present} has no partner: expected files of the same names in {' and '.join(collection.classes)}")
    partners = [tuple(side[name] for side in sides) for name in sorted(sides[0])]

    def look(index):
        first, second = (collection.look(i) for i in partners[index])
        if first[:2] != second[:2]:
            raise ValueError(f"expected a pair of one size, found {first[:2]} and {second[:2]}")
        return *first[:2], 2 * max(first[2], second[2])

    def read(index, size, channels):
        return np.concatenate([collection.read(i, size, channels // 2) for i in partners[index]], axis=2)

    return Collection([collection.names[i] for i, _ in partners], look, read, None, ())


def _by_name(collection):
    """For each of the two folders, {path below it, without its ending: index}."""
    sides = {}, {}
    for index, label in enumerate(collection.labels()):
        path = collection.names[index].split(f"/{collection.classes[label]}/")[-1]
        sides[label][str(PurePath(path).with_suffix(""))] = index
    return sides


def _reversed(collection):
    def read(index, size, channels):
        return np.roll(collection.read(index, size, channels), channels // 2, axis=2)

    return collection._replace(read=read)


def _part(source, channels):
    size = len(range(source.shape[2])[channels])
    return dataclasses.replace(source, shape=(*source.shape[:2], size), read=lambda index: source.read(index)[..., channels])
