"""Attributes as something that is there or not: glasses, whatever kind they are of."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jgan.data.attributes import open_attributes, with_attributes
from jgan.data.combine import select
from jgan.data.labels import Labels
from jgan.data.open import open_source
from jgan.data.source import Source

ABSENT = ("none", "no", "n", "0", "0.0", "-1", "-1.0", "false", "off", "absent", "without", "closed", "")  # in any case


def open_presence(
    spec: str | Path,
    attributes: Sequence[str],
    *,
    resolution: int | tuple[int, int] | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
) -> Source:
    """Opens images with `attributes` int8 [A], each 1 if it is there and 0 if not; see `presence`.

    Args:
      spec: "faces" and its variants, or a folder or .zip of images with a table, as of `open_attributes`.
      attributes: their names, as of `presence`. "folder=glasses" is there in the images of the folder glasses.
      resolution, channels, split, limit: as of `open_source`.

    Raises:
      ValueError: as `open_attributes` and `presence`.
    """
    settings = {"resolution": resolution, "channels": channels, "split": split, "limit": limit}
    if str(spec).split(":")[0] == "faces":
        return presence(open_source(spec, **settings), attributes)
    columns = tuple(dict.fromkeys(name.split("=")[0] for name in attributes))
    return presence(open_attributes(spec, columns, **settings), attributes)


def presence(source: Source, attributes: Sequence[str]) -> Source:
    """Returns a source of images whose attributes are there or not.

    Args:
      source: with the fields `image` and `attributes`, whose values have names.
      attributes: of each the name, if one of its values says that it is not there, as none, no, 0, -1, false or without do; or
        NAME=VALUE, which is called VALUE.

    Raises:
      ValueError: for an attribute or a value that is not there, one that is not there or not, or two of one name.

    >>> source = open_presence("faces", ("glasses", "hat=cap"), resolution=16, limit=3)
    >>> source.names["attributes"], source.columns["attributes"].tolist()
    (('glasses', 'cap'), [[1, 0], [0, 0], [0, 0]])
    """
    known = source.names["attributes"]
    columns = {name: (source.names[name], source.columns["attributes"][:, place]) for place, name in enumerate(known)}
    found = {name.split("=")[-1]: _there(*_column(columns, name, source), name, source) for name in attributes}
    if len(found) < len(attributes):
        raise ValueError(f"expected attributes of different names, found {', '.join(attributes)}; leave one out")
    return with_attributes(select(source, image="image"), {name: Labels(there, ("no", "yes")) for name, there in found.items()})


def _column(columns, name, source):
    column = name.split("=")[0]
    if column not in columns:
        raise ValueError(f"expected attributes of {source.name}, {', '.join(columns)}, found {column}")
    return columns[column]


def _there(values, numbers, name, source):
    """Whether an attribute is there, int32 [N]."""
    if "=" in name:
        value = name.split("=")[1]
        if value not in values:
            raise ValueError(f"expected {name.split('=')[0]} of {source.name} as {', '.join(values)}, found {value}")
        return (numbers == values.index(value)).astype(np.int32)
    absent = [number for number, value in enumerate(values) if value.lower() in ABSENT]
    if len(absent) != 1:
        found = f"{', '.join(values)}; say which, as {name}={values[0]}"
        raise ValueError(f"expected {name} of {source.name} to be there or not, found {found}")
    return (numbers != absent[0]).astype(np.int32)
