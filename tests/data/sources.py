"""Sources of all kinds of fields, made of arrays."""

import jax
import numpy as np

from jgan.data import Source


def source_of(fields, columns=(), names=None, name="arrays", reads=None):
    """A source of arrays [N, ...] by name; those in `columns` are columns too. Indices that are read are appended to `reads`."""
    size = len(next(iter(fields.values())))

    def read(index):
        index = range(size)[index]
        if reads is not None:
            reads.append(index)
        return {field: values[index] for field, values in fields.items()}

    shapes = {field: jax.ShapeDtypeStruct(values.shape[1:], values.dtype) for field, values in fields.items()}
    return Source(name, size, shapes, read, names or {}, {field: fields[field] for field in columns})


def numbers(size, start=0):
    """Images, labels, sound and text of which each example says its number."""
    count = np.arange(start, start + size)
    return {
        "image": np.broadcast_to(count[:, None, None, None], (size, 4, 6, 3)).astype(np.uint8),
        "label": (count % 3).astype(np.int32),
        "audio": np.float32(count)[:, None] + np.linspace(0, 0.5, 20, dtype=np.float32)[None],
        "tokens": np.stack([count, -count, count * 7], axis=1).astype(np.int32),
    }
