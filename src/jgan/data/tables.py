"""Tables beside the images of a set: where they lie, their rows, and the names by which these call an image."""

import csv
import io
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from jgan.data.archives import Archive, open_archive
from jgan.data.layout import clean, composed, is_of_a_system
from jgan.data.open import locate


def open_tables(path: Path, wanted: Sequence[str]) -> tuple[Archive, Path, list[str]]:
    """Opens a folder or archive, or a folder in an archive, and lists the tables of these names in it: (its files, its path, the tables).

    Raises:
      FileNotFoundError: if there is nothing.
      ValueError: as `jgan.data.archives.open_archive`.
    """
    outer, inner = locate(path.expanduser())
    archive = open_archive(outer)
    return archive, outer, tables_in(archive.names, wanted, f"{inner}/" if inner else "")


def tables_in(files: Iterable[str], wanted: Sequence[str], root: str = "") -> list[str]:
    """Lists the tables of these names among the files below `root`: at the top, or else in the only folder there.

    >>> tables_in(["mine/a.csv", "mine/red/0.png", "__MACOSX/mine/._a.csv"], ["a.csv", "b.csv"])
    ['mine/a.csv']
    """
    below = {file.removeprefix(root) for file in files if file.startswith(root)}
    shown = {file for file in below if not is_of_a_system(file)}
    found = [root + name for name in wanted if name in shown]
    folders = {file.split("/")[0] for file in shown if "/" in file}
    return found if found or len(folders) != 1 else tables_in([root + file for file in shown], wanted, f"{root}{folders.pop()}/")


def rows_of(text: str, where: str | Path) -> list[dict[str, str]]:
    """Returns the rows of a table of comma-separated values by the names in its header; an entry that is missing is empty.

    Args:
      text: the table.
      where: the place of it, for messages.

    Raises:
      ValueError: if it is malformed, or a row has more entries than the header.

    >>> rows_of('file,caption\\n0.png,"red, big"', "captions.csv")
    [{'file': '0.png', 'caption': 'red, big'}]
    """
    try:
        header, *rows = [row for row in csv.reader(io.StringIO(text)) if row] or [[]]
    except csv.Error as error:
        raise ValueError(f"expected a table of comma-separated values in {where}, found {error}; write it again") from error
    for number, row in enumerate(rows, start=1):
        if any(row[len(header) :]):
            raise ValueError(f"expected {len(header)} columns in row {number} of {where}, found {len(row)}; put quotes around a comma")
    return [dict(itertools.zip_longest(header, row[: len(header)], fillvalue="")) for row in rows]


def names_of(path: str) -> list[str]:
    """Lists the names by which a table may call an image: with as many folders as it likes, with its ending or without.

    >>> names_of("train/red/0.png")
    ['train/red/0.png', 'train/red/0', 'red/0.png', 'red/0', '0.png', '0']
    """
    parts = PurePosixPath(key_of(path)).parts
    ends = [PurePosixPath(*parts[start:]) for start in range(len(parts))]
    return [str(name) for end in ends for name in (end, end.with_suffix(""))]


def key_of(name: str) -> str:
    """Returns the name of a file as `names_of` spells it, however a table does.

    >>> key_of("./red/0.png"), key_of("red\\\\0.png")
    ('red/0.png', 'red/0.png')
    """
    return composed(clean(name))
