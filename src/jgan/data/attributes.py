"""Images whose attributes are known: named, each with named values, as `attributes` int8 [A] of every example."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

import jax
import numpy as np

from jgan.data.archives import open_archive
from jgan.data.combine import select
from jgan.data.labels import Labels, numbered
from jgan.data.layout import canonical_split
from jgan.data.open import checked_size, open_collection, source_of
from jgan.data.procedural import shapes
from jgan.data.source import Source

TABLE = "attributes.csv"


def with_attributes(source: Source, attributes: Mapping[str, Labels]) -> Source:
    """Adds the field `attributes` to a source.

    Args:
      source: any.
      attributes: name -> the values of all examples, in their order.

    Raises:
      ValueError: if there are none, not one value per example, an example without one, or more than 127 values.

    >>> from jgan.data import open_source
    >>> source = open_source("shapes", resolution=16, limit=3)
    >>> known = with_attributes(source, {"size": numbered(["large", "small", "large"])})
    >>> known.read(1)["attributes"].tolist(), known.names["attributes"], known.names["size"]
    ([1], ('size',), ('large', 'small'))
    """
    for name, of_one in attributes.items():
        if len(of_one.numbers) != source.size or of_one.numbers.min() < 0 or len(of_one.classes) > 127:
            found = f"{len(of_one.numbers)} of {len(of_one.classes)} kinds, the least {of_one.numbers.min()}"
            raise ValueError(f"expected {source.size} values of {name} of {source.name}, of at most 127 kinds from 0, found {found}")
    if not attributes:
        raise ValueError(f"expected at least one attribute of {source.name}, found none")
    values = np.stack([of_one.numbers.astype(np.int8) for of_one in attributes.values()], axis=1)

    def read(index):
        return source.read(index) | {"attributes": values[index]}

    return source._replace(
        fields={**source.fields, "attributes": jax.ShapeDtypeStruct(values.shape[1:], values.dtype)},
        read=read,
        names={**source.names, "attributes": tuple(attributes), **{name: of_one.classes for name, of_one in attributes.items()}},
        columns={**source.columns, "attributes": values},
    )


def known_attributes(source: Source, split: str) -> Source:
    """Returns a source with the field `attributes`: as it is if it has them; kind and colour of shapes; or its classes, as `label`.

    Args:
      source: all images of a split, or the first of them.
      split: the split that was opened.

    Raises:
      ValueError: if nothing is known of its images.

    >>> from jgan.data import open_source
    >>> known_attributes(open_source("shapes", resolution=16, limit=3), "train").names["attributes"]
    ('kind', 'colour')
    """
    if "attributes" in source.fields:
        return source
    if source.name.split(":")[0] == "shapes":
        return with_attributes(source, shapes.attributes(canonical_split(split) or split, source.size))
    if "label" not in source.columns:
        raise ValueError(f"expected images with attributes or classes, found {', '.join(source.fields)} in {source.name}")
    return with_attributes(source, {"label": Labels(source.columns["label"], source.names["label"])})


def open_attributes(
    spec: str | Path,
    columns: Sequence[str],
    *,
    resolution: int | tuple[int, int] | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
) -> Source:
    """Opens images with a table of their attributes.

    Args:
      spec: a folder, or a .zip, of images in any folders, with a file attributes.csv: a header, and rows whose first entry is the name of
        a file, with its ending or without. Files of one name in several folders share a row.
      columns: those of the table that are attributes. "folder" is the folder that an image lies in, below the folder of its split.
      resolution, channels, split, limit: as in `jgan.data.open_source`.

    Raises:
      ValueError: as `open_source`; if the table is missing, lacks a column or the row of an image.
    """
    spec, size = str(spec), checked_size(resolution)
    collection = open_collection(spec, split, None, size)
    files = tuple(collection.paths)
    if not columns:
        raise ValueError(f"expected at least one attribute of {spec}, found none")
    table = _table(spec, [name for name in columns if name != "folder"])
    attributes = {name: _of_paths(spec, name, [PurePath(file) for file in files], table) for name in columns}
    kinds, numbers = np.unique([of_one.numbers for of_one in attributes.values()], axis=1, return_inverse=True)
    alike = Labels(numbers.reshape(-1).astype(np.int32), tuple(map(str, range(kinds.shape[1]))))
    # An image that turns out to be damaged is replaced by one of its label: by one with the same attributes.
    source = source_of(collection._replace(labels=lambda: alike), spec, size, channels, limit, labels=True)
    kept = kinds[:, [int(source.names["label"][label]) for label in source.columns["label"]]]
    kept = {name: Labels(row.astype(np.int32), of_one.classes) for row, (name, of_one) in zip(kept, attributes.items(), strict=True)}
    return with_attributes(select(source, image="image"), kept)


def _of_paths(spec, name, paths, table):
    if name == "folder":
        return numbered([path.parent.name for path in paths])
    missing = [str(path) for path in paths if path.name not in table and path.stem not in table]
    if missing:
        raise ValueError(f"expected a row of {TABLE} for every image in {spec}, found none for {len(missing)}, first {missing[0]}")
    rows = [table.get(path.name) or table[path.stem] for path in paths]
    return numbered([row[name] for row in rows], {row[name] for row in table.values()})


def _table(spec, columns):
    """The rows of the table by their first entry."""
    path = Path(spec)
    archive = open_archive(path)
    if TABLE not in archive.names:
        raise ValueError(f"expected {TABLE} in {path}, found none; its rows name a file and its attributes")
    try:
        rows = list(csv.DictReader(io.StringIO(archive.read(TABLE).decode("utf-8-sig")), restval=""))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"expected a table in UTF-8 in {path / TABLE}, found {error}") from error
    known = list(rows[0]) if rows else []
    missing = [name for name in columns if name not in known]
    if missing or not rows:
        raise ValueError(f"expected the columns {', '.join(columns)} in {TABLE} of {spec}, found {', '.join(map(str, known))}; name others")
    return {row[known[0]]: row for row in rows}
