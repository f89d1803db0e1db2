"""jgan data inspect PATH"""

from pathlib import Path

import numpy as np
import tyro

from jgan import outputs
from jgan.data import open_source
from jgan.data.describe import describe
from jgan.data.source import Source, read_rows
from jgan.ranges import Bits, Bytes, Columns, Count, Size


def inspect(
    path: tyro.conf.Positional[str],
    split: str = "train",
    limit: Count | None = None,
    resolution: Size = 64,
    columns: Columns = 8,
    rows: Columns = 32,
    bit_depth: Bits | None = None,
    max_unpacked: Bytes | None = None,
    out: Path = Path("classes.png"),
) -> None:
    """Prints what is understood of a set of images: splits, classes, sizes, channels, what is left out and why; saves a grid by class.

    Args:
        path: A folder, zip, tar, .npz, folder of idx files, tfds:NAME or shapes.
        split: The part to look at.
        limit: Maximum number of images, evenly spaced.
        resolution: Side of the images in the grid, pixels.
        columns: Images of each class in the grid, which has a row per class.
        rows: Maximum number of classes in the grid.
        bit_depth: Bits that greys of 16 bits use; as the files say if not given.
        max_unpacked: Most bytes to which an item or a set may unpack; by the size of the file and the memory if not given.
        out: The file of the grid.
    """
    outputs.check_path(out, {"image": outputs.image()})
    settings = {"split": split, "limit": limit, "resolution": resolution, "channels": 3, "bit_depth": bit_depth}
    settings |= {"max_unpacked": max_unpacked}
    try:
        source = open_source(path, labels=True, **settings)
    except ValueError as error:
        source = open_source(path, labels=False, **settings)  # raises again, unless it is the labels that are wrong
        print(f"without labels: {error}")
    print(*describe(source, few=None), sep="\n")
    shown = read_rows(source, by_class(source, columns, rows), ("image",))
    outputs.save(out, shown, {"image": outputs.image()}, columns)
    print(out)


def by_class(source: Source, columns: int, rows: int) -> np.ndarray:
    """Computes the indices of examples for a grid: a row of each class, again from its first where it has fewer; all rows without classes.

    >>> by_class(open_source("shapes", resolution=16, limit=600, labels=True), 3, 2).shape
    (6,)
    """
    labels = source.columns.get("label", np.zeros(source.size, np.int32))
    chosen = [np.flatnonzero(labels == label) for label in np.unique(labels)[:rows]]
    if len(chosen) == 1:
        return np.arange(source.size)[: columns * rows]
    return np.concatenate([np.resize(members, columns) for members in chosen])
