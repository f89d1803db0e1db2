"""Image translation after training: images of any size in, images of the same size out; from Python and from the command line.

The commands are given an experiment's `load`: (run, step, direction) -> Translator, where a step of None means the best checkpoint.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from jgan.data import Source, decode
from jgan.data.files import SUFFIXES
from jgan.data.sources import open_collection
from jgan.run import export as exporting
from jgan.run import images as pictures
from jgan.training import normalise
from jgan.types import Array, Network, Params, State


class Translator(NamedTuple):
    """A trained translator: `translator(images)` are the translations."""

    network: Network  # images [N, H, W, C] in [-1, 1] -> images of that shape
    params: Params
    state: State
    shape: tuple[int, int, int]  # (H, W, C) of the images that it was trained on
    multiple: int  # pixels: what the sides of its images are multiples of
    smallest: int = 1  # pixels: the smallest side

    def __call__(self, images: np.ndarray, seed: int = 0, batch: int = 16) -> np.ndarray:
        """Translations, uint8, of uint8 images [N, H, W, C] or of one [H, W, C], of any size: they are padded to what the network takes by
        reflection, and cropped back.

        Args:
          images: of as many channels as those of the training.
          seed: of the noise, if the network has any.
          batch: images at a time.
        """
        images = np.asarray(images)
        if images.ndim == 3:
            return self(images[None], seed, batch)[0]
        if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] != self.shape[2]:
            raise ValueError(f"expected uint8 images [N, H, W, {self.shape[2]}] or one of them, found {images.dtype} {images.shape}")
        (top, bottom), (left, right) = (self._border(side) for side in images.shape[1:3])
        batch, n = min(batch, len(images)), len(images)
        padded = np.pad(images, ((0, 0), (top, bottom), (left, right), (0, 0)), mode="reflect")
        padded = np.pad(padded, ((0, -n % batch), (0, 0), (0, 0), (0, 0)))
        key = jax.random.key(seed, impl="threefry2x32")
        chunks = [_translate(self.network.apply, self.params, self.state, padded[i : i + batch], key) for i in range(0, n, batch)]
        found = pictures.to_uint8(np.concatenate([np.asarray(chunk) for chunk in chunks]))
        return found[:n, top : found.shape[1] - bottom, left : found.shape[2] - right]

    def _border(self, side):
        """Pixels before and after a side, to the next size that the network takes."""
        missing = max(-(-side // self.multiple) * self.multiple, self.smallest) - side
        return missing // 2, missing - missing // 2


Load = Callable[[Path, int | None, str], Translator]


def commands(load: Load, evaluate: Callable) -> dict[str, Callable]:
    """The commands `translate`, `export` and `evaluate` of an experiment; the last is that of `jgan.run.translation_scores`."""
    return {"translate": partial(translate, load), "export": partial(export, load), "evaluate": evaluate}


def translate(
    load: Load,
    run: tyro.conf.Positional[Path],
    images: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    direction: str = "forward",
    split: str = "train",
    seed: int = 0,
    step: int | None = None,
) -> None:
    """Translates a folder or an archive of images, or one image, into a folder of PNG files of the same names and sizes.

    Args:
        run: The folder of the run.
        images: A folder, zip or tar of images of any size, or one image.
        out: The folder to write.
        direction: forward, or backward if the system has learned that too.
        split: If there are folders train and test: which of them.
        seed: Of the noise, if the network has any.
        step: The checkpoint to use; the best if not given.
    """
    translator = load(run, step, direction)
    for name, image in read_images(images, translator.shape[2], split):
        path = out / Path(name).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures.save_png(path, translator(image, seed))
    print(out)


def export(
    load: Load,
    run: tyro.conf.Positional[Path],
    direction: str = "forward",
    height: int | None = None,
    width: int | None = None,
    step: int | None = None,
    out: Path = Path("translator.jaxexp"),
) -> None:
    """Writes images [N, H, W, C] in [-1, 1] -> their translations as one file that runs without this code, on CPU, GPU and TPU.

    Args:
        run: The folder of the run.
        direction: forward, or backward if the system has learned that too.
        height: Of the images, pixels; as trained if not given.
        width: Of the images, pixels; as trained if not given.
        step: The checkpoint to use; the best if not given.
        out: The file to write.
    """
    translator = load(run, step, direction)
    shape = height or translator.shape[0], width or translator.shape[1], translator.shape[2]
    for side in shape[:2]:
        if side % translator.multiple or side < translator.smallest:
            raise ValueError(
                f"expected sides of {translator.smallest} pixels or more that are multiples of {translator.multiple}, found {side}"
            )

    def function(x):
        return translator.network.apply(translator.params, translator.state, x)[0]

    exporting.export(function, out, jax.ShapeDtypeStruct(shape, jnp.float32))
    print(out)


def read_images(path: Path, channels: int, split: str = "train") -> Iterator[tuple[str, np.ndarray]]:
    """Names, below `path`, and images, uint8 [H, W, channels], of a folder, an archive or one file; damaged ones are left out and named."""
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        data = path.read_bytes()
        yield path.name, decode.decode(data, decode.header(data)[:2], channels)
        return
    collection = open_collection(str(path), split, None, None, None)
    for index, name in enumerate(collection.names):
        try:
            image = collection.read(index, collection.look(index)[:2], channels)
        except ValueError as error:
            print(f"{name} was left out: {error}")
            continue
        yield str(Path(name).relative_to(path)), image


def take(source: Source, most: int) -> np.ndarray:
    """At most so many images of a source, uint8 [N, H, W, C], evenly spread over it."""
    n = min(most, source.size)
    return np.stack([source.read(i * source.size // n) for i in range(n)])


@partial(jax.jit, static_argnums=0)
def _translate(apply: Callable, params: Params, state: State, images: Array, key: Array) -> Array:
    return apply(params, state, normalise(images), key=key)[0]
