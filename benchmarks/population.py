"""How much faster are many small runs in one program than one after another?

    python benchmarks/population.py --lanes 8 --devices 1 2

prints one line of JSON per number of devices, for the least-squares DCGAN of `experiments/studies/lsgan_stability.py` on random images.
Every core of a CPU is a device, unless JAX_NUM_CPU_DEVICES says otherwise.

images_per_second   of all lanes together: `together` in one program, vmapped on one device or spread over the mesh, and `apart`, as
                    many runs one after another, by a program for one run on one device
speedup             of together over apart, repeat by repeat
difference          largest relative difference between the parameters of the last lane and those of the same run alone, after the first
                    `steps`: later the training makes much of little, whatever the rounding
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import measure  # noqa: E402

from jgan import losses  # noqa: E402
from jgan.models import dcgan  # noqa: E402
from jgan.population import Population, mesh_of_lanes, population  # noqa: E402
from jgan.sharding import data_mesh, device_per_core, first_devices  # noqa: E402
from jgan.training import alternating  # noqa: E402
from jgan.types import Training  # noqa: E402


def main(
    lanes: int = 8,
    devices: tuple[int, ...] = (),
    resolution: int = 28,
    width: int = 8,
    batch: int = 32,
    steps: int = 20,
    repeats: int = 5,
) -> None:
    """Measures a population of small GANs; one line of JSON per number of devices.

    Args:
        lanes: Runs.
        devices: Numbers of devices over which the lanes are spread; by default one, and as many as share them evenly.
        resolution: Height and width of the images, pixels.
        width: Features of the convolutions at half the resolution.
        batch: Images per step and lane.
        steps: Steps per repeat.
        repeats: Of every measurement.
    """
    for count in devices or sorted({1, mesh_of_lanes(lanes).shape["data"]}):
        found = measured(lanes, count, resolution, width, batch, steps, repeats)
        print(json.dumps({"benchmark": "population", **found, **measure.provenance()}), flush=True)


def measured(lanes: int, devices: int, resolution: int, width: int, batch: int, steps: int, repeats: int) -> dict[str, Any]:
    """All figures of one number of devices."""
    images = np.random.default_rng(0).integers(0, 256, (4 * batch, resolution, resolution, 1), np.uint8)
    make, examples = least_squares((resolution, resolution, 1), width), {"image": jnp.asarray(images)}
    rates = jnp.geomspace(1e-4, 1e-3, lanes)
    mesh = data_mesh(first_devices(devices))
    together = advancing(population(make, examples, range(lanes), batch, mesh), rates, steps)
    one = population(make, examples, [lanes - 1], batch)
    alone = [advancing(one, rates[i : i + 1], steps) for i in range(lanes)]
    apart = difference(together(), alone[-1]())
    seconds = measure.alternately({"together": together, "apart": lambda: [advance() for advance in alone]}, repeats)
    total = lanes * batch * steps
    return {
        "lanes": lanes,
        "devices": devices,
        "resolution": resolution,
        "width": width,
        "batch": batch,
        "images_per_second": {name: measure.spread(total / s) for name, s in seconds.items()},
        "speedup": measure.spread(seconds["apart"] / seconds["together"]),
        "difference": apart,
    }


def least_squares(shape: tuple[int, int, int], width: int) -> Callable[[Any], Training]:
    """(learning rate) -> the training with least squares of networks without batch norm."""
    plan = dcgan.least_squares(shape, width, (False, False))

    def make(rate):
        networks, adam = (dcgan.generator(plan), dcgan.discriminator(plan)), optax.adam(rate, b1=0.5)
        return alternating(*networks, losses.least_squares(scale=0.5), adam, adam, latent_size=100, half_life=0)

    return make


def advancing(runs: Population, rates: jax.Array, steps: int) -> Callable[[], Any]:
    """A function that goes `steps` steps further with every call, and returns the parameters of the generators."""
    held = [runs.begin(rates)]

    def advance():
        held[0] = runs.advance(held[0], rates, steps)
        return held[0].generator.params

    return advance


def difference(together: Any, alone: Any) -> float:
    """The largest difference between the last lane and a run alone, relative to the largest parameter of the array."""
    pairs = zip(jax.tree.leaves(jax.device_get(together)), jax.tree.leaves(jax.device_get(alone)), strict=True)
    return measure.digits(max(float(np.abs(a[-1] - b[0]).max() / (np.abs(b).max() + 1e-12)) for a, b in pairs))


if __name__ == "__main__":
    device_per_core()
    jax.config.update("jax_enable_compilation_cache", False)
    tyro.cli(main)
