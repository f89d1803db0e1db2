"""jgan translate RUN IMAGES OUT"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import tyro

from jgan import bounded, outputs
from jgan.data import decode
from jgan.data.archives import SUFFIXES
from jgan.data.open import open_collection
from jgan.data.reading import AS_STORED, Reading
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
    reading = Reading(getattr(trained.config, "bit_depth", None), getattr(trained.config, "max_unpacked", None))
    for name, image in read_images(images, trained.spec.shape(condition)[2], split, reading):
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


def read_images(path: Path, channels: int, split: str = "train", reading: Reading = AS_STORED) -> Iterator[tuple[str, np.ndarray]]:
    """Names of translations, and images, uint8 [H, W, channels], of a folder, an archive or one file; damaged ones are left out and named.

    Raises:
      ValueError: before the first image, if two translations would have one name, or the one file is damaged.
    """
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        yield f"{path.stem}.png", _read_image(path, channels, reading)
        return
    collection = open_collection(str(path), split, None, None, reading=reading)
    given = [str(PurePath(name).relative_to(path.expanduser())) if collection.paths else PurePath(name).name for name in collection.names]
    for index, name in enumerate(names_of_translations(given)):
        try:
            height, width, _ = collection.look(index)["image"]
            image = collection.read(index, {"image": (height, width, channels)})["image"]
        except (ValueError, OSError) as error:
            print(f"{collection.names[index]} was left out: {error}")
            continue
        yield name, image


def _read_image(path, channels, reading):
    with bounded.open_regular(path) as file:
        data = file.read()
    try:
        return decode.decode(data, decode.header(data, reading=reading)[:2], channels, reading)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
