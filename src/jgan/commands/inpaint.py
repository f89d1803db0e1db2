"""jgan inpaint RUN IMAGES MASKS OUT"""

from collections.abc import Iterable
from pathlib import Path

import jax
import numpy as np
import tyro

from jgan import outputs
from jgan.commands.translate import Named, open_named
from jgan.data.settings import reading_of
from jgan.ranges import CountOrZero
from jgan.run.system import System
from jgan.run.trained import Trained, load

CHANNELS = {1: "one channel, grey", 3: "three channels of colour", 4: "three channels of colour and alpha"}


def inpaint(
    system: System,
    run: tyro.conf.Positional[Path],
    images: tyro.conf.Positional[Path],
    masks: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    split: str = "train",
    step: CountOrZero | None = None,
) -> None:
    """Fills the holes of a folder or an archive of images, or of one image, into a folder of PNG files of the same names.

    All pixels around the holes stay as they are. Masks are white in the hole and black elsewhere; they have the sizes of the images and,
    but for their endings, their names.

    Args:
        run: The folder of the run.
        images: A folder, zip or tar of images of any size, or one image.
        masks: A folder, zip or tar of masks, or one mask of any name.
        out: The folder to write.
        split: If there are folders such as train, val and test: which of them.
        step: The checkpoint to use; the best if not given.
    """
    outputs.check_place(out / "0000.png")
    trained = load(run, step, system)
    found = matched(open_named(images, split, reading_of(trained.config)), open_named(masks, split))
    check(trained, found.values())
    for name, (image, mask) in found.items():
        pixels, hole = read_pair(image, mask, trained.spec.shape("image")[2])
        completed = trained.outputs(only="image", image=pixels[None], mask=hole[None])
        outputs.save(out / name, completed, {"image": outputs.image()})
    print(out)


def matched(images: dict[str, Named], masks: dict[str, Named]) -> dict[str, tuple[Named, Named]]:
    """Returns images with the masks of their names, or the only image with the only mask.

    Raises:
      ValueError: for an image without a mask, or a mask without an image.
    """
    if len(images) == len(masks) == 1:
        return {name: (image, mask) for name, image, mask in zip(images, images.values(), masks.values(), strict=True)}
    alone = sorted(images.keys() ^ masks.keys())
    if alone:
        side, other = ("image", "mask") if alone[0] in images else ("mask", "image")
        raise ValueError(f"expected images and masks of the same names, found the {side} {alone[0]} without {other}; nothing was written")
    return {name: (image, masks[name]) for name, image in images.items()}


def check(trained: Trained, found: Iterable[tuple[Named, Named]]) -> None:
    """Reads all pairs, and traces the system for each size, before anything is compiled or written.

    Raises:
      ValueError: as `read_pair`; for a size that the system does not take.
    """
    sizes = set()
    for image, mask in found:
        inputs = dict(zip(("image", "mask"), read_pair(image, mask, trained.spec.shape("image")[2]), strict=True))
        shapes = {name: jax.ShapeDtypeStruct((1, *values.shape), values.dtype) for name, values in inputs.items()}
        if shapes["mask"].shape in sizes:
            continue
        sizes.add(shapes["mask"].shape)
        try:
            jax.eval_shape(trained.sample, trained.abstract, None, shapes)
        except ValueError as error:
            raise ValueError(f"{image.name}: {error}") from error


def read_pair(image: Named, mask: Named, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns an image, uint8 [H, W, channels], and its mask, uint8 [H, W, 1].

    Raises:
      ValueError: unless the image has these channels, and the mask its size, a hole and something beside it.
    """
    pixels, hole = image.read(None), mask.read(1)
    if pixels.shape[2] != channels:
        raise ValueError(f"expected an image of {CHANNELS[channels]}, found {image.name} with {CHANNELS[pixels.shape[2]]}; convert it")
    if pixels.shape[:2] != hole.shape[:2]:
        sizes = " and ".join(f"{x.shape[0]} x {x.shape[1]} of {named.name}" for x, named in ((pixels, image), (hole, mask)))
        raise ValueError(f"expected a mask of the size of the image, found {sizes}; resize the mask")
    share = (hole > 127).mean()
    if not 0 < share < 1:
        found = "no hole" if share == 0 else "nothing but hole"
        raise ValueError(f"expected a mask that is white in the hole and black elsewhere, found {found} in {mask.name}")
    return pixels, hole
