"""jgan translate RUN IMAGES OUT"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import numpy as np
import tyro

from jgan import bounded, outputs
from jgan.data import decode
from jgan.data.archives import SUFFIXES
from jgan.data.open import open_collection
from jgan.data.reading import AS_STORED, Reading
from jgan.data.settings import reading_of
from jgan.ranges import CountOrZero, Seed
from jgan.run.system import System
from jgan.run.trained import load


def translate(
    system: System,
    run: tyro.conf.Positional[Path],
    images: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    direction: str = "forward",
    split: str = "train",
    seed: Seed = 0,
    step: CountOrZero | None = None,
) -> None:
    """Translates a folder or an archive of images, or one image, into a folder of PNG files of the same names.

    Where names differ in their endings alone, the new ones keep them: photo.jpg.png, photo.webp.png.

    Args:
        run: The folder of the run.
        images: A folder, zip or tar of images of any size, or one image.
        out: The folder to write.
        direction: forward, or backward if the system has learned that too.
        split: If there are folders such as train, val and test: which of them.
        seed: Of the noise, if the network has any.
        step: The checkpoint to use; the best if not given.
    """
    if out.suffix.lower() in outputs.endings({"image": outputs.image()}) and not out.is_dir():
        raise ValueError(f"expected a folder to write, one file per image, found {out}")
    outputs.check_place(out / "0000.png")
    trained = load(run, step, system)
    condition, output = trained.direction(direction)
    for name, image in read_images(images, trained.spec.shape(condition)[2], split, reading_of(trained.config)):
        given: dict[str, Any] = {condition: image[None]}
        found = trained.outputs(noise=seed, only=output, **given)
        outputs.save(out / name, found, {output: outputs.image()})
    print(out)


def names_of_translations(names: Sequence[str]) -> list[str]:
    """Returns the names of PNG files for images; those that differ in their endings alone keep them.

    Raises:
      ValueError: if two would still be the same file.

    >>> names_of_translations(["a.jpg", "b.jpg", "b.webp"])
    ['a.png', 'b.jpg.png', 'b.webp.png']
    """
    stems = [str(PurePath(name).with_suffix("")) for name in names]
    counts = Counter(stem.casefold() for stem in stems)  # one file on some systems
    chosen = [f"{name if counts[stem.casefold()] > 1 else stem}.png" for name, stem in zip(names, stems, strict=True)]
    repeated = [name for name, count in Counter(name.casefold() for name in chosen).items() if count > 1]
    if repeated:
        clash = " and ".join(name for name, new in zip(names, chosen, strict=True) if new.casefold() == repeated[0])
        raise ValueError(f"expected images whose translations have different names, found {clash}; rename one, nothing was written")
    return chosen


class Named(NamedTuple):
    """An image of a folder, an archive or a file."""

    name: str  # as it lies there
    read: Callable[[int | None], np.ndarray]  # (channels, or None for as stored) -> uint8 [H, W, C]; ValueError if it is damaged


def open_named(path: Path, split: str = "train", reading: Reading = AS_STORED, size: tuple[int, int] | None = None) -> dict[str, Named]:
    """Returns images of a folder, an archive or one file by the names of their translations; cropped and resized to a size (H, W) if one is
    given.

    Raises:
      ValueError: if two translations would have one name.
    """
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        return {f"{path.stem}.png": Named(str(path), partial(_read_file, path, reading, size))}
    collection = open_collection(str(path), split, None, None, reading=reading)
    given = [str(PurePath(name).relative_to(path.expanduser())) if collection.paths else PurePath(name).name for name in collection.names]
    names = names_of_translations(given)
    return {name: Named(collection.names[index], partial(_read, collection, index, size)) for index, name in enumerate(names)}


def read_images(
    path: Path, channels: int, split: str = "train", reading: Reading = AS_STORED, size: tuple[int, int] | None = None
) -> Iterator[tuple[str, np.ndarray]]:
    """Returns names of translations, and images, uint8 [H, W, channels], of a folder, an archive or one file; damaged ones are left out and
    named. Size as of `open_named`.

    Raises:
      ValueError: before the first image, if two translations would have one name; if the only image is damaged.
    """
    found = open_named(path, split, reading, size)
    for name, (given, read) in found.items():
        try:
            yield name, read(channels)
        except (ValueError, OSError) as error:
            if len(found) == 1:
                raise
            print(f"{given} was left out: {error}")


def _read_file(path, reading, size, channels):
    with bounded.open_regular(path) as file:
        data = file.read()
    try:
        height, width, stored = decode.header(data, reading=reading)
        return decode.decode(data, size or (height, width), channels or stored, reading)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _read(collection, index, size, channels):
    height, width, stored = collection.look(index)["image"]
    return collection.read(index, {"image": (*(size or (height, width)), channels or stored)})["image"]
