"""Image sets that are stored as arrays: .npz files and folders of idx files (LeCun's MNIST format)."""

import gzip
import math
from pathlib import Path

import numpy as np

from jgan.data import decode
from jgan.data.collection import Collection, of_images

# the names in use for images and labels, those of one split first
IMAGE_KEYS = ("x_{}", "{}_images", "images", "image", "x", "arr_0")
LABEL_KEYS = ("y_{}", "{}_labels", "labels", "label", "y", "arr_1")
IDX_SPLITS = {"train": ("train",), "test": ("t10k", "test")}


def open_npz(path: Path, split: str) -> Collection:
    """uint8 images [N, H, W] or [N, H, W, C] under `images`, `x_train`, ...; integer labels [N] under `labels`, `y_train`, ..."""
    try:
        arrays = np.load(path, allow_pickle=False)
        images, labels = (_pick(arrays, [key.format(split) for key in keys]) for keys in (IMAGE_KEYS, LABEL_KEYS))
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path} is not a readable .npz file: {error}") from error
    if images is None:
        raise ValueError(f"no images for split {split!r} in {path}: found {arrays.files}, expected one of {IMAGE_KEYS}")
    if split != "train" and not any(key.format(split) in arrays.files for key in IMAGE_KEYS[:2]):
        raise ValueError(f"{path} has no split {split!r}: found the arrays {arrays.files}; an undivided set is split 'train'")
    return _collection(path, images, labels)


def is_idx_folder(path: Path) -> bool:
    return any(path.glob("*-images*idx3-ubyte*"))


def open_idx(path: Path, split: str) -> Collection:
    """{train,t10k}-images-idx3-ubyte[.gz] and the labels beside them."""
    images, labels = _find_idx(path, split, "images"), _find_idx(path, split, "labels")
    if images is None:
        raise ValueError(f"{path} has no images for split {split!r}: found {sorted(file.name for file in path.iterdir())}")
    return _collection(images, _read_idx(images), None if labels is None else _read_idx(labels))


def _collection(path, images, labels):
    images = images[..., None] if images.ndim == 3 else images
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"images of {path} are {images.dtype} {list(images.shape)}: expected uint8 [N, H, W] or [N, H, W, C] with 1, 3 or 4 channels;"
            " convert floats to 0..255 and move channels last"
        )
    if not len(images):
        raise ValueError(f"no images in {path}: its array is {list(images.shape)}")
    if labels is not None:
        labels = labels.reshape(-1) if labels.size == len(labels) else labels
        if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
            raise ValueError(f"labels of {path} are {labels.dtype} {list(labels.shape)}: expected {len(images)} integers, one per image")
    return of_images(
        names=[f"{path}[{index}]" for index in range(len(images))],
        look=lambda index: images.shape[1:],
        read=lambda index, size, channels: decode.adapt(images[index], size, channels),
        labels=None if labels is None else lambda: labels,
        classes=() if labels is None else tuple(str(label) for label in range(int(labels.max()) + 1)),
    )


def _pick(arrays, keys):
    return next((arrays[key] for key in keys if key in arrays.files), None)


def _find_idx(path, split, what):
    if split not in IDX_SPLITS:
        raise ValueError(f"{path} has no split {split!r}: expected 'train' or 'test'")
    found = (file for prefix in IDX_SPLITS[split] for file in sorted(path.glob(f"{prefix}-{what}*ubyte*")))
    return next(found, None)


def _read_idx(path):
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read()
    except (OSError, EOFError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    shape = tuple(int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])) if len(data) > 3 else ()
    start = 4 + 4 * len(shape)
    if data[:3] != b"\0\0\x08" or len(data) != start + math.prod(shape):
        raise ValueError(f"{path} is not a whole idx file: expected {start + math.prod(shape)} bytes from its header, found {len(data)}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
