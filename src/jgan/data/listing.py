"""Labels in a dataset.json: {"labels": [[file, label], ...]}, whose names are relative to its own folder; null: there are none."""

import json
import reprlib
import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from jgan import bounded
from jgan.data.labels import Labels, class_name, numbered
from jgan.data.layout import clean, composed

FILE = "dataset.json"
MOST = 1 << 30  # bytes of memory
EXPECTED = 'expected {"labels": [[file, label], ...]} or {"labels": null}'

Table = dict[str, Any] | None


def listings(paths: Iterable[str]) -> dict[str, str]:
    """Returns the lists among files, {folder: path}; the folder is "" or ends in /."""
    return {path[: -len(FILE)]: path for path in paths if path.lower().split("/")[-1] == FILE}


def finder(lists: Collection[str]) -> Callable[[str], str | None]:
    """Returns a function from a picture's path to the folder of its list, the innermost above it that has one; None if none has.

    >>> find = finder(["", "a/"])
    >>> find("a/b/0.png"), find("0.png"), finder(["a/"])("0.png")
    ('a/', '', None)
    """
    lengths = sorted({len(folder) for folder in lists}, reverse=True)
    return lambda path: next((path[:length] for length in lengths if path[:length] in lists), None)


def listed_labels(
    lists: dict[str, str],
    read: Callable[[str], bytes],
    pictures: Sequence[str],
    others: Sequence[str],
    path: Path,
    max_unpacked: int | None = None,
) -> Labels | None:
    """Reads the labels of pictures; None if their lists say that there are none. A listed file that is not there is warned about.

    Args:
      lists: of `listings`.
      read: path of a list -> its content.
      pictures: paths of those whose labels are wanted.
      others: paths of those of other splits, whose classes are counted too.
      path: of the set, for messages.
      max_unpacked: the most bytes of memory that a list may take; None: 1 GiB, at most half of the memory.

    Raises:
      ValueError: if a list is malformed, takes more memory, a picture is not listed, or a label is no class; the message names the list.
    """
    find = finder(lists)
    entries = {picture: (find(picture), _key(picture)) for picture in (*pictures, *others)}
    used = {folder for folder, _ in entries.values() if folder is not None}
    tables: dict[str | None, Table] = {
        folder: _table(read(lists[folder]), folder, path / lists[folder], max_unpacked) for folder in sorted(used)
    }
    if all(tables.get(entries[picture][0]) is None for picture in pictures):
        return None
    _warn_of_absent(tables, lists, {key for _, key in entries.values()}, path)
    names = [_class_of(picture, *entries[picture], lists, tables, path) for picture in pictures]
    listed = [picture for picture in others if entries[picture][1] in (tables.get(entries[picture][0]) or {})]
    return numbered(names, {_class_of(picture, *entries[picture], lists, tables, path) for picture in listed})


def _table(content, folder, where, max_unpacked) -> Table:
    """{path of a picture from the top of the set: label}"""
    _check_memory(content, where, max_unpacked)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is no JSON ({error}): {EXPECTED}; write or copy it again") from error
    if not isinstance(found, dict) or "labels" not in found:
        raise ValueError(f"{where} holds {_kind(found)}: {EXPECTED}")
    entries = found["labels"]
    if isinstance(entries, dict):
        entries = [list(entry) for entry in entries.items()]
    if entries is not None and not isinstance(entries, list):
        raise ValueError(f"{where} has {_kind(entries)} as its labels: {EXPECTED}")
    return _collected(entries, folder, where) if entries else None


def _check_memory(content, where, max_unpacked):
    """Refuses a list whose objects would take too much: each of a few bytes takes a hundred."""
    lists, texts, values = (sum(map(content.count, kinds)) for kinds in ((b"[", b"{"), (b'"',), (b",", b":")))
    limit = min(bounded.memory() // 2, MOST) if max_unpacked is None else max_unpacked
    bounded.check(where, len(content) + 96 * lists + 32 * texts + 40 * values, 0, limit)


def _collected(entries, folder, where):
    table: dict[str, Any] = {}
    for entry in entries:
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)):
            raise ValueError(f"{where} has an entry that is no pair of a file and a label, {reprlib.repr(entry)}: {EXPECTED}")
        key = _key(folder + entry[0])
        if key in table and table[key] != entry[1]:
            raise ValueError(f"{where} lists {entry[0]} with two labels, {reprlib.repr(table[key])} and {reprlib.repr(entry[1])}; keep one")
        table[key] = entry[1]
    return table


def _class_of(picture, folder, key, lists, tables, path):
    table = tables.get(folder) or {}
    where = path / lists[min(lists) if folder is None else folder]
    if key not in table:
        raise ValueError(f"{picture} is not listed in {where}: expected a label of every picture; add it, or do without labels")
    try:
        return class_name(table[key])
    except ValueError as error:
        raise ValueError(f"the label of {picture} in {where} is {error}") from error


def _warn_of_absent(tables, lists, present, path):
    for folder, table in tables.items():
        absent = [name for name in table or {} if name not in present]
        if absent:
            found = f"lists {len(absent)} of {len(table)} pictures that are not there"
            warnings.warn(f"{path / lists[folder]} {found}, first {absent[0]}; they are passed over", stacklevel=2)


def _key(path):
    return composed(clean(path))


def _kind(value):
    names = {dict: "an object without labels", list: "a list", str: "a text", type(None): "null"}
    return names.get(type(value), "a number")
