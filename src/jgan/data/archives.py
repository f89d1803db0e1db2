"""Folders, zips and tars as named files, read within bounds."""

import bz2
import copy
import gzip
import lzma
import os
import posixpath
import stat
import tarfile
import threading
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from jgan import bounded
from jgan.data import decode
from jgan.data.depth import WHITE
from jgan.data.reading import AS_STORED, Reading, watched

# what looks like an image; those that decode.py does not read are refused by name, not passed over
SUFFIXES = {
    f".{ending}"
    for ending in (
        "png apng jpg jpeg jpe jfif webp gif bmp dib tif tiff avif heic heif jp2 j2k jpx jxl ppm pgm pbm pnm tga psd svg exr hdr qoi ico"
        " dng cr2 cr3 nef arw orf rw2 raf"
    ).split()
}
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}  # by how they begin
PACKED_SUFFIXES = {".gz": gzip.open, ".tgz": gzip.open, ".bz2": bz2.open, ".tbz2": bz2.open, ".xz": lzma.open, ".txz": lzma.open}
HEADER_BYTES = 1 << 16
PROBES = 8  # images whose range of greys is looked at
DARK = 1 << 14  # numbers of 14 bits or fewer in 16 are near black
SLACK = 1 << 16  # bytes that a tar may have after its last file
FILE_BYTES = 1 << 11  # what a file of a packed tar costs besides its content, in memory and time
LZMA_MEMORY = 256 << 20


class Archive(NamedTuple):
    """Files by name. `read` and `size` raise ValueError or OSError, with the name, for what cannot be read or is larger than allowed."""

    names: list[str]  # relative, with slashes
    read: Callable[..., bytes]  # (name, limit=-1) -> the first `limit` bytes of it, or all
    size: Callable[[str], int]  # name -> bytes of it


def open_archive(path: Path, reading: Reading = AS_STORED) -> Archive:
    """Opens a folder, zip or tar, by its content or else its ending.

    Raises:
      ValueError: if it is of another kind, damaged, or would unpack to more than is allowed.
    """
    if path.is_dir():
        return _open_folder(path, reading)
    opener = _opener(path)
    try:
        return opener(path, reading)
    except Exception as error:  # damaged bytes make the standard library raise almost anything
        raise ValueError(f"{path} is not a readable archive ({error or type(error).__name__}); copy or download it again") from error


def is_image(archive: Archive, name: str) -> bool:
    """Tells whether a file of an archive is an image: by its ending or, if that is none of an image, by how its content begins."""
    if Path(name).suffix.lower() in SUFFIXES:
        return True
    try:
        return decode.is_image(archive.read(name, 32))
    except (ValueError, OSError):
        return False


def look(archive: Archive, name: str, reading: Reading = AS_STORED) -> tuple[int, int, int]:
    """Returns (H, W, C) of an image of an archive; of most the start is read only.

    Raises:
      ValueError, OSError: if it cannot be read.
    """
    start = archive.read(name, HEADER_BYTES)
    if not decode.is_image(start) or start.startswith((b"\x89PNG", b"\xff\xd8", b"GIF8", b"BM")):
        try:
            return decode.header(start, archive.size(name), reading)
        except ValueError:
            if len(start) < HEADER_BYTES or not decode.is_image(start):
                raise
    return decode.header(archive.read(name), reading=reading)  # a JPEG with long metadata, too


