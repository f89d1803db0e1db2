"""Images whose classes lie in folders within folders, and pairs of different images of one class."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import jax
import numpy as np

from jgan.data.content import held
from jgan.data.labels import numbered
from jgan.data.open import check_choices, checked_size, open_collection, source_of
from jgan.data.reading import checked_reading
from jgan.data.source import Source


def open_nested(
    spec: str | Path,
    *,
    resolution: int | tuple[int, int] | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
    bit_depth: int | None = None,
    max_unpacked: int | None = None,
) -> Source:
    """Opens images with labels, whose classes are the folders that they lie in with those above them: `Greek/character01`.

    Args:
      spec, resolution, channels, split, limit, bit_depth, max_unpacked: as of `open_source`. Sets that are no files keep their classes.

    Raises:
      ValueError: as `open_source` with labels.

    >>> open_nested("shapes", resolution=16, limit=10).names["label"][:2]
    ('circle', 'square')
    """
    size = checked_size(resolution)
    check_choices(channels, limit)
    images = open_collection(str(spec), split, None, size, reading=checked_reading(bit_depth, max_unpacked))
    if images.paths:
        folders = [str(PurePosixPath(path).parent) for path in images.paths]
        images = images._replace(labels=lambda: numbered(_below(folders)))
    return source_of(images, str(spec), size, channels, limit, True)


def rows_of(source: Source, groups: Sequence[str]) -> np.ndarray:
    """Finds the examples [N] of some classes: those with the name of a group, or of a folder that they lie in; bool.

    Raises:
      ValueError: if a group has no class.

    >>> rows_of(open_nested("shapes", resolution=16, limit=4), ["square"]).dtype
    dtype('bool')
    """
    names = source.names["label"]
    chosen = {group: [i for i, name in enumerate(names) if f"{name}/".startswith(f"{group}/")] for group in groups}
    if empty := [group for group, found in chosen.items() if not found]:
        tops = list(dict.fromkeys(name.split("/")[0] for name in names))
        raise ValueError(f"expected classes of {source.name}, or folders of them, such as {', '.join(tops[:10])}, found {', '.join(empty)}")
    return np.isin(source.columns["label"], [i for found in chosen.values() for i in found])


def classmates(source: Source, partners: int) -> Source:
    """Returns pairs of every image, as `input`, with others of its class, as `target`, in a fixed order; `label` stays.

    Images are held in memory.

    The order in which a run sees pairs is a function of its seed, the epoch and the place in it, as of any source, so nothing is drawn
    here: the k-th of K partners of the i-th of n images is the one (1 + k (n - 1) // K) places after it, again from the first.

    Args:
      source: of the fields `image` and `label`.
      partners: of each image, K; of small classes as many as there are.

    Raises:
      ValueError: if no class has two images.

    >>> pairs = classmates(open_nested("shapes", resolution=16, limit=20), 2)
    >>> sorted(pairs.fields), pairs.size, bool((pairs.read(0)["input"] != pairs.read(0)["target"]).any())
    (['input', 'label', 'target'], 34, True)
    """
    source, labels = held(source), source.columns["label"]
    found = [_pairs(np.flatnonzero(labels == label), partners) for label in np.unique(labels)]
    pairs = np.concatenate(found)
    if not len(pairs):
        raise ValueError(f"expected classes of two images or more, found one of each in {source.name}")
    image = source.fields["image"]
    fields = {"input": image, "target": image, "label": jax.ShapeDtypeStruct((), np.int32)}
    chosen = labels[pairs[:, 0]]

    def read(index):
        first, second = (source.read(int(place))["image"] for place in pairs[index])
        return {"input": first, "target": second, "label": chosen[index]}

    return source._replace(size=len(pairs), fields=fields, read=read, columns={"label": chosen}, content=None)


def _pairs(members, partners):
    """Indices [P, 2] of the images of a class and of their partners."""
    n = len(members)
    count = min(partners, n - 1)
    steps = 1 + np.arange(count) * (n - 1) // max(1, count)
    places = np.arange(n)[:, None]
    return np.stack([np.broadcast_to(members[places], (n, count)), members[(places + steps) % n]], axis=-1).reshape(-1, 2)


def _below(folders):
    """Folders without those that all of them are in."""
    top = os.path.commonpath(folders) if len(set(folders)) > 1 else str(PurePosixPath(folders[0]).parent)
    return [os.path.relpath(folder, top) if top else folder for folder in folders]
