"""Where images come from: one function that opens them all."""

import difflib
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import jax
import numpy as np

from jgan.data.collection import Collection, agree, survey
from jgan.data.source import Example, Source, spread

CHANNELS = (1, 3, 4)


def open_source(
    spec: str | Path,
    *,
    resolution: int | tuple[int, int] | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
    labels: bool | None = False,
    data_dir: str | Path | None = None,
) -> Source:
    """Opens a set of images.

    Args:
      spec: one of
        `"shapes"`: the built-in procedural set (`jgan.data.shapes`), 8192 images to train with and 2048 to test;
        `"tfds:NAME"`: a TensorFlow Datasets set, prepared in `data_dir` if it is not there yet;
        a folder of idx files (`train-images-idx3-ubyte.gz`, ...), or a `.npz` (arrays `images` and `labels`, or `x_train`, ...);
        a folder, `.zip`, `.tar`, `.tar.gz`, `.tar.xz` of PNG, JPEG and WebP files; folders become class labels, below `train` and
        `test` if both exist; a `dataset.json` with `{"labels": [[file, int], ...]}` goes before them; `"set.zip/trainA"` is the
        folder `trainA` in it.
      resolution: side in pixels, or (H, W): the centre is cropped to that aspect and resized (Lanczos). None: as stored.
      channels: 1, 3 or 4. Transparent images are put on white, unless it is 4. None: as stored (a palette has 3).
      split: `"train"` or `"test"`; for TensorFlow Datasets any split expression.
      limit: take at most so many images, evenly spaced over the set.
      labels: True: an error if there are none; None: if there are any; False: never.
      data_dir: where TensorFlow Datasets keeps its sets.

    Returns:
      A source with the field `image` and, where there are labels, `label`. Files whose header cannot be read are in `skipped`. A file
      whose pixels turn out to be damaged is replaced by the next readable image (of the same label), with one warning, and noted in
      `damaged`.

    Raises:
      ValueError: unknown spec, no readable image, mixed sizes or channels that were not asked to be unified, labels absent, ...
      FileNotFoundError: nothing at that path.

    >>> source = open_source("shapes", resolution=16, limit=100, labels=True)
    >>> source.fields["image"].shape, source.size, source.read(0)["image"].dtype, source.names["label"][:2]
    ((16, 16, 3), 100, dtype('uint8'), ('circle', 'square'))
    """
    size = checked_size(resolution)
    check_choices(channels, limit)
    return source_of(open_collection(str(spec), split, limit, size, data_dir), str(spec), size, channels, limit, labels)


def source_of(
    collection: Collection, spec: str, size: tuple[int, int] | None, channels: int | None, limit: int | None, labels: bool | None = False
) -> Source:
    """The source that an opened collection is, under the name `spec`; the other arguments and the errors are those of `open_source`."""
    total = len(collection.names)
    usable, skipped = survey(collection, [int(index) for index in spread(total, min(total, limit or total))])
    if not usable:
        found = f"the first is {skipped[0][0]}: {skipped[0][1]}" if skipped else "it is empty"
        raise ValueError(f"no readable image in {spec} ({len(skipped)} unreadable): {found}")
    if skipped:
        warnings.warn(
            f"{spec}: {len(skipped)} of {len(skipped) + len(usable)} files left out, first {skipped[0][0]}: {skipped[0][1]}", stacklevel=3
        )
    shapes = agree(collection, usable, size, channels)
    indices = [index for index, _ in usable]
    columns = _checked_labels(spec, collection, indices, labels)
    fields = {name: jax.ShapeDtypeStruct(shape, np.uint8) for name, shape in shapes.items()}
    damaged: dict[str, str] = {}
    return Source(
        name=spec,
        size=len(indices),
        fields=fields | {name: jax.ShapeDtypeStruct(values.shape[1:], values.dtype) for name, values in columns.items()},
        read=_reader(collection, indices, shapes, columns, damaged),
        names={"label": collection.classes} if columns else {},
        columns=columns,
        skipped=skipped,
        damaged=damaged,
    )


