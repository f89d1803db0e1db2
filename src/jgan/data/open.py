"""Where images come from: one function that opens them all."""

import difflib
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from jgan.data.collection import Collection, agree, survey
from jgan.data.labels import NONE, Labels
from jgan.data.layout import canonical_split
from jgan.data.reading import AS_STORED, Reading, checked_reading
from jgan.data.source import Example, Origin, Source, spread

CHANNELS = (1, 3, 4)
SHOWN = 10  # classes or files in a message
NO_LABELS = (
    '{} has no labels: put each class into a folder, add a dataset.json with {{"labels": [[file, label], ...]}}, or labels=... to'
    " a .npz, or do without (on the command line: --no-conditional; in Python: labels=False)"
)


def open_source(
    spec: str | Path,
    *,
    resolution: int | tuple[int, int] | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
    labels: bool | None = False,
    data_dir: str | Path | None = None,
    bit_depth: int | None = None,
    max_unpacked: int | None = None,
) -> Source:
    """Opens a set of images.

    Args:
      spec: one of
        `"shapes"`: the built-in procedural set (`jgan.data.procedural.shapes`), 8192 images to train with and 2048 to test;
        `"shapes:equal-luma"`: the same shapes in eight colours of one grey value, on grey;
        `"animals"`: procedural cartoon heads of animals of eight kinds (`jgan.data.procedural.animals`);
        `"faces"`, `"faces:correlated"`, `"faces:painting"`: procedural cartoon faces, with more fields (`jgan.data.procedural.faces`);
        `"tfds:NAME"`: a TensorFlow Datasets set, prepared in `data_dir` if it is not there yet;
        a folder of idx files (`train-images-idx3-ubyte.gz`, ...), or a `.npz` (arrays `images` and `labels`, or `x_train`, ...);
        a folder, `.zip`, `.tar`, `.tar.gz`, `.tar.xz` of image files (see `jgan.data.decode`); folders become class labels, beside or
        below those of the splits, if there are any; a `dataset.json` with `{"labels": [[file, label], ...]}` goes before them;
        `"set.zip/trainA"` is the folder `trainA` in it. Classes are those that occur in any split, in the order of their numbers if all
        are numbers.
      resolution: side in pixels, or (H, W): the centre is cropped to that aspect and resized (Lanczos). None: as stored.
      channels: 1, 3 or 4. Transparent images are put on white, unless it is 4. None: as stored (a palette has 3).
      split: `"train"`, `"val"` or `"test"`, which may be spelled training, valid, validation or testing, in any case, here and in the set;
        for TensorFlow Datasets any split expression.
      limit: maximum number of images, evenly spaced over the set.
      labels: True: an error if there are none, and images beside the folders of classes are left out; None: if every image has one;
        False: never. Labels that are wrong are an error, or with None a warning.
      data_dir: where TensorFlow Datasets keeps its sets.
      bit_depth: bits that greys of 16 bits use: 12 for 0 ... 4095. None: as the file says (TIFF tags, sBIT of a PNG), else 16.
      max_unpacked: the most bytes to which one item, and what is held in memory of a set, may unpack. None: 128 MiB and 100 times the size
        of the file, at most half of the memory.

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
    reading = checked_reading(bit_depth, max_unpacked)
    if str(spec).split(":")[0] == "faces":
        from jgan.data.procedural import faces

        split = canonical_split(split) or split
        return faces.open_faces(str(spec), split=split, resolution=size, channels=channels, limit=limit, labels=labels)
    source = source_of(open_collection(str(spec), split, limit, size, data_dir, reading), str(spec), size, channels, limit, labels)
    if source.columns and limit is None and canonical_split(split) == "train":
        _warn_of_empty_classes(source)
    return source


def source_of(
    collection: Collection, spec: str, size: tuple[int, int] | None, channels: int | None, limit: int | None, labels: bool | None = False
) -> Source:
    """Returns the source that an opened collection is, under the name `spec`; the other arguments and the errors are those of
    `open_source`.
    """
    usable = usable_of(collection, spec, limit, labels)
    shapes = agree(collection, usable.found, size, channels)
    indices = [index for index, _ in usable.found]
    fields = {name: jax.ShapeDtypeStruct(shape, np.uint8) for name, shape in shapes.items()}
    damaged: dict[str, str] = {}
    names = [collection.names[index] for index in indices]
    return Source(
        name=spec,
        size=len(indices),
        fields=fields | {name: jax.ShapeDtypeStruct(values.shape[1:], values.dtype) for name, values in usable.columns.items()},
        read=reader(names, lambda index: collection.read(indices[index], shapes), usable.columns, damaged),
        names=usable.classes,
        columns=usable.columns,
        skipped=usable.skipped,
        damaged=damaged,
        origin=Origin(Counter(shape for _, found in usable.found for shape in found.values()), collection.splits, note=collection.note),
    )


class Usable(NamedTuple):
    """The examples of a collection that can be read."""

    found: list[tuple[int, Mapping[str, tuple[int, ...]]]]  # place in the collection, and shapes as stored
    columns: dict[str, np.ndarray]  # their labels, if any
    classes: dict[str, tuple[str, ...]]  # the names of these
    skipped: tuple[tuple[str, str], ...]  # (name, reason) of what was left out


def usable_of(collection: Collection, spec: str, limit: int | None, labels: bool | None) -> Usable:
    """Looks at the examples of a collection, at most `limit` of them; arguments, warnings and errors as of `open_source`."""
    given = _checked_labels(spec, collection, labels)
    candidates = np.arange(len(collection.names)) if given is None else np.flatnonzero(given.numbers != NONE)
    without = np.setdiff1d(np.arange(len(collection.names)), candidates)
    strays = [(collection.names[int(index)], "in no folder of a class") for index in without]
    chosen = candidates[spread(len(candidates), min(len(candidates), limit or len(candidates)))]
    usable, skipped = survey(collection, chosen.tolist())
    if not usable:
        found = f"the first is {skipped[0][0]}: {skipped[0][1]}" if skipped else "it is empty"
        raise ValueError(f"nothing readable in {spec} ({len(skipped)} unreadable): {found}")
    if skipped:
        first, *others = skipped
        few = f"; then {', '.join(name for name, _ in others[:SHOWN])}{' ...' if others[SHOWN:] else ''}" if others else ""
        count = f"{len(skipped)} of {len(skipped) + len(usable)} files left out"
        warnings.warn(f"{spec}: {count}, first {first[0]}: {first[1]}{few}", stacklevel=4)
    left_out = (*collection.passed_over, *strays, *skipped)
    if given is None:
        return Usable(usable, {}, {}, left_out)
    return Usable(usable, {"label": given.numbers[[index for index, _ in usable]]}, {"label": given.classes}, left_out)


def checked_size(resolution: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """Returns the (height, width) that a resolution means.

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
    spec: str,
    split: str,
    limit: int | None,
    size: tuple[int, int] | None,
    data_dir: str | Path | None = None,
    reading: Reading = AS_STORED,
) -> Collection:
    """Returns what a spec of `open_source` names, as it lies there."""
    if spec.split(":")[0] == "shapes":
        from jgan.data.procedural import shapes

        return shapes.collection(canonical_split(split) or split, limit, spec)
    if spec == "animals":
        from jgan.data.procedural import animals

        return animals.collection(canonical_split(split) or split, limit)
    if spec.startswith("tfds:"):
        from jgan.data import tfds

        return tfds.open_tfds(spec.removeprefix("tfds:"), split, size, data_dir)
    path, inner = locate(path_of(spec))
    return _open_path(path, inner, split, reading)


