"""Files that others made, read within bounds: how much they may unpack to, regular files only, and .npz without pickles."""

import functools
import math
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

FREE = 128 << 20  # bytes that anything may unpack to
RATIO = 100  # and this for each byte of the file: pictures and arrays of numbers stay far below, bombs far above
CGROUP = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
CHUNK = 1 << 20


def allowed(packed: int, max_unpacked: int | None = None) -> int:
    """Returns the largest number of bytes to which something may unpack.

    Args:
      packed: the bytes that it takes in the file.
      max_unpacked: what the user allows. None: 128 MiB and 100 times `packed`, but at most half of the memory.

    >>> allowed(10, 1000), allowed(0) <= 128 << 20
    (1000, True)
    """
    return min(memory() // 2, FREE + RATIO * packed) if max_unpacked is None else max_unpacked


def check(name: object, size: int, packed: int, max_unpacked: int | None = None) -> None:
    """Raises ValueError, with the name and both sizes, for what would unpack to more than is allowed; call it before memory is taken."""
    limit = allowed(packed, max_unpacked)
    if size > limit:
        raise ValueError(
            f"{name} would unpack to {size / 1e6:,.1f} MB or more: expected at most {limit / 1e6:,.1f} MB; if it can be trusted, allow more"
            " with max_unpacked=... (--max-unpacked), bytes"
        )


@functools.cache
def memory() -> int:
    """Computes the bytes that this process may use: those of the machine, its control group, and its own limit, whichever is least."""
    sizes = [_of_machine(), *(_of_group(path) for path in CGROUP), _of_process()]
    return min(size for size in sizes if size is not None)


def open_regular(path: Path) -> BinaryIO:
    """Opens a file to read its bytes.

    Raises:
      ValueError: if it is a pipe, socket, device or folder: to open one may wait for ever, and to read one may never end.
      OSError: if it cannot be opened.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError(f"{path} is no regular file: expected one, found a folder, pipe, socket or device; remove it")
    return open(path, "rb")


def npz_names(path: Path) -> list[str]:
    """Lists the arrays of a .npz file.

    Raises:
      ValueError: if it is none.
    """
    return list(_within(path, _members))


def read_npz(path: Path, names: list[str] | None = None, max_unpacked: int | None = None) -> dict[str, np.ndarray]:
    """Reads arrays of a .npz file; nothing is unpickled, and memory is taken for what is there only.

    Args:
      path: the file.
      names: of the arrays. None: all.
      max_unpacked: the most bytes of all that are read; see `allowed`.

    Raises:
      ValueError: naming the file, if it is damaged, of another kind, or would unpack to more than is allowed.
    """

    def read(archive):
        members = _members(archive)
        chosen = {name: members[name] for name in (members if names is None else names)}
        sizes = [(info.file_size, info.compress_size) for info in chosen.values()]
        check("it", sum(size for size, _ in sizes), sum(packed for _, packed in sizes), max_unpacked)
        return {name: _read_npy(archive, info) for name, info in chosen.items()}

    return _within(path, read)


def filled(read: Callable[[int], bytes], size: int) -> np.ndarray:
    """Reads `size` bytes as an array; they are never in memory twice.

    Raises:
      ValueError: if there are fewer.
    """
    array = np.empty(size, np.uint8)
    for start in range(0, size, CHUNK):
        piece = read(min(CHUNK, size - start))
        if len(piece) != min(CHUNK, size - start):
            raise ValueError(f"expected {size} bytes of numbers, found {start + len(piece)}")
        array[start : start + len(piece)] = np.frombuffer(piece, np.uint8)
    return array


def _within(path, work):
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            return work(archive)
    except Exception as error:  # damaged bytes make the standard library raise almost anything
        raise ValueError(f"{path} is not a readable .npz file: {error or type(error).__name__}; copy or make it again") from error


def _members(archive):
    return {info.filename.removesuffix(".npy"): info for info in archive.infolist()}


def _read_npy(archive, info):
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{info.filename} is compressed by method {info.compress_type}, expected none or deflate")
    with archive.open(info) as file:
        shape, fortran, dtype = _npy_header(file, info.filename)
        size = math.prod(shape) * dtype.itemsize
        if size != info.file_size - file.tell():
            raise ValueError(f"{info.filename} claims {size} bytes of {dtype} {list(shape)}, found {info.file_size - file.tell()}")
        array = filled(file.read, size).view(dtype)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)


def _npy_header(file, name):
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"{name} has version {version} of the format, expected 1.0 or 2.0")
    shape, fortran, dtype = readers[version](file)
    if dtype.hasobject or not dtype.itemsize:
        raise ValueError(f"{name} holds {dtype}, expected numbers; Python objects are never read, since a pickle can run code")
    if not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError(f"{name} has shape {shape}, expected whole numbers")
    return shape, fortran, dtype


def _of_machine():
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # no such system
        return 8 << 30


def _of_group(path):
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):  # no such group, or its limit is "max"
        return None


def _of_process():
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit
