"""jgan translate RUN IMAGES OUT"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from jgan import outputs
from jgan.data import decode
from jgan.data.files import SUFFIXES
from jgan.data.open import open_collection
from jgan.run.system import System
from jgan.run.trained import load


def translate(
    system: System,
    run: tyro.conf.Positional[Path],
    images: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    direction: str = "forward",
    split: str = "train",
    seed: int = 0,
    step: int | None = None,
) -> None:
    """Translates a folder or an archive of images, or one image, into a folder of PNG files of the same names.

    Args:
        run: The folder of the run.
        images: A folder, zip or tar of images of any size, or one image.
        out: The folder to write.
        direction: forward, or backward if the system has learned that too.
        split: If there are folders train and test: which of them.
        seed: Of the noise, if the network has any.
        step: The checkpoint to use; the best if not given.
    """
    trained = load(run, step, system)
    condition, output = trained.direction(direction)
    for name, image in read_images(images, trained.spec.shape(condition)[2], split):
        path = out / Path(name).with_suffix(".png")
        given: dict[str, Any] = {condition: image[None]}
        found = trained.outputs(noise=seed, only=output, **given)
        outputs.save(path, found, {output: outputs.image()})
    print(out)


def read_images(path: Path, channels: int, split: str = "train") -> Iterator[tuple[str, np.ndarray]]:
    """Names, below `path`, and images, uint8 [H, W, channels], of a folder, an archive or one file; damaged ones are left out and named."""
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        data = path.read_bytes()
        yield path.name, decode.decode(data, decode.header(data)[:2], channels)
        return
    collection = open_collection(str(path), split, None, None)
    for index, name in enumerate(collection.names):
        try:
            height, width, _ = collection.look(index)["image"]
            image = collection.read(index, {"image": (height, width, channels)})["image"]
        except ValueError as error:
            print(f"{name} was left out: {error}")
            continue
        yield str(Path(name).relative_to(path)), image