def _open_path(path, inner, split, reading):
    from jgan.data import arrays, files

    if path.suffix.lower() == ".npz":
        return arrays.open_npz(path, split, reading)
    if path.is_dir() and arrays.is_idx_folder(path):
        return arrays.open_idx(path, split, reading)
    return files.open_files(path, inner, split, reading)


def path_of(spec: str | Path) -> Path:
    """Returns the path that the place of a set means.

    Raises:
      ValueError: if it is empty, which would mean the current folder.

    >>> path_of("photos").name
    'photos'
    """
    if not str(spec).strip():
        raise ValueError("expected the path of a set or the name of an embedded one, found nothing; is a variable of the shell not set?")
    return Path(spec).expanduser()


def locate(path: Path, embedded: Sequence[str] = ("shapes", "animals", "faces", "tfds:NAME")) -> tuple[Path, str]:
    """Returns (what exists, the folder inside it): `set.zip/trainA` is the folder trainA of the archive set.zip.

    Raises:
      FileNotFoundError: if nothing exists there; the message has the names of embedded sets.
    """
    if path.exists():
        return path, ""
    for parent in path.parents:
        if parent.is_file():
            return parent, path.relative_to(parent).as_posix()
    beside = [str(path.parent / other.name) for other in path.parent.iterdir()] if path.parent.is_dir() else []
    nearest = difflib.get_close_matches(str(path), [*(name.replace("NAME", "shapes") for name in embedded), *beside], n=3)
    hint = f"; did you mean {' or '.join(map(repr, nearest))}?" if nearest else ""
    raise FileNotFoundError(
        f"no source {str(path)!r}: expected {', '.join(map(repr, embedded))}, or the path of a folder, .zip, .npz or .tar{hint}"
    )


