"""What the benchmarks share: a preset on random images, and timing in turns."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from experiments import stylegan
from jax.sharding import Mesh

from jgan import data
from jgan.run.circumstances import circumstances
from jgan.sharding import data_mesh, first_devices
from jgan.types import Training

__all__ = ["Setup", "alternately", "circumstances", "digits", "image_shape", "setup", "spread"]

CLASSES = 10  # of conditional presets


class Setup(NamedTuple):
    """A training algorithm on random images, and where it is to run."""

    config: stylegan.Config
    training: Training
    feed: data.Feed
    mesh: Mesh


def setup(config: stylegan.Config, devices: int = 1) -> Setup:
    """The training of a configuration; its images are random and live on the devices, so reading data takes no part in what is measured.

    Raises:
      ValueError: if there are fewer devices.
    """
    mesh, shape, n = data_mesh(first_devices(devices)), image_shape(config), 2 * config.batch
    images = np.random.default_rng(0).integers(0, 256, (n, *shape), np.uint8)
    labels = np.arange(n, dtype=np.int32) % CLASSES if config.conditional else None
    source = data.Source("random", shape, n, images.__getitem__, labels)
    feed = data.resident(source, batch=config.batch, seed=0, process_index=jax.process_index(), process_count=jax.process_count())
    return Setup(config, stylegan.build(config, shape, CLASSES), feed, mesh)


def image_shape(config: stylegan.Config) -> tuple[int, int, int]:
    """(H, W, C) of the images of a configuration."""
    return config.resolution, config.width or config.resolution, config.channels or 3


def alternately(functions: dict[str, Callable], repeats: int) -> dict[str, np.ndarray]:
    """Seconds [repeats] of each function, called in turn, so that a slow moment of the machine meets them all; one turn warms up.

    A function returns what has to be waited for.
    """
    seconds = {name: [] for name in functions}
    for _ in range(repeats + 1):
        for name, function in functions.items():
            begun = time.perf_counter()
            jax.block_until_ready(function())
            seconds[name].append(time.perf_counter() - begun)
    return {name: np.asarray(values[1:]) for name, values in seconds.items()}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles, to four digits."""
    return {name: digits(np.quantile(values, q)) for name, q in (("median", 0.5), ("low", 0.25), ("high", 0.75))}


def digits(value: float) -> float:
    """Four significant digits."""
    return float(f"{value:.4g}")
