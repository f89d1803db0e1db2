"""Images whose attributes are known: named, each with named values, as `attributes` int8 [A] of every example."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

import jax
import numpy as np

from jgan.data.combine import select
from jgan.data.labels import Labels, numbered
from jgan.data.layout import canonical_split
from jgan.data.open import checked_size, open_collection, source_of
from jgan.data.procedural import shapes
from jgan.data.source import Source
from jgan.data.tables import key_of, names_of, open_tables, rows_of

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
      spec: a folder, zip or tar of images in any folders, with a file attributes.csv at the top, or in the only folder there: a header,
        and rows whose first entry is the name of a file, with folders or without, with its ending or without. Files of one name in several
        folders share a row that names no folder.
      columns: those of the table that are attributes. "folder" is the folder that an image lies in, below the folder of its split.
      resolution, channels, split, limit: as in `jgan.data.open_source`.

    Raises:
      ValueError: as `open_source`; if the table is missing, lacks a column or the row of an image.
    """
    spec, size = str(spec), checked_size(resolution)
    collection = open_collection(spec, split, None, size)
    if not columns:
        raise ValueError(f"expected at least one attribute of {spec}, found none")
    table = _table(spec, [name for name in columns if name != "folder"])
    attributes = {name: _values(spec, name, collection, table) for name in columns}
    kinds, numbers = np.unique([of_one.numbers for of_one in attributes.values()], axis=1, return_inverse=True)
    alike = Labels(numbers.reshape(-1).astype(np.int32), tuple(map(str, range(kinds.shape[1]))))
    # An image that turns out to be damaged is replaced by one of its label: by one with the same attributes.
    source = source_of(collection._replace(labels=lambda: alike), spec, size, channels, limit, labels=True)
    kept = kinds[:, [int(source.names["label"][label]) for label in source.columns["label"]]]
    kept = {name: Labels(row.astype(np.int32), of_one.classes) for row, (name, of_one) in zip(kept, attributes.items(), strict=True)}
    return with_attributes(select(source, image="image"), kept)


def _values(spec, name, collection, table):
    """The values of a column for all images."""
    if name == "folder":
        return numbered([PurePath(file).parent.name for file in collection.paths])
    rows = [_row(file.removeprefix(f"{spec}/"), table) for file in collection.names]
    missing = [file for file, row in zip(collection.names, rows, strict=True) if row is None]
    if missing:
        raise ValueError(f"expected a row of {TABLE} for every image in {spec}, found none for {len(missing)}, first {missing[0]}")
    return numbered([row[name] for row in rows if row is not None], {row[name] for row in table.values()})


def _row(path, table):
    return next((table[name] for name in names_of(path) if name in table), None)


def _table(spec, columns):
    """The rows of the table by their first entry."""
    archive, outer, found = open_tables(Path(spec), (TABLE,))
    if not found:
        raise ValueError(f"expected {TABLE} in {spec}, found none; its rows name a file and its attributes")
    where = outer / found[0]
    try:
        text = archive.read(found[0]).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"expected a table in UTF-8 in {where}, found {error}; write it again") from error
    rows = rows_of(text, where)
    known = list(rows[0]) if rows else []
    missing = [name for name in columns if name not in known]
    if missing or not rows:
        raise ValueError(f"expected the columns {', '.join(columns)} in {TABLE} of {spec}, found {', '.join(map(str, known))}; name others")
    return _by_name(rows, known[0], columns, where)


def _by_name(rows, first, columns, where):
    table = {}
    for row in rows:
        name = key_of(row[first])
        values = {column: row[column] for column in columns}
        if table.setdefault(name, values) != values:
            raise ValueError(f"expected one row for {name} in {where}, found rows that differ; give its folder too, or leave one out")
    return table
