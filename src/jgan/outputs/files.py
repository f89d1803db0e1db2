"""Files that are there as a whole or not at all."""

import errno
import os
import tempfile
from pathlib import Path


def check_place(path: str | Path) -> None:
    """Checks that a file or a folder can be made, before what it is to hold is computed; nothing is left behind.

    Raises:
      OSError: if not.
    """
    place = Path(path)
    try:
        while not place.exists():
            place = place.parent
        if not place.is_dir() and place != Path(path):
            raise NotADirectoryError(f"{place} is a file")
        with tempfile.TemporaryFile(dir=place if place.is_dir() else place.parent):
            pass
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error}; give another path") from error


def write_atomic(path: str | Path, content: str | bytes) -> None:
    """Writes beside the file and renames, so that a reader or a kill never meets half a file; folders are made.

    Raises:
      OSError: if it cannot be written; nothing is left behind then.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(aside, path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def append_whole(path: Path, text: str) -> None:
    """Appends to a file, made if it is not there, all of the text or nothing.

    Raises:
      OSError: if it cannot be written.
    """
    data = text.encode()
    with path.open("ab", buffering=0) as file:
        size = file.tell()
        if file.write(data) < len(data):
            file.truncate(size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
