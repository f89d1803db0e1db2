"""Sets of TensorFlow Datasets that are prepared without TensorFlow: their published files, and how examples are read from these.

TFDS' own builders say what the features are, where the files lie and what hashes they have; only their reading, which calls TensorFlow, is
replaced. What is written is TFDS' own format under its version, in the order in which TFDS itself would write it.
"""

import contextlib
import io
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from jgan.data.arrays import read_idx
from jgan.fetch import cache_folder, fetch, verified

Examples = Iterable[tuple[Any, dict[str, Any]]]  # (key, example) of a split
IDX = {"train": "train", "test": "t10k"}
CIFAR = {"train": [f"data_batch_{number}.bin" for number in range(1, 6)], "test": ["test_batch.bin"]}


def prepare(builder: Any) -> None:
    """Downloads the files of a set that is in `SOURCES`, unless they lie in the cache folder, and prepares the set.

    Raises:
      OSError: if a file cannot be downloaded; the message says where to put it.
      ValueError: if a file in the cache folder is not the published one.
    """
    with contextlib.ExitStack() as stack:
        splits = SOURCES[builder.name](builder, published_files(builder), stack)
        builder._split_generators = lambda dl_manager: splits  # what subclasses of TFDS' builders define
        builder.download_and_prepare()


def published_files(builder: Any) -> dict[str, Path]:
    """Returns the published files of a set by their names, in the cache folder."""
    folder = cache_folder() / "tfds" / builder.name
    return {info.filename: _published(url, info.checksum, folder / info.filename) for url, info in builder.url_infos.items()}


def _published(url, sha256, path):
    if path.is_file():
        return verified(path, sha256)
    try:
        return fetch(url, sha256, path)
    except (OSError, ValueError) as error:
        raise OSError(f"{url} could not be downloaded ({error}): bring that file and put it at {path}") from error


def _idx(builder: Any, files: Mapping[str, Path], stack: contextlib.ExitStack) -> dict[str, Examples]:
    def examples(prefix):
        images, labels = (read_idx(files[f"{prefix}-{what}-ubyte.gz"]) for what in ("images-idx3", "labels-idx1"))
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield index, {"image": _png(image), "label": int(label)}

    return {split: examples(prefix) for split, prefix in IDX.items()}


def _cifar10(builder: Any, files: Mapping[str, Path], stack: contextlib.ExitStack) -> dict[str, Examples]:
    """Records of a label and 32 x 32 reds, greens and blues, one byte each."""
    archive = stack.enter_context(tarfile.open(files["cifar-10-binary.tar.gz"]))
    members = {PurePosixPath(member.name).name: member for member in archive.getmembers()}
    builder.info.features["label"].names = _content(archive, members["batches.meta.txt"]).decode().split()

    def examples(split, names):
        index = 0
        for name in names:
            for record in np.frombuffer(_content(archive, members[name]), np.uint8).reshape(-1, 1 + 3 * 32 * 32):
                image = record[1:].reshape(3, 32, 32).transpose(1, 2, 0)
                yield index, {"id": f"{split}_{index:05d}", "image": _png(image), "label": int(record[0])}
                index += 1

    return {split: examples(split, names) for split, names in CIFAR.items()}


def _flowers(builder: Any, files: Mapping[str, Path], stack: contextlib.ExitStack) -> dict[str, Examples]:
    """Photos in folders of classes, as JPEG, whose bytes are kept."""
    archive = stack.enter_context(tarfile.open(files["flower_photos.tgz"]))

    def examples() -> Iterator[tuple[str, dict[str, Any]]]:
        for member in archive:
            path = PurePosixPath(member.name)
            if path.suffix == ".jpg":
                yield f"{path.parent.name}/{path.name}", {"image": io.BytesIO(_content(archive, member)), "label": path.parent.name.lower()}

    return {"train": examples()}


SOURCES: Mapping[str, Callable[[Any, Mapping[str, Path], contextlib.ExitStack], dict[str, Examples]]] = {
    "mnist": _idx,
    "fashion_mnist": _idx,
    "kmnist": _idx,
    "cifar10": _cifar10,
    "tf_flowers": _flowers,
}


def _content(archive, member):
    file = archive.extractfile(member)
    if file is None:
        raise ValueError(f"expected a file {member.name} in {archive.name}, found something else; bring the published file")
    return file.read()


def _png(image):
    """TFDS encodes arrays with TensorFlow, but takes PNG bytes as they are."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return io.BytesIO(content.getvalue())
