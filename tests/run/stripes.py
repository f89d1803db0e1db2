"""Images whose classes are easily told apart."""

import jax
import numpy as np

from jgan.data import Source


def source_of(images, labels=None, name="folder/stripes.zip"):
    """A source of images [N, H, W, C] and, perhaps, their labels [N], a column."""
    columns = {} if labels is None else {"label": labels}
    fields = {name: jax.ShapeDtypeStruct(values.shape[1:], values.dtype) for name, values in ({"image": images} | columns).items()}
    names = {name: tuple(map(str, range(int(values.max()) + 1))) for name, values in columns.items()}

    def read(i):
        return {"image": images[i]} | {name: values[i] for name, values in columns.items()}

    return Source(name, len(images), fields, read, names, columns)


def stripes(count, height=16, width=16, seed=0):
    """Images brighter to one side, 0 for the left and 1 for the top: classes and quarter turns that are easily told apart."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, count).astype(np.int32)
    ramps = np.stack([np.tile(np.linspace(200, 0, width), (height, 1)), np.tile(np.linspace(200, 0, height)[:, None], (1, width))])
    images = ramps[labels][..., None] + generator.uniform(0, 55, (count, height, width, 3))
    return images.astype(np.uint8), labels
