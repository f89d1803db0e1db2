"""The lock of a run's folder: one process holds it at a time. A process that dies frees it."""

import os
from pathlib import Path

from filelock import FileLock, Timeout

LOCK_FILE, HOLDER_FILE = "lock", "holder"


class Lock:
    """Holds a folder for this process until it is closed.

    Raises:
      BlockingIOError: if another process holds the folder.
    """

    def __init__(self, folder: Path):
        self._path, self._holder = folder / LOCK_FILE, folder / HOLDER_FILE
        self._lock = FileLock(self._path, thread_local=False)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise BlockingIOError(f"{folder} is in use by process {self._process()}; wait for it or stop it") from None
        self._identity = self._path.stat()

    def sign(self) -> None:
        """Writes the number of this process into the folder, for the error that others get."""
        self._holder.write_text(str(os.getpid()))

    def in_place(self) -> bool:
        """Returns whether the file that is held is still the one in the folder, and not another run's in its place."""
        return self._path.exists() and os.path.samestat(self._identity, self._path.stat())

    @property
    def closed(self) -> bool:
        """Whether the folder is free for others."""
        return not self._lock.is_locked

    def close(self) -> None:
        """Frees the folder for others."""
        self._lock.release()

    def _process(self):
        return self._holder.read_text() if self._holder.exists() else "(unknown)"
