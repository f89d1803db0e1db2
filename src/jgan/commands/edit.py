"""jgan edit RUN IMAGES"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import tyro

from jgan import outputs
from jgan.commands.translate import Named, open_named, read_images
from jgan.data.settings import reading_of
from jgan.ranges import CountOrZero
from jgan.run.system import System
from jgan.run.trained import load

SMALLEST = 8  # pixels


def edit(
    system: System,
    run: tyro.conf.Positional[Path],
    images: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path] = Path("edited"),
    add: tuple[str, ...] = (),
    remove: tuple[str, ...] = (),
    split: str = "train",
    step: CountOrZero | None = None,
) -> None:
    """Puts attributes on what images show, or takes them off, into a folder of PNG files of the same names.

    Args:
        run: The folder of the run.
        images: A folder, zip or tar of images of any size, or one image.
        out: The folder to write.
        add: Names of attributes that the images shall have.
        remove: Names of attributes that they shall not have.
        split: If there are folders such as train, val and test: which of them.
        step: The checkpoint to use; the best if not given.
    """
    outputs.check_place(out / "0000.png")
    trained = load(run, step, system)
    change, channels = change_of(trained.spec.names["attributes"], add, remove), trained.spec.image_shape[2]
    reading = reading_of(trained.config)
    check_images(open_named(images, split, reading).values(), channels)
    for name, image in read_images(images, channels, split, reading):
        found = trained.outputs(image=image[None], change=change[None], only="edited")
        outputs.save(out / name, found, {"edited": outputs.image()})
    print(out)


def change_of(names: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> np.ndarray:
    """Returns the change [A] of attributes with these names: 1 where it is added, -1 where it is removed, 0 elsewhere.

    Raises:
      ValueError: for an unknown name, one that is both added and removed, or none at all.

    >>> change_of(("glasses", "hat", "smile"), add=["smile"], remove=["glasses"]).tolist()
    [-1.0, 0.0, 1.0]
    """
    unknown, both = [name for name in (*add, *remove) if name not in names], [name for name in add if name in remove]
    if unknown:
        raise ValueError(f"expected attributes that the run has learned, {', '.join(names)}, found {', '.join(unknown)}")
    if both:
        raise ValueError(f"expected attributes either to add or to remove, found {', '.join(both)} in both; leave one out")
    if not add and not remove:
        raise ValueError(f"expected an attribute to add or to remove, found none; give --add or --remove and some of {', '.join(names)}")
    return np.asarray([(name in add) - (name in remove) for name in names], np.float32)


def check_images(images: Iterable[Named], channels: int) -> None:
    """Reads all images, before any is edited; damaged ones are passed over.

    Raises:
      ValueError: for one in grey where the run has colours, or one smaller than 8 pixels.
    """
    for image in images:
        try:
            height, width, found = image.read(None).shape
        except ValueError:
            continue
        if found < min(channels, 3):
            raise ValueError(f"expected images in colour, as the run was trained on, found {image.name} in grey; leave it out or colour it")
        if min(height, width) < SMALLEST:
            raise ValueError(f"expected images of {SMALLEST} x {SMALLEST} pixels or more, found {image.name} of {height} x {width}")