def warn_of_dark_greys(archive: Archive, names: list[str], path: Path, reading: Reading = AS_STORED) -> None:
    """Warns if greys of 16 bits use so few of them that their images would be nearly black; looks at a few of the images only."""
    if reading.bit_depth is not None or not names:
        return
    probes = [names[index * len(names) // PROBES] for index in range(min(PROBES, len(names)))]
    largest = max((found for name in probes if (found := _brightest(archive, name, reading)) is not None), default=WHITE)
    if 0 < largest < DARK:
        warnings.warn(
            f"{path}: its greys of 16 bits reach {largest} of {WHITE} only in the images looked at, and will be dark; give the bits that"
            f" they use, bit_depth={largest.bit_length()} (--bit-depth {largest.bit_length()}) or more",
            stacklevel=2,
        )


def _brightest(archive, name, reading):
    try:
        start = archive.read(name, HEADER_BYTES)
        if not decode.may_be_deep(start):
            return None
        return decode.brightest(archive.read(name), reading)
    except (ValueError, OSError):  # it is reported when it is opened
        return None


def _opener(path):
    with bounded.open_regular(path) as file:
        start = file.read(512)
    packed = next((unpack for magic, unpack in PACKED.items() if start.startswith(magic)), PACKED_SUFFIXES.get(path.suffix.lower()))
    if start.startswith(b"PK") or path.suffix.lower() == ".zip":
        return _open_zip
    if start[257:262] == b"ustar":
        return _open_tar
    if not path.name.lower().endswith(ARCHIVES) and not packed:
        array = start.startswith(b"\x93NUMPY")
        advice = "save it with np.savez(PATH, images=...)" if array else "give the folder of a single file, or unpack it"
        raise ValueError(f"{path} is no known kind of source: expected a folder, a .npz or one of {', '.join(ARCHIVES)}; {advice}")
    return _open_tar if packed is None else lambda path, reading: _open_packed_tar(path, packed, reading)


def _open_folder(path, reading):
    if path.resolve() == path.resolve().parent:
        raise ValueError(f"{path} is the root of a file system: expected the folder of a set; give its path")

    def check(name):
        status = os.stat(path / name)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path / name} is no regular file, but a pipe, socket or device; remove it")
        return status

    def size(name):
        return check(name).st_size

    def read(name, limit=-1):
        status = check(name)
        if limit < 0:  # of a file with holes, only the blocks on disk count
            bounded.check(path / name, status.st_size, getattr(status, "st_blocks", status.st_size) * 512, reading.max_unpacked)
        with bounded.open_regular(path / name) as file:
            return file.read(limit)

    return Archive(_listed(path), read, size)


def _listed(path):
    """The files below a folder; links to a folder that they are in are left out, with a warning."""
    names, left_out, above = [], [], {str(path): ()}
    walk = os.walk(path, followlinks=True, onerror=lambda error: left_out.append(f"{error}"))
    for folder, folders, files in watched(walk, lambda number, found: f"list {path}: {number} folders up to {found[0]}"):
        folders.sort()
        status, outer = os.stat(folder), above.pop(folder)
        if (status.st_dev, status.st_ino) in outer:
            left_out.append(f"{folder} is a link to a folder that it is in")
            folders.clear()
            continue
        above |= {os.path.join(folder, name): (*outer, (status.st_dev, status.st_ino)) for name in folders}
        names += [Path(folder, file).relative_to(path).as_posix() for file in files]
    if left_out:
        warnings.warn(f"{path}: {len(left_out)} folders left out, first: {left_out[0]}", stacklevel=2)
    return names


def _open_zip(path, reading):
    archive, lock = zipfile.ZipFile(path), threading.Lock()
    members = _named(path, ((info.filename, info) for info in archive.infolist() if not info.filename.endswith(("/", "\\"))))

    def read(name, limit=-1):
        info = members[name]
        if limit < 0:
            bounded.check(path / name, info.file_size, info.compress_size, reading.max_unpacked)
        try:
            with lock:  # many threads read from one file
                return _read_member(archive, info, info.file_size if limit < 0 else min(limit, info.file_size))
        except Exception as error:  # encrypted, unknown compression, damaged in any way
            raise ValueError(f"damaged zip entry {path / name}: {error or type(error).__name__}") from error

    return Archive(list(members), read, lambda name: members[name].file_size)


def _read_member(archive, info, size):
    if info.compress_type in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        return _expanded(archive, info, size)
    with archive.open(info) as file:
        data = file.read(size)
    return _checked(data, size)


def _expanded(archive, info, size):
    """A member in bzip2 or LZMA, as far as `size`; the standard library would expand whole blocks, thousands of times larger."""
    raw = copy.copy(info)
    raw.compress_type, raw.file_size = zipfile.ZIP_STORED, info.compress_size
    del raw.CRC  # it is of the expanded bytes
    with archive.open(raw) as file:
        packed = file.read(info.compress_size)
    if info.compress_type == zipfile.ZIP_BZIP2:
        data = bz2.BZ2Decompressor().decompress(packed, size)
    else:  # as a .lzma file: five bytes of properties, then the length, here unknown
        stream = packed[4:9] + b"\xff" * 8 + packed[9:]
        data = lzma.LZMADecompressor(lzma.FORMAT_ALONE, LZMA_MEMORY).decompress(stream, size)
    if size == info.file_size and zlib.crc32(data) != info.CRC:
        raise ValueError("its checksum is wrong")
    return _checked(data, size)


def _checked(data, size):
    if len(data) != size:
        raise ValueError(f"expected {size} bytes, found {len(data)}")
    return data


def _open_tar(path, reading):
    end = path.stat().st_size
    with bounded.open_regular(path) as file, tarfile.open(fileobj=file, mode="r:") as archive:
        members = _named(path, ((member.name, member) for member in archive if not member.isdir()))
        file.seek(archive.offset)
        if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
            raise ValueError(f"it is damaged at byte {archive.offset}, behind {len(members)} files")

    def read(name, limit=-1):
        member = members[name]
        if not member.isfile() or member.issparse() or member.offset_data + member.size > end:
            raise ValueError(f"{path / name} is no plain, whole file; unpack the archive")
        if limit < 0:
            bounded.check(path / name, member.size, member.size, reading.max_unpacked)
        with bounded.open_regular(path) as file:
            file.seek(member.offset_data)
            return _checked(file.read(size := member.size if limit < 0 else min(member.size, limit)), size)

    return Archive(list(members), read, lambda name: members[name].size)


def _open_packed_tar(path, unpack, reading):
    """A compressed tar, which has no random access, so that its files are held in memory."""
    packed = path.stat().st_size
    with bounded.open_regular(path) as raw, unpack(raw) as file:
        stream: Any = _Stream(file, path, packed, reading.max_unpacked)  # tarfile calls its `read` only
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            contents = _named(path, _unpacked(archive, path, packed, reading.max_unpacked))
        _check_end(stream, archive.offset)

    def read(name, limit=-1):
        if contents[name] is None:
            raise ValueError(f"{path / name} is no plain file; unpack the archive")
        return contents[name] if limit < 0 else contents[name][:limit]

    return Archive(list(contents), read, lambda name: len(contents[name] or b""))


def _unpacked(archive, path, packed, max_unpacked):
    """(name, content) of every file of a tar that is read from its beginning to its end."""
    for number, member in enumerate(archive):
        bounded.check(path, member.offset_data + member.size + FILE_BYTES * number, packed, max_unpacked)
        archive.members.clear()  # which is not read twice
        if not member.isdir():
            yield member.name, _content(archive, member)


def _content(archive, member):
    """The bytes of a plain file, read in pieces: tarfile would hold it three times."""
    if not member.isfile() or member.issparse():
        return None
    file = archive.extractfile(member)
    return b"".join(iter(lambda: file.read(bounded.CHUNK), b""))


class _Stream:
    """Unpacked bytes, as far as they are allowed: the headers of a tar can claim any length too."""

    def __init__(self, file, path, packed, max_unpacked):
        self.file, self.name, self.packed, self.max_unpacked = file, path, packed, max_unpacked
        self.position, self.last = 0, b""

    def read(self, size):
        bounded.check(self.name, self.position - SLACK, self.packed, self.max_unpacked)
        self.last = self.file.read(size)
        self.position += len(self.last)
        return self.last


def _check_end(stream, offset):
    """A damaged header ends the list of files as silently as the zeros at its end do."""
    at = offset - (stream.position - len(stream.last))
    if 0 <= at < len(stream.last) and stream.last[at : at + tarfile.BLOCKSIZE].strip(b"\0"):
        raise ValueError(f"it is damaged at byte {offset}")


def _named(path, entries):
    """{name: entry} of an archive; of two of one name the last is taken, as it would be left by unpacking."""
    found, repeated = {}, []
    for name, entry in entries:
        plain = posixpath.normpath("/" + name.replace("\\", "/")).lstrip("/")  # without `./` and `..`
        if plain in found:
            repeated.append(plain)
        found[plain] = entry
    if repeated:
        warnings.warn(f"{path}: {len(repeated)} files have the name of another one, which is not read, first {repeated[0]}", stacklevel=4)
    return found
