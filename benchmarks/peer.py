"""How many images per second does StyleGAN2 train here, and how many in PyTorch (`benchmarks/peers/stylegan2.py`)?

    python benchmarks/peer.py --resolutions 64 128 --repeats 3

prints one line of JSON per resolution; PyTorch must be installed. Both take the same steps: equal parameters to begin with, batch, losses,
and penalties as often as in training (path lengths every 4 steps, R1 every 16), float32 (products in TF32 on GPUs, as JAX has
them), on all cores or one GPU, by turns: each in a process that sleeps meanwhile, since the threads of one library slow the other down.

images_per_second   `jgan` and `pytorch`, over `steps` steps
ratio               of both, repeat by repeat
"""

import contextlib
import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import measure  # noqa: E402

from jgan.models import stylegan2  # noqa: E402
from jgan.sharding import compile, run_key  # noqa: E402
from jgan.systems import stylegan  # noqa: E402


def main(
    resolutions: tuple[int, ...] = (64,),
    devices: int = 1,
    batch: int = 8,
    channel_base: int = 4096,
    channel_max: int = 128,
    steps: int = 16,
    repeats: int = 3,
    torch_compile: bool = False,
) -> None:
    """Measures training steps of StyleGAN2 here and in PyTorch; one line of JSON per resolution.

    Args:
        resolutions: Height and width of the images, pixels.
        devices: On which we train.
        batch: Images per step.
        channel_base: Channels at a level are this divided by its size in pixels ...
        channel_max: ... but at most this number.
        steps: Steps per repeat, rounded up to whole cycles of the lazy penalties.
        repeats: Of every measurement.
        torch_compile: Have PyTorch compile the networks in the adversarial losses.
    """
    for resolution in resolutions:
        config = configuration(resolution, batch, channel_base, channel_max)
        found = compared(config, devices, steps, repeats, torch_compile)
        print(json.dumps({"benchmark": "peer", **found, **measure.provenance()}), flush=True)


def configuration(resolution: int, batch: int, channel_base: int, channel_max: int) -> stylegan.Config:
    """The paper's settings without classes, augmentation and style mixing."""
    sizes = {"resolution": resolution, "batch": batch, "channel_base": channel_base, "channel_max": channel_max}
    return stylegan.Config(**sizes, style_mixing=0, augment="none", latent_size=128, style_size=128, mapping_layers=8)


def compared(config: stylegan.Config, devices: int, steps: int, repeats: int, torch_compile: bool = False) -> dict[str, Any]:
    """All figures of one configuration."""
    import torch

    steps = measure.whole_cycles(config, steps)
    with elsewhere(ours, config, devices, steps) as jgan, elsewhere(theirs, config, steps, torch_compile) as pytorch:
        seconds = measure.alternately({"jgan": jgan, "pytorch": pytorch}, repeats)
    return {
        "resolution": config.resolution,
        "batch": config.batch,
        "devices": devices,
        "channel_base": config.channel_base,
        "channel_max": config.channel_max,
        "steps": steps,
        "torch_compile": torch_compile,
        "images_per_second": {name: measure.spread(config.batch * steps / s) for name, s in seconds.items()},
        "ratio": measure.spread(seconds["pytorch"] / seconds["jgan"]),
        "pytorch": torch.__version__,
    }


@contextlib.contextmanager
def elsewhere(make: Callable, *arguments: Any) -> Iterator[Callable[[], None]]:
    """Calls of the function that `make` returns, in a process in which it is made once. It is ready when this begins."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # processes share the memory of an accelerator
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, make, *arguments), daemon=True)
    process.start()
    there.close()  # so that the end of the process ends what waits for it

    def call():
        here.send("go")
        here.recv()

    try:
        here.recv()
        yield call
    finally:
        process.terminate()
        process.join()


def serve(connection: Any, make: Callable, *arguments: Any) -> None:
    """Calls the function that `make` returns whenever it is asked to."""
    work = make(*arguments)
    while True:
        connection.send("done")
        connection.recv()
        jax.block_until_ready(work())


def ours(config: stylegan.Config, devices: int, steps: int) -> Callable[[], Any]:
    """A function that trains for `steps` steps here."""
    return measure.training_steps(measure.ready(measure.setup(config, devices)), steps)


def theirs(config: stylegan.Config, steps: int, torch_compile: bool) -> Callable[[], None]:
    """A function that trains for `steps` steps in PyTorch, from the same parameters."""
    import torch

    jax.config.update("jax_platforms", "cpu")  # which only makes the parameters
    setup, number = measure.setup(config), [0]
    step = peer(config, compile(setup.training, setup.mesh, setup.feed).init(run_key(0, setup.mesh)), torch_compile)

    def train():
        for _ in range(steps):
            step(number[0])
            number[0] += 1
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return train


def peer(config: stylegan.Config, state: stylegan.State, torch_compile: bool) -> Any:
    """(number of a step) -> that step in PyTorch, from our parameters."""
    import torch
    from benchmarks.peers import stylegan2 as peers

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    params = jax.device_get((state.generator.params, state.discriminator.params))
    players = peers.new_players(*params, config.learning_rate, config.path_every, config.r1_every)
    shape = measure.spec_of(config).shape()
    images = np.random.default_rng(0).integers(0, 256, (2 * config.batch, *shape), np.uint8)
    sizes = stylegan2.plan(shape[:2], config.channel_base, config.channel_max).sizes
    return peers.trainer(players, config, sizes, images, *([torch.compile] if torch_compile else []))


if __name__ == "__main__":
    jax.config.update("jax_enable_compilation_cache", False)
    tyro.cli(main)