def checked_size(resolution: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """The (height, width) that a resolution means.

    Raises:
      ValueError: unless it is one or two positive numbers of pixels, or None.
    """
    size = (resolution, resolution) if isinstance(resolution, int) else resolution
    if size is None:
        return None
    if len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
        raise ValueError(f"resolution={resolution!r}: expected a positive number of pixels, (height, width), or None (as stored)")
    return size[0], size[1]


def check_choices(channels: int | None, limit: int | None) -> None:
    """Raises ValueError for a number of channels or a limit that no source can have."""
    if channels is not None and channels not in CHANNELS:
        raise ValueError(f"channels={channels!r}: expected 1 (grey), 3 (RGB), 4 (RGBA) or None (as stored)")
    if limit is not None and limit < 1:
        raise ValueError(f"limit={limit!r}: expected at least one image, or None for all")


# The readers are imported where they are needed: pillow, tensorflow_datasets and array_record are not on every machine.
def open_collection(
    spec: str, split: str, limit: int | None, size: tuple[int, int] | None, data_dir: str | Path | None = None
) -> Collection:
    """What a spec of `open_source` names, as it lies there."""
    if spec == "shapes":
        from jgan.data.procedural import shapes

        return shapes.collection(split, limit)
    if spec.startswith("tfds:"):
        from jgan.data import tfds

        return tfds.open_tfds(spec.removeprefix("tfds:"), split, size, data_dir)
    path, inner = _locate(Path(spec).expanduser())
    return _open_path(path, inner, split)


def _open_path(path, inner, split):
    from jgan.data import arrays, files

    if path.suffix.lower() == ".npz":
        return arrays.open_npz(path, split)
    if path.is_dir() and arrays.is_idx_folder(path):
        return arrays.open_idx(path, split)
    return files.open_files(path, inner, split)


def _locate(path):
    """(what exists, the folder inside it): `set.zip/trainA` is the folder trainA of the archive set.zip."""
    if path.exists():
        return path, ""
    for parent in path.parents:
        if parent.is_file():
            return parent, path.relative_to(parent).as_posix()
    beside = [str(path.parent / other.name) for other in path.parent.iterdir()] if path.parent.is_dir() else []
    nearest = difflib.get_close_matches(str(path), ["shapes", "tfds:shapes", *beside], n=3)
    hint = f"; did you mean {' or '.join(map(repr, nearest))}?" if nearest else ""
    raise FileNotFoundError(f"no source {str(path)!r}: expected 'shapes', 'tfds:NAME', or the path of a folder, .zip, .npz or .tar{hint}")


def _checked_labels(spec, collection, indices, wanted):
    """The column of labels, if there is one and it is wanted."""
    if wanted is False or (wanted is None and collection.labels is None):
        return {}
    if collection.labels is None:
        raise ValueError(
            f"{spec} has no labels: put each class into a folder of its own, or add a dataset.json with"
            ' {"labels": [[file, int], ...]}, or open it with labels=False'
        )
    values = np.asarray(collection.labels())[indices].astype(np.int32)
    if values.min() < 0 or values.max() >= len(collection.classes):
        raise ValueError(f"labels of {spec} reach from {values.min()} to {values.max()}: expected 0 to {len(collection.classes) - 1}")
    return {"label": values}


def _reader(
    collection: Collection, indices: list[int], shapes: Mapping, columns: Mapping[str, np.ndarray], damaged: dict[str, str]
) -> Callable[[int], Example]:
    labels = columns.get("label")

    def attempt(index: int) -> Example | None:
        try:
            return collection.read(indices[index], shapes)
        except ValueError as error:
            name = collection.names[indices[index]]
            if name not in damaged:
                damaged[name] = str(error)
                warnings.warn(f"{name} is damaged and replaced by the next readable image: {error}", stacklevel=3)
            return None

    def read(index: int) -> Example:
        index = range(len(indices))[index]  # IndexError beyond the end
        for step in range(len(indices)):
            other = (index + step) % len(indices)
            if labels is None or labels[other] == labels[index]:  # so that the label stays true
                images = attempt(other)
                if images is not None:
                    return images | {name: values[index] for name, values in columns.items()}
        raise ValueError(f"no readable image is left to stand in for {collection.names[indices[index]]}")

    return read
