"""Checksums of the files of a folder: written when they are complete, compared before they are used."""

import hashlib
import json
from pathlib import Path

from jgan.outputs.files import write_atomic

FILE = "checksums.json"


def write_checksums(folder: Path, except_for: tuple[str, ...] = ()) -> None:
    """Writes the checksums of all files below a folder, by their path in it, into its `checksums.json`.

    Args:
      folder: whose files are complete.
      except_for: paths of files that are left out.

    Raises:
      OSError: if a file cannot be read, or nothing can be written.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in files]
    sums = {name: _checksum(folder / name) for name in names if name not in (FILE, *except_for)}
    write_atomic(folder / FILE, json.dumps(sums))


def find_damage(folder: Path, only: str | None = None) -> str | None:
    """Says which file is not what it was when the checksums were written; None if all are, or if there are no checksums.

    Args:
      folder: with the files.
      only: the path of the only file that is looked at.
    """
    if not (folder / FILE).exists():
        return None
    try:
        sums = dict(json.loads((folder / FILE).read_bytes()))
        changed = [name for name in sums if only in (None, name) and _checksum(folder / name) != sums[name]]
    except (OSError, ValueError, TypeError) as error:  # a file is missing, or the checksums themselves are damaged
        return f"its files do not fit its {FILE} ({type(error).__name__}: {error})"
    return f"{changed[0]} has changed since it was written" if changed else None


def _checksum(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()
