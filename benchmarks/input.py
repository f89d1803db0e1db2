"""How fast do images get to the device, and does training wait for them?

    python benchmarks/input.py --images 512 --pixels 64

prints one line of JSON per feed: `shapes` and `zip`, the embedded set and a file of PNGs, both kept on the device, and `stream`, the same
file read during training. The file is made for the purpose. Spreads are medians and quartiles over the repeats.

ready_seconds       from the name of the set to the feed, which holds the whole set if it is kept on the device
images_per_second   of the feed alone, up to the batch on the device
step_ms             of a training step with this feed
fetching            share of that time in which the host asks for the next batches and puts them on the device, which works meanwhile on
                    what it was given before; the cores that reading takes from the step are in step_ms
waiting             the part of this after which the device was found with nothing left to work on: training can have waited for so long at
                    most
"""

import dataclasses
import functools
import io
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import measure  # noqa: E402

from jgan.data import Feed, resident, stream  # noqa: E402
from jgan.sharding import data_mesh, first_devices  # noqa: E402
from jgan.systems import stylegan  # noqa: E402

FEEDS = {"shapes": resident, "zip": resident, "stream": stream}


def main(
    feeds: tuple[str, ...] = tuple(FEEDS),
    preset: str = "demo",
    batch: int | None = None,
    resolution: int | None = None,
    devices: int = 1,
    images: int = 512,
    pixels: int = 64,
    steps: int = 48,
    repeats: int = 5,
) -> None:
    """Measures feeds, alone and in training; one line of JSON each.

    Args:
        feeds: Of shapes, zip, stream.
        preset: Name of a preset of StyleGAN2.
        batch: Images per step over all devices, instead of the preset's.
        resolution: Height and width in pixels to which images are brought, instead of the preset's.
        devices: On which the step runs.
        images: In the file.
        pixels: Height and width of the images in the file.
        steps: Per repeat, rounded up to whole cycles of the lazy penalties.
        repeats: Of every measurement.
    """
    unknown = [name for name in feeds if name not in FEEDS]
    if unknown:
        raise ValueError(f"expected feeds out of {', '.join(FEEDS)}, found {', '.join(unknown)}")
    config = measure.configuration(preset, batch, resolution)
    with tempfile.TemporaryDirectory() as folder:
        write_zip(path := Path(folder) / "images.zip", images, pixels)
        for name in feeds:
            chosen = dataclasses.replace(config, data="shapes" if name == "shapes" else str(path))
            found = measured(chosen, FEEDS[name], devices, measure.whole_cycles(config, steps), repeats)
            print(json.dumps({"benchmark": "input", "feed": name, "preset": preset, **found, **measure.provenance()}), flush=True)


def write_zip(path: Path, images: int, pixels: int) -> None:
    """Writes PNG images of smooth random colours with some noise, a folder per class."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(images):
            coarse = Image.fromarray(random.integers(0, 240, (8, 8, 3), np.uint8))
            smooth = np.asarray(coarse.resize((pixels, pixels), Image.Resampling.BILINEAR))
            noisy = smooth + random.integers(0, 16, smooth.shape, np.uint8)
            Image.fromarray(noisy).save(file := io.BytesIO(), "png")
            archive.writestr(f"{index % measure.CLASSES}/{index:06d}.png", file.getvalue())


def measured(config: stylegan.Config, place: Callable[..., Feed], devices: int, steps: int, repeats: int) -> dict[str, Any]:
    """All figures of one feed; `place` makes it of a source."""
    begun = time.perf_counter()
    source = stylegan.open_data(config)
    feed = place(source, batch=config.batch, seed=config.seed)
    opened = time.perf_counter() - begun
    training = stylegan.build(config, source.spec)
    ready = measure.ready(measure.Setup(config, training, feed, data_mesh(first_devices(devices))))
    alone = measure.alternately({"feed": feeding(ready, steps)}, repeats)["feed"]
    seconds, fetched, waited = waiting(ready, steps, repeats)
    return {
        "resolution": source.spec.shape()[:2],
        "images": source.size,
        "batch": config.batch,
        "devices": devices,
        "steps_per_call": config.steps_per_call,
        "ready_seconds": {"once": measure.digits(opened)},
        "images_per_second": measure.spread(config.batch * steps / alone),
        "step_ms": measure.spread(1e3 * seconds / steps),
        "fetching": measure.spread(fetched / seconds),
        "waiting": measure.spread(waited / seconds),
    }


def feeding(ready: measure.Ready, steps: int) -> Callable[[], Any]:
    """A function that brings the batches of `steps` steps to the device, and does nothing with them."""
    setup, compiled, k = ready.setup, ready.compiled, ready.setup.config.steps_per_call
    items = setup.feed.items(0, k)
    lookup = jax.jit(lambda constants, items: jax.lax.map(functools.partial(setup.feed.lookup, constants), items))

    def feed():
        for _ in range(steps // k):
            jax.block_until_ready(lookup(compiled.constants["feed"], compiled.put(next(items))))

    return feed


def waiting(ready: measure.Ready, steps: int, repeats: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Seconds [repeats] of `steps` training steps, seconds of these that the host spends on getting batches, and of these again those after
    which the device has nothing to work on."""
    setup, compiled, spent = ready.setup, ready.compiled, []
    watch = functools.partial(watched, spent=spent, idle=lambda: ready.held["state"].step.is_ready())

    def items(step, steps_per_item):
        return iter(functools.partial(watch(next), setup.feed.items(step, steps_per_item)), None)

    feed = setup.feed._replace(items=items)
    observed = ready._replace(setup=setup._replace(feed=feed), compiled=compiled._replace(put=watch(compiled.put)))
    seconds = measure.alternately({"steps": measure.training_steps(observed, steps)}, repeats)["steps"]
    fetched, idle = np.reshape(spent, (repeats + 1, -1, 2))[1:].transpose(2, 0, 1)
    return seconds, fetched.sum(axis=1), (fetched * idle).sum(axis=1)


def watched(function: Callable, spent: list[tuple[float, bool]], idle: Callable[[], bool]) -> Callable:
    """The same function, which adds to a list the seconds of each call, and whether the device is idle after it."""

    def call(*arguments):
        begun = time.perf_counter()
        found = function(*arguments)
        spent.append((time.perf_counter() - begun, idle()))
        return found

    return call


if __name__ == "__main__":
    jax.config.update("jax_enable_compilation_cache", False)
    tyro.cli(main)
