"""Folders, zips and tars of image files, opened as one Collection: see `jgan.data.layout` for what their folders mean.

A dataset.json beside the pictures goes before folders: see `jgan.data.listing`.
"""

import functools
import warnings
from collections import Counter
from pathlib import Path

from jgan.data import archives, decode
from jgan.data.collection import Collection, of_images
from jgan.data.labels import Labels, numbered
from jgan.data.layout import SPELLINGS, Layout, canonical_split, checked_split, clean, is_of_a_system, layout_of, place
from jgan.data.listing import FILE, finder, listed_labels, listings
from jgan.data.reading import AS_STORED, Reading, watched


def open_files(path: Path, inner: str, split: str, reading: Reading = AS_STORED) -> Collection:
    """The images of the folder or archive `path`, or of the folder `inner` in it."""
    archive = archives.open_archive(path, reading)
    root, where = f"{inner}/" if inner else "", str(path / inner)
    files = {clean(name): name for name in archive.names}
    is_picture = functools.cache(lambda file: archives.is_image(archive, files[file]))  # it may read the start of a file
    below = [file.removeprefix(root) for file in files if file.startswith(root)]
    shown = _without_files_of_systems(below)
    looked_at = watched(shown, lambda number, file: f"look for images in {where}: {number} of {len(shown)} files up to {file}")
    pictures = sorted(file for file in looked_at if is_picture(root + file))
    if not pictures:
        raise ValueError(f"no images in {where}: found {_some(archive.names)}; expected {decode.NAMES} files, as they are or in folders")
    layout = layout_of({_folders(folder) for folder in {_folder(file) for file in pictures}})
    locate = functools.cache(lambda folder: place(layout, _folders(folder)))
    places = {picture: locate(_folder(picture)) for picture in pictures}
    splits = _splits(places)
    passed_over = [*_beside_splits(layout, places, where), *_no_images(set(shown) - set(pictures), where)]
    wanted = checked_split(split, splits, where)
    chosen = [picture for picture in pictures if places[picture].split == wanted or not splits]
    names = [files[root + picture] for picture in chosen]

    def labels():
        everything = _without_files_of_systems(files)
        lists, full = listings(everything), [root + picture for picture in chosen]
        if all(found is None for found in map(finder(lists), full)):
            empty = {locate(_folder(file)) for file in shown} - set(places.values())
            return _labels_of_folders(layout, places, chosen, empty, where)
        others = [file for file in set(everything) - set(full) if is_picture(file)]
        return listed_labels(lists, lambda list_path: archive.read(files[list_path]), full, others, path, reading.max_unpacked)

    archives.warn_of_dark_greys(archive, names, path / inner, reading)
    return of_images(
        names=[f"{where}/{picture}" for picture in chosen],
        look=lambda index: archives.look(archive, names[index], reading),
        read=lambda index, size, channels: decode.decode(archive.read(names[index]), size, channels, reading),
        labels=labels,
        paths=["/".join((*places[picture].folders[layout.class_level :], picture.rpartition("/")[2])) for picture in chosen],
        splits=splits,
        passed_over=passed_over,
    )


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


def _beside_splits(layout, places, where) -> list[tuple[str, str]]:
    """The pictures in no split, where there are splits; they are warned about."""
    beside = [picture for picture, found in places.items() if layout.split_level is not None and not found.split]
    if beside:
        few = f"{len(beside)} of {len(places)} images are beside the folders of splits"
        warnings.warn(f"{where}: {few} and left out, first {beside[0]}", stacklevel=4)
    return [(f"{where}/{picture}", "beside the folders of splits") for picture in beside]


def _no_images(files, where) -> list[tuple[str, str]]:
    """What else there is; archives are warned about, since they may hold images."""
    packed = sorted(file for file in files if file.lower().endswith(archives.ARCHIVES))
    if packed:
        warnings.warn(
            f"{where}: {len(packed)} archives in it are not read, first {packed[0]}; open it by itself, or unpack it", stacklevel=4
        )
    return [(f"{where}/{file}", "no image") for file in sorted(files) if file.rpartition("/")[2].lower() != FILE]


def _labels_of_folders(layout: Layout, places, chosen, empty, where) -> Labels | None:
    classes = _classes(layout, places.values())
    if len(classes) < 2 or all(places[picture].own_class is None for picture in chosen):
        return None
    without = _classes(layout, empty) - classes
    if without:
        warnings.warn(f"{where}: no pictures in the folders {', '.join(sorted(without))}, which are no classes", stacklevel=2)
    splits = [name for name in sorted(classes) if canonical_split(name)]
    if splits:
        advice = f"if it is a split, open {where}/{splits[0]}"
        warnings.warn(f"{where}: {splits[0]} is read as a class, as the folders beside it; {advice}", stacklevel=2)
    return numbered([places[picture].own_class for picture in chosen], classes)


def _classes(layout, places):
    return {found.own_class for found in places if found.own_class is not None and (found.split or layout.split_level is None)}


def _some(names):
    return ", ".join(sorted(names)[:3]) + (" ..." if len(names) > 3 else "") if names else "nothing"
