"""What data are to the rest of the library: examples of named fields, in a fixed order."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import numpy as np

from jgan.types import Spec

Example = dict[str, np.ndarray]  # one example: named fields without a batch axis
CHUNK = 256  # examples that one thread reads


class Origin(NamedTuple):
    """What a source was opened from, as it lies there."""

    shapes: Mapping[tuple[int, ...], int] = {}  # (H, W, C) as stored -> number of images or clips
    splits: Mapping[str, int] = {}  # number of examples in each split, where there are several
    lengths: tuple[int, ...] = ()  # of the clips or recordings of which examples are windows: frames or samples
    note: str = ""  # what else is to be said of the shapes


class Source(NamedTuple):
    """A set of examples. What `read` yields has the shapes and dtypes of `fields`."""

    name: str  # what it was opened from, for protocols
    size: int  # number of usable examples
    fields: Mapping[str, jax.ShapeDtypeStruct]  # of one example: image, label, input, target, mask, caption, video, audio, tokens, ...
    read: Callable[[int], Example]
    names: Mapping[str, tuple[str, ...]] = {}  # of the classes of `label`, of attributes, of the vocabulary of `tokens`
    columns: Mapping[str, np.ndarray] = {}  # fields of all examples at once, such as labels: [size, ...]; `read` has them too
    skipped: tuple[tuple[str, str], ...] = ()  # (file, reason) of the files left out when it was opened
    damaged: Mapping[str, str] = {}  # file -> reason, filled by `read`: another example stood in for these
    origin: Origin | None = None  # None if it is made of other sources
    parts: tuple["Source", ...] = ()  # of `jgan.data.combine.unpaired`: the sets whose examples are drawn independently
    content: tuple[Callable[[int], Example], str] | None = None  # of `jgan.data.content.prepared`: what is read, and its hash
    rates: Mapping[str, float] = {}  # samples per second of `audio`, frames per second of `video`

    @property
    def spec(self) -> Spec:
        """What a network has to know of the data."""
        return Spec(dict(self.fields), dict(self.names), dict(self.rates))

    @property
    def bytes(self) -> int:
        """The memory that all examples would take."""
        return self.size * sum(field.dtype.itemsize * int(np.prod(field.shape)) for field in self.fields.values())


def read_rows(source: Source, indices: np.ndarray, fields: tuple[str, ...] | None = None) -> dict[str, np.ndarray]:
    """Reads the examples at `indices`, as arrays [N, ...] of some fields or of all; whole columns are indexed, not read.

    Raises:
      ValueError: if there is no such field, or what was read has not its shape and dtype.

    >>> from jgan.data import open_source
    >>> rows = read_rows(open_source("shapes", resolution=16, limit=10, labels=True), np.asarray([3, 5]))
    >>> {name: (values.shape, str(values.dtype)) for name, values in rows.items()}
    {'image': ((2, 16, 16, 3), 'uint8'), 'label': ((2,), 'int32')}
    """
    wanted = tuple(source.fields) if fields is None else fields
    found = {name: source.columns[name][indices] for name in wanted if name in source.columns}
    missing = [name for name in wanted if name not in found]
    found |= {name: np.empty((len(indices), *source.spec.shape(name)), source.fields[name].dtype) for name in missing}

    def fill(rows: range) -> None:
        for row in rows:
            example = source.read(int(indices[row]))
            for name in missing:
                found[name][row] = _checked(source, name, example[name])

    if missing:
        chunks = [range(start, min(start + CHUNK, len(indices))) for start in range(0, len(indices), CHUNK)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # pillow decodes outside the interpreter lock
            list((map if len(chunks) == 1 else pool.map)(fill, chunks))
    return {name: found[name] for name in wanted}


def spread(size: int, count: int) -> np.ndarray:
    """Computes `count` indices below `size`, evenly spaced, again from the first where there are fewer examples than wanted.

    >>> spread(10, 4).tolist(), spread(2, 5).tolist()
    ([0, 2, 5, 7], [0, 1, 0, 1, 0])
    """
    if count <= size:
        return np.arange(count) * size // count
    return np.arange(count) % size


def by_turns(source: Source, count: int) -> np.ndarray:
    """Computes `count` indices of examples to look at: classes take turns where there are labels, else they are evenly spaced."""
    labels = source.columns.get("label")
    if labels is None or labels.ndim != 1:
        return spread(source.size, count)
    of_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return np.asarray([of_class[i % len(of_class)][i // len(of_class) % len(of_class[i % len(of_class)])] for i in range(count)])


def _checked(source, name, value):
    """A value of a field, if it is what the source says: an array of another shape would be repeated silently further on."""
    field, dtype = source.fields[name], np.asarray(value).dtype
    if np.shape(value) != field.shape or dtype != field.dtype:
        raise ValueError(
            f"expected {name} of {source.name} as {field.dtype} {list(field.shape)}, found {dtype} {list(np.shape(value))}; correct its"
            " `fields` or its `read`"
        )
    return value
