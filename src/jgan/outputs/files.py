"""Files that are there as a whole or not at all."""

import os
from pathlib import Path


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
