"""Files of others: kept in a cache folder, downloaded as a whole, checked by their hash."""

import hashlib
import http.client
import os
import shutil
import tempfile
import urllib.request
from pathlib import Path


def cache_folder() -> Path:
    """Returns where files are kept from run to run: the folder that the environment variable JGAN_CACHE names, or `~/.cache/jgan`."""
    return Path(os.environ.get("JGAN_CACHE") or "~/.cache/jgan").expanduser()


def sha256_of(path: str | Path) -> str:
    """Returns the hash of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified(path: Path, sha256: str) -> Path:
    """Returns the path.

    Raises:
      ValueError: if the file there has another hash.
    """
    if (found := sha256_of(path)) != sha256:
        raise ValueError(f"expected {path} to have sha256 {sha256}, found {found}: the copy is damaged or another file; replace it")
    return path


def fetch(url: str, sha256: str, target: Path) -> Path:
    """Downloads a file, to one aside that is renamed once it is whole: another process never sees a part of it.

    Raises:
      OSError: if that fails.
      ValueError: if what came has another hash.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as aside:
        part = Path(aside) / target.name
        try:
            with urllib.request.urlopen(url, timeout=60) as response, open(part, "wb") as file:
                shutil.copyfileobj(response, file)
        except http.client.HTTPException as error:
            raise OSError(f"{type(error).__name__}: {error}") from error
        os.replace(verified(part, sha256), target)
    return target
