"""Folders, zips and tars of files of one kind, such as images: see `jgan.data.layout` for what their folders mean.

A dataset.json beside the files goes before folders: see `jgan.data.listing`.
"""

import functools
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jgan.data import archives, decode
from jgan.data.collection import Collection, of_images
from jgan.data.labels import Labels, numbered
from jgan.data.layout import SPELLINGS, Layout, canonical_split, checked_split, clean, is_of_a_system, layout_of, place
from jgan.data.listing import FILE, finder, listed_labels, listings
from jgan.data.reading import AS_STORED, Reading, watched


class Kind(NamedTuple):
    """What is looked for in folders."""

    one: str  # what an example is called in messages, such as image
    expected: str  # which files there might be
    is_one: Callable[[archives.Archive, str], bool]  # (archive, name of a file) -> whether it is, or is part of, an example
    example: Callable[[str], str] = lambda path: path  # path of a file -> path of the example that it is part of


IMAGES = Kind("image", f"{decode.NAMES} files", archives.is_image)


class Found(NamedTuple):
    """The examples of a split of a folder or archive."""

    archive: archives.Archive
    files: Sequence[Sequence[str]]  # of each example, as the archive names them
    names: Sequence[str]  # of each example, for messages
    labels: Callable[[], Labels | None]  # the other fields: as in `Collection`
    paths: Sequence[str]
    splits: Mapping[str, int]
    passed_over: Sequence[tuple[str, str]]


def open_files(path: Path, inner: str, split: str, reading: Reading = AS_STORED) -> Collection:
    """Returns the images of the folder or archive `path`, or of the folder `inner` in it."""
    found = find_files(path, inner, split, IMAGES, reading)
    archive, files = found.archive, [file for (file,) in found.files]
    archives.warn_of_dark_greys(archive, files, path / inner, reading)
    return of_images(
        names=found.names,
        look=lambda index: archives.look(archive, files[index], reading),
        read=lambda index, size, channels: decode.decode(archive.read(files[index]), size, channels, reading),
        labels=found.labels,
        paths=found.paths,
        splits=found.splits,
        passed_over=found.passed_over,
    )


def find_files(path: Path, inner: str, split: str, kind: Kind, reading: Reading = AS_STORED) -> Found:
    """Returns the examples of a kind in the folder or archive `path`, or in the folder `inner` in it.

    Raises:
      ValueError: if there are none, or none in this split.
    """
    archive = archives.open_archive(path, reading)
    root, where = f"{inner}/" if inner else "", str(path / inner)
    files = {clean(name): name for name in archive.names}
    is_one = functools.cache(lambda file: kind.is_one(archive, files[file]))  # it may read the start of a file
    below = [file.removeprefix(root) for file in files if file.startswith(root)]
    shown = _without_files_of_systems(below)
    looked_at = watched(shown, lambda number, file: f"look for {kind.one}s in {where}: {number} of {len(shown)} files up to {file}")
    wanted = sorted(file for file in looked_at if is_one(root + file))
    if not wanted:
        raise ValueError(f"no {kind.one}s in {where}: found {_some(archive.names)}; expected {kind.expected}, as they are or in folders")
    members: dict[str, list[str]] = {}
    for file in wanted:
        members.setdefault(kind.example(file), []).append(files[root + file])
    layout = layout_of({_folders(folder) for folder in {_folder(example) for example in members}})
    locate = functools.cache(lambda folder: place(layout, _folders(folder)))
    places = {example: locate(_folder(example)) for example in members}
    splits = _splits(places)
    passed_over = [*_beside_splits(layout, places, where, kind), *_others(set(shown) - set(wanted), where, kind)]
    in_split = checked_split(split, splits, where)
    chosen = [example for example in members if places[example].split == in_split or not splits]

    def labels():
        everything = _without_files_of_systems(files)
        lists, full = listings(everything), [root + example for example in chosen]
        if all(found is None for found in map(finder(lists), full)):
            empty = {locate(_folder(file)) for file in shown} - set(places.values())
            return _labels_of_folders(layout, places, chosen, empty, where, kind)
        others = {kind.example(file) for file in everything if is_one(file)} - set(full)
        return listed_labels(lists, lambda list_path: archive.read(files[list_path]), full, list(others), path, reading.max_unpacked)

    paths = ["/".join((*places[example].folders[layout.class_level :], example.rpartition("/")[2])) for example in chosen]
    names = [f"{where}/{example}" for example in chosen]
    return Found(archive, [members[example] for example in chosen], names, labels, paths, splits, passed_over)


def _without_files_of_systems(files):
    hidden = functools.cache(is_of_a_system)  # many files are in one folder
    return [file for file in files if not hidden(_folder(file)) and not is_of_a_system(file.rpartition("/")[2])]


def _folder(file):
    return file.rpartition("/")[0]


def _folders(folder):
    return tuple(folder.split("/")) if folder else ()


def _splits(places) -> dict[str, int]:
    """The number of pictures in each split."""
    counts = Counter(found.split for found in places.values())
    return {split: counts[split] for split in SPELLINGS if counts[split]}


def _beside_splits(layout, places, where, kind) -> list[tuple[str, str]]:
    """The pictures in no split, where there are splits; they are warned about."""
    beside = [picture for picture, found in places.items() if layout.split_level is not None and not found.split]
    if beside:
        few = f"{len(beside)} of {len(places)} {kind.one}s are beside the folders of splits"
        warnings.warn(f"{where}: {few} and left out, first {beside[0]}", stacklevel=5)
    return [(f"{where}/{picture}", "beside the folders of splits") for picture in beside]


def _others(files, where, kind) -> list[tuple[str, str]]:
    """What else there is; archives are warned about, since they may hold examples."""
    packed = sorted(file for file in files if file.lower().endswith(archives.ARCHIVES))
    if packed:
        warnings.warn(
            f"{where}: {len(packed)} archives in it are not read, first {packed[0]}; open it by itself, or unpack it", stacklevel=5
        )
    return [(f"{where}/{file}", f"no {kind.one}") for file in sorted(files) if file.rpartition("/")[2].lower() != FILE]


def _labels_of_folders(layout: Layout, places, chosen, empty, where, kind) -> Labels | None:
    classes = _classes(layout, places.values())
    if len(classes) < 2 or all(places[picture].own_class is None for picture in chosen):
        return None
    without = _classes(layout, empty) - classes
    if without:
        warnings.warn(f"{where}: no {kind.one}s in the folders {', '.join(sorted(without))}, which are no classes", stacklevel=2)
    splits = [name for name in sorted(classes) if canonical_split(name)]
    if splits:
        advice = f"if it is a split, open {where}/{splits[0]}"
        warnings.warn(f"{where}: {splits[0]} is read as a class, as the folders beside it; {advice}", stacklevel=2)
    return numbered([places[picture].own_class for picture in chosen], classes)


def _classes(layout, places):
    return {found.own_class for found in places if found.own_class is not None and (found.split or layout.split_level is None)}


def _some(names):
    return ", ".join(sorted(names)[:3]) + (" ..." if len(names) > 3 else "") if names else "nothing"
