"""How many images per second does StyleGAN2 train here, and how many in eager PyTorch (`benchmarks/peers/stylegan2.py`)?

    python benchmarks/peer.py --resolutions 64 128 --repeats 3

prints one line of JSON per resolution; PyTorch must be installed. Both take the same steps: equal parameters to begin with, batch, losses,
and penalties as often as in training (path lengths every 4 steps, R1 every 16), float32, by turns in one process, on all cores.

images_per_second   `jgan` and `pytorch`, over `steps` steps
ratio               of both, repeat by repeat
"""

import json
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import measure  # noqa: E402
from benchmarks.step import ahead, training_steps, whole_cycles  # noqa: E402
from experiments import stylegan  # noqa: E402

from jgan.models import stylegan2  # noqa: E402
from jgan.sharding import compile, run_key  # noqa: E402


def main(
    resolutions: tuple[int, ...] = (64,),
    devices: int = 1,
    batch: int = 8,
    channel_base: int = 4096,
    channel_max: int = 128,
    steps: int = 16,
    repeats: int = 3,
) -> None:
    """Measures training steps of StyleGAN2 here and in PyTorch; one line of JSON per resolution.

    Args:
        resolutions: Height and width of the images, pixels.
        devices: On which we train; convolutions of JAX before 0.11 use one core each, so there JAX_NUM_CPU_DEVICES=2 and 2 are fair.
        batch: Images per step.
        channel_base: Channels at a level are this divided by its size in pixels ...
        channel_max: ... but at most so many.
        steps: Steps per repeat, rounded up to whole cycles of the lazy penalties.
        repeats: Of every measurement.
    """
    for resolution in resolutions:
        config = configuration(resolution, batch, channel_base, channel_max)
        print(json.dumps({"benchmark": "peer", **compared(config, devices, steps, repeats), **measure.circumstances()}), flush=True)


def configuration(resolution: int, batch: int, channel_base: int, channel_max: int) -> stylegan.Config:
    """The paper's game without classes, augmentation and style mixing."""
    sizes = {"resolution": resolution, "batch": batch, "channel_base": channel_base, "channel_max": channel_max}
    return stylegan.Config(**sizes, style_mixing=0, augment="none", latent_size=128, style_size=128, mapping_layers=8)


def compared(config: stylegan.Config, devices: int, steps: int, repeats: int) -> dict[str, Any]:
    """All figures of one configuration."""
    import torch

    setup, steps = measure.setup(config, devices), whole_cycles(config, steps)
    compiled = compile(setup.training, setup.mesh, setup.feed, steps_per_call=config.steps_per_call)
    state = compiled.init(run_key(0, setup.mesh))
    theirs, number = peer(config, state), [0]

    def train():
        for _ in range(steps):
            theirs(number[0])
            number[0] += 1

    ours = training_steps(setup, compiled, ahead(setup, compiled, config.steps_per_call), {"state": state}, steps)
    seconds = measure.alternately({"jgan": ours, "pytorch": train}, repeats)
    return {
        "resolution": config.resolution,
        "batch": config.batch,
        "devices": devices,
        "channel_base": config.channel_base,
        "channel_max": config.channel_max,
        "steps": steps,
        "images_per_second": {name: measure.spread(config.batch * steps / s) for name, s in seconds.items()},
        "ratio": measure.spread(seconds["pytorch"] / seconds["jgan"]),
        "pytorch": torch.__version__,
    }


def peer(config: stylegan.Config, state: stylegan.State) -> Any:
    """(number of a step) -> that step in PyTorch, from our parameters."""
    from benchmarks.peers import stylegan2 as peers

    params = jax.device_get((state.generator.params, state.discriminator.params))
    players = peers.new_players(*params, config.learning_rate, config.path_every, config.r1_every)
    shape = measure.image_shape(config)
    images = np.random.default_rng(0).integers(0, 256, (2 * config.batch, *shape), np.uint8)
    sizes = stylegan2.plan(shape[:2], config.channel_base, config.channel_max).sizes
    return peers.trainer(players, config, sizes, images)


if __name__ == "__main__":
    jax.config.update("jax_enable_compilation_cache", False)
    tyro.cli(main)
