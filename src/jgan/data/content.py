"""What the examples of a source are: all of them in memory, where they fit, and their hash, so that nothing is decoded twice."""

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from jgan.data.combine import unpaired
from jgan.data.source import Source, read_rows, spread

RESIDENT_BYTES = 2**31  # sets up to this size are held in memory
CHUNK = 256  # examples that a thread reads at a time
LOOKED_AT = 4096  # examples of larger sets that are hashed


def fits(source: Source) -> bool:
    """Tells whether all examples are to be held in memory."""
    return source.bytes <= RESIDENT_BYTES


def held(source: Source) -> Source:
    """Returns the same source with every field as a column, so that nothing is decoded any more. All of it is read now.

    >>> from jgan.data import open_source
    >>> source = held(open_source("shapes", resolution=16, limit=10))
    >>> source.columns["image"].shape, source.read(3)["image"].base is source.columns["image"]
    ((10, 16, 16, 3), True)
    """
    if source.parts:
        return _of_parts(source, [held(part) for part in source.parts])
    if source.fields.keys() <= source.columns.keys():
        return source
    columns = _read_all(source)
    for values in columns.values():
        values.flags.writeable = False  # what is read is a view of it

    def read(index):
        index = range(source.size)[index]  # IndexError beyond the end
        return {name: values[index] for name, values in columns.items()}

    return source._replace(columns=columns, read=read)


def prepared(source: Source) -> Source:
    """Returns the same source with its hash, held in memory if it takes no more than RESIDENT_BYTES: for who reads it several times."""
    if source.parts:
        source = _of_parts(source, [prepared(part) for part in source.parts])
    elif fits(source):
        source = held(source)
    return source._replace(content=(source.read, data_hash(source)))


def data_hash(source: Source) -> str:
    """Computes the hash of what a source holds, wherever it lies: its fields, its size, and all examples in their order.

    Of sets of more than RESIDENT_BYTES all columns are taken, such as labels, and 4,096 examples that are spread evenly over the set: to
    read such a set whole takes minutes to hours.
    """
    if source.content is not None and source.content[0] is source.read:
        return source.content[1]
    if source.parts:
        return hash_of(*(data_hash(part).encode() for part in source.parts))
    about = [(name, field.shape, str(field.dtype)) for name, field in sorted(source.fields.items())]
    return hash_of(repr((about, source.size)).encode(), *_arrays(source))


def hash_of(*parts: bytes | memoryview) -> str:
    """Computes the first eight digits of a SHA-256."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:8]


def _read_all(source):
    found = {name: np.empty((source.size, *field.shape), field.dtype) for name, field in source.fields.items()}

    def fill(start):
        rows = slice(start, min(start + CHUNK, source.size))
        for name, values in read_rows(source, np.arange(rows.start, rows.stop)).items():
            found[name][rows] = values

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # pillow decodes outside the interpreter lock
        list(pool.map(fill, range(0, source.size, CHUNK)))
    return found


def _arrays(source) -> Iterable[memoryview]:
    """The bytes of what is hashed."""
    whole = held(source).columns if fits(source) else source.columns
    yield from (_bytes(whole[name]) for name in sorted(whole))
    if not fits(source):
        rows = read_rows(source, spread(source.size, min(LOOKED_AT, source.size)))
        yield from (_bytes(rows[name]) for name in sorted(rows))


def _bytes(array):
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _of_parts(source, parts):
    return source._replace(parts=tuple(parts), read=unpaired(*parts).read)