def _checked_labels(spec, collection, wanted) -> Labels | None:
    """The labels, if there are some and they are wanted."""
    if wanted is False:
        return None
    try:
        found = collection.labels()
    except (ValueError, OSError) as error:
        if wanted:
            raise
        warnings.warn(f"{spec} is opened without labels: {error}", stacklevel=4)
        return None
    if found is None:
        if wanted:
            raise ValueError(NO_LABELS.format(spec))
        return None
    return _without_strays(spec, collection, found, wanted)


def _without_strays(spec, collection, found, wanted):
    strays = np.flatnonzero(found.numbers == NONE)
    if not len(strays):
        return found
    beside = f"{len(strays)} of {len(found.numbers)} files are in no folder of a class, first {collection.names[strays[0]]}"
    if wanted is None:
        warnings.warn(f"{spec} is opened without labels: {beside}", stacklevel=5)
        return None
    warnings.warn(f"{spec}: {beside}; they are left out", stacklevel=5)
    return found


def _warn_of_empty_classes(source):
    """Nobody who draws samples of a class should wonder why it was never learned."""
    counts = np.bincount(source.columns["label"], minlength=len(source.names["label"]))
    empty = [f"{number} ({name})" for number, name in enumerate(source.names["label"]) if not counts[number]]
    if empty:
        few = ", ".join(empty[:SHOWN]) + (" ..." if len(empty) > SHOWN else "")
        warnings.warn(f"{source.name} has classes without images to train on: {few}", stacklevel=3)


def reader(
    names: Sequence[str], decode: Callable[[int], Example], columns: Mapping[str, np.ndarray], damaged: dict[str, str]
) -> Callable[[int], Example]:
    """Makes the `read` of a source, in which the next readable example, of the same label, stands in for a damaged one.

    Args:
      names: one per example, for messages.
      decode: index -> what is stored of an example; raises ValueError or OSError if it is damaged.
      columns: what else belongs to each.
      damaged: name -> reason, filled when that happens.
    """
    labels = columns.get("label")

    def attempt(index: int) -> Example | None:
        try:
            return decode(index)
        except (ValueError, OSError) as error:
            reason = str(error)
            if damaged.setdefault(names[index], reason) is reason:  # many threads read, one of them warns
                warnings.warn(f"{names[index]} is damaged and replaced by the next readable example: {error}", stacklevel=3)
            return None

    def read(index: int) -> Example:
        index = range(len(names))[index]  # IndexError beyond the end
        for step in range(len(names)):
            other = (index + step) % len(names)
            if labels is None or labels[other] == labels[index]:  # so that the label stays true
                stored = attempt(other)
                if stored is not None:
                    return stored | {name: values[index] for name, values in columns.items()}
        raise ValueError(f"no readable example is left to stand in for {names[index]}: {damaged.get(names[index])}")

    return read
