"""Folders, zips and tars of image files, opened as one Collection.

If both folders train/ and test/ exist, `split` picks one of them. Below that, the first folder of each file is its class. A
dataset.json beside them, {"labels": [[file, int], ...]}, has the last word; with "labels": null there are no labels.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jgan.data import decode
from jgan.data.collection import Collection, of_images

# what looks like an image; those that decode.py does not read are refused by name, not passed over
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".jp2", ".ppm", ".pgm"}
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".txz")
OPENERS = {".gz": gzip.open, ".tgz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".txz": lzma.open}
HEADER_BYTES = 1 << 16


class Archive(NamedTuple):
    names: list[str]
    read: Callable[..., bytes]  # (name, limit=-1) -> the first `limit` bytes of it, or all


def open_files(path: Path, inner: str, split: str) -> Collection:
    """The images of the folder or archive `path`, or of the folder `inner` in it."""
    archive = _open_archive(path)
    names = _images(archive.names, inner)
    if not names:
        raise ValueError(
            f"no images in {path / inner}: found {_some(archive.names)}; expected PNG, JPEG or WebP files, as they are or in folders"
        )
    folders, classes = _arrange(names, split, path)
    names = sorted(folders)
    labels = [classes.index(folders[name]) for name in names] if len(classes) > 1 and "" not in folders.values() else None
    if "dataset.json" in archive.names:
        labels, classes = _listed_labels(json.loads(archive.read("dataset.json")), names, path)
    return of_images(
        names=[str(path / name) for name in names],
        look=lambda index: _look(archive, names[index]),
        read=lambda index, size, channels: decode.decode(archive.read(names[index]), size, channels),
        labels=None if labels is None else lambda: np.asarray(labels),
        classes=() if labels is None else tuple(classes),
    )


def _open_archive(path):
    if path.is_dir():
        return _open_folder(path)
    if not path.name.lower().endswith(ARCHIVES):
        raise ValueError(f"{path} is no known kind of source: expected a folder, a .npz or one of {', '.join(ARCHIVES)}")
    try:
        return _open_zip(path) if path.suffix.lower() == ".zip" else _open_tar(path)
    except (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        raise ValueError(f"{path} is not a readable archive ({error}); copy or download it again") from error


def _open_folder(path):
    names = [Path(folder, file).relative_to(path).as_posix() for folder, _, files in os.walk(path, followlinks=True) for file in files]

    def read(name, limit=-1):
        with open(path / name, "rb") as file:
            return file.read(limit)

    return Archive(names, read)


def _open_zip(path):
    archive, lock = zipfile.ZipFile(path), threading.Lock()

    def read(name, limit=-1):
        try:
            with lock, archive.open(name) as file:  # many threads read from one file
                return file.read(limit)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # RuntimeError: encrypted or unknown compression
            raise ValueError(f"damaged zip entry: {error}") from error

    return Archive([info.filename for info in archive.infolist() if not info.is_dir()], read)


def _open_tar(path):
    # a compressed tar has no random access, so it is held in memory, unpacked
    data = None
    if path.suffix.lower() in OPENERS:
        with OPENERS[path.suffix.lower()](path) as file:
            data = file.read()

    def reopen():
        return open(path, "rb") if data is None else io.BytesIO(data)

    with reopen() as file, tarfile.open(fileobj=file) as archive:
        places = {member.name.removeprefix("./"): (member.offset_data, member.size) for member in archive if member.isfile()}

    def read(name, limit=-1):
        start, size = places[name]
        with reopen() as file:
            file.seek(start)
            return file.read(size if limit < 0 else min(size, limit))

    return Archive(list(places), read)


def _images(names, inner):
    prefix = f"{inner}/" if inner else ""
    visible = (name for name in names if not any(part.startswith((".", "__MACOSX")) for part in name.split("/")))
    return [name for name in visible if name.startswith(prefix) and Path(name).suffix.lower() in SUFFIXES]


def _arrange(names, split, path):
    """({name: class folder, or ""} of the files of this split, the class folders of all splits)."""
    parents = {name: name.split("/")[:-1] for name in names}
    shared = len(os.path.commonprefix(list(parents.values())))
    parents = {name: folders[shared:] for name, folders in parents.items()}
    tops = {folders[0] for folders in parents.values() if folders}
    depth = 1 if {"train", "test"} <= tops else 0
    if depth == 0 and split != "train":
        raise ValueError(f"{path} has no split {split!r}: it has no folders train and test, so all its images are split 'train'")
    if depth == 1 and split not in ("train", "test"):
        raise ValueError(f"{path} has no split {split!r}: expected 'train' or 'test'")
    classes = sorted({folders[depth] for folders in parents.values() if len(folders) > depth})
    chosen = {name: folders[depth:] for name, folders in parents.items() if depth == 0 or folders[:1] == [split]}
    return {name: folders[0] if folders else "" for name, folders in chosen.items()}, classes


def _listed_labels(listing, names, path):
    if not listing.get("labels"):
        return None, ()
    labels = dict(listing["labels"])
    for name in {**labels, **dict.fromkeys(names)}:
        if not isinstance(labels.get(name), int):
            raise ValueError(
                f"dataset.json in {path} has {labels.get(name)!r} as the label of {name}: expected one integer for every image"
            )
    return [labels[name] for name in names], [str(label) for label in range(max(labels.values()) + 1)]


def _look(archive, name):
    try:
        return decode.header(archive.read(name, HEADER_BYTES))
    except ValueError:  # WebP, and JPEG with long metadata, need more than the start
        return decode.header(archive.read(name))


def _some(names):
    return ", ".join(sorted(names)[:3]) + (" ..." if len(names) > 3 else "") if names else "nothing"
