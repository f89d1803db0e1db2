"""Image sets that are stored as arrays: .npz files and folders of idx files (LeCun's MNIST format)."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from jgan import bounded
from jgan.data import decode
from jgan.data.collection import Collection, of_images
from jgan.data.labels import Labels, of_arrays
from jgan.data.layout import SPELLINGS, canonical_split
from jgan.data.reading import AS_STORED, Reading

# the names in use for images and labels, those of one split first
IMAGE_KEYS = ("x_{}", "{}_images", "images", "image", "x", "arr_0")
LABEL_KEYS = ("y_{}", "{}_labels", "labels", "label", "y", "arr_1")
EXAMPLE_BYTES = 400  # what is kept of an image besides its pixels
MOST_SIDES = 4  # of an array of images or labels
IDX_SPLITS = SPELLINGS | {"test": ("t10k", *SPELLINGS["test"])}


def open_npz(path: Path, split: str, reading: Reading = AS_STORED) -> Collection:
    """Returns uint8 images [N, H, W] or [N, H, W, C] under `images`, `x_train`, ...; under `labels`, `y_train`, ... those of
    `labels.of_arrays`.
    """
    names = bounded.npz_names(path)
    known = _keys(IMAGE_KEYS, split)
    key = _pick(names, known)
    if key is None:
        found = ", ".join(names) or "nothing"
        raise ValueError(f"no images for split {split!r} in {path}: found {found}, expected one of {', '.join(known)}; rename the array")
    if canonical_split(split) != "train" and _pick(names, _keys(IMAGE_KEYS[:2], split)) is None:
        raise ValueError(f"{path} has no split {split!r}: found the arrays {names}; an undivided set is split 'train'")
    images = bounded.read_npz(path, [key], reading.max_unpacked)[key]
    return _collection(path, reading, images, lambda: _npz_labels(path, names, split, len(images), reading))


def is_idx_folder(path: Path) -> bool:
    """Returns whether a folder holds images in idx files."""
    return any(path.glob("*-images*idx3-ubyte*"))


def open_idx(path: Path, split: str, reading: Reading = AS_STORED) -> Collection:
    """Returns {train,t10k}-images-idx3-ubyte[.gz] and the labels beside them."""
    images = _find_idx(path, split, "images")
    if images is None:
        raise ValueError(f"{path} has no images for split {split!r}: found {sorted(file.name for file in path.iterdir())}")
    data = read_idx(images, reading)
    return _collection(images, reading, data, lambda: _idx_labels(path, split, len(data), reading))


def _collection(path, reading, images, labels):
    images = _checked_images(path, images)
    bounded.check(f"the list of {len(images)} images of {path}", EXAMPLE_BYTES * len(images), path.stat().st_size, reading.max_unpacked)
    return of_images(
        names=[f"{path}[{index}]" for index in range(len(images))],
        look=lambda index: images.shape[1:],
        read=lambda index, size, channels: decode.adapt(images[index], size, channels),
        labels=labels,
    )


def _checked_images(path, images):
    """Images as [N, H, W, C]."""
    if images.ndim not in (3, 4):
        raise ValueError(f"images of {path} are {list(images.shape)}: expected [N, H, W] or [N, H, W, C] with 1, 3 or 4 channels")
    remedies = []
    if images.ndim == 4 and images.shape[-1] not in decode.MODES:
        remedies.append("put channels last, images.transpose(0, 2, 3, 1)" if images.shape[1] in decode.MODES else "drop the other channels")
    if images.dtype != np.uint8:
        remedies.append(f"convert them to 0 ... 255, {_to_bytes(images)}")
    if remedies:
        raise ValueError(
            f"images of {path} are {images.dtype} {list(images.shape)}: expected uint8 [N, H, W] or [N, H, W, C] with 1, 3 or 4 channels;"
            f" {' and '.join(remedies)}, and save them again"
        )
    if not images.size:
        raise ValueError(f"no images in {path}: its array is {list(images.shape)}")
    return images[..., None] if images.ndim == 3 else images


def _to_bytes(images):
    """What to do with numbers of another type, by their range."""
    if not images.size or images.dtype.kind not in "fiub":
        return "as uint8"
    low, high = images.min(), images.max()
    if not np.isfinite([low, high]).all():
        return "without NaN and infinity, which are among them"
    if images.dtype.kind == "f" and high <= 1:
        scaled = "(images * 127.5 + 127.5)" if low < 0 else "(images * 255)"
        return f"{scaled}.round().clip(0, 255).astype('uint8')"
    if images.dtype.kind == "b":
        return "images.astype('uint8') * 255"
    return "images.astype('uint8')" if 0 <= low and high <= 255 else f"their numbers reach from {low} to {high}"


def _npz_labels(path, names, split, count, reading) -> Labels | None:
    key = _pick(names, _keys(LABEL_KEYS, split))
    if key is None:
        return None
    elsewhere = [_pick(names, _keys(LABEL_KEYS[:2], other)) for other in SPELLINGS if other != canonical_split(split)]
    others = [other for other in elsewhere if other is not None]
    arrays = bounded.read_npz(path, [key, *others], reading.max_unpacked)
    return of_arrays(path, arrays[key], count, [arrays[other] for other in others])


def _idx_labels(path, split, count, reading) -> Labels | None:
    file = _find_idx(path, split, "labels")
    if file is None:
        return None
    others = [_find_idx(path, other, "labels") for other in IDX_SPLITS if other != canonical_split(split)]
    return of_arrays(file, read_idx(file, reading), count, [read_idx(other, reading) for other in others if other is not None])


def _keys(patterns, split) -> list[str]:
    """The names of an array of a split, in lower case."""
    spellings = SPELLINGS.get(canonical_split(split) or split, (split.lower(),))
    return list(dict.fromkeys(pattern.format(spelling) for pattern in patterns for spelling in spellings))


def _pick(names, keys) -> str | None:
    lower = {name.lower(): name for name in names}
    return next((lower[key] for key in keys if key in lower), None)


def _find_idx(path, split, what):
    prefixes = IDX_SPLITS.get(canonical_split(split) or split)
    if prefixes is None:
        raise ValueError(f"{path} has no split {split!r}: expected one of {', '.join(IDX_SPLITS)}")
    found = (file for prefix in prefixes for file in sorted(path.glob(f"{prefix}-{what}*ubyte*")))
    return next(found, None)


def read_idx(path: Path, reading: Reading = AS_STORED) -> np.ndarray:
    """Returns the array of an idx file, uint8; ValueError, which names the file, if it is none."""
    packed = path.stat().st_size
    try:
        with bounded.open_regular(path) as raw, gzip.open(raw) if path.suffix == ".gz" else raw as file:
            shape = _idx_shape(file)
            size = math.prod(shape)
            bounded.check("it", size, packed, reading.max_unpacked)
            data = bounded.filled(file.read, size)
            if file.read(1):
                raise ValueError(f"expected {size} bytes of {list(shape)}, found more")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ValueError(f"{path} is not a readable idx file: {error}; copy or download it again") from error
    return data.reshape(shape)


def _idx_shape(file):
    start = file.read(4)
    if start[:3] != b"\0\0\x08" or len(start) != 4:
        raise ValueError(f"expected the start 00 00 08 (bytes), found {start[:3].hex(' ') or 'nothing'}")
    if start[3] > MOST_SIDES:
        raise ValueError(f"expected at most {MOST_SIDES} sides, found {start[3]}")
    sides = file.read(4 * start[3])
    if len(sides) != 4 * start[3]:
        raise ValueError(f"expected {start[3]} sides, found {len(sides)} bytes of them")
    shape = tuple(np.frombuffer(sides, ">u4").tolist())
    if 0 in shape:  # numpy refuses some of them
        raise ValueError(f"expected images or labels, found none: its array is {list(shape)}")
    return shape
