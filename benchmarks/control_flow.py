"""What do `scan` and `cond` cost around convolutions, and what does one dispatch for several steps save?

    python benchmarks/control_flow.py --repeats 5

prints one line of JSON per configuration. Spreads are medians and quartiles over the repeats; everything is timed in turns in one process.

convolutions   five updates of two layers by gradient descent (two weight gradients, one image gradient), with the convolutions of
               `jgan.ops.convolution` (closed) and with `jax.lax.conv_general_dilated` (library): as a Python loop over a compiled update,
               as one `lax.scan`, and as a loop over an update under `lax.cond`. `of_loop` is the time over the time of the loop with the
               same convolutions, `of_library` over the same form with library convolutions
stylegan2      steps of the preset demo, as one and as eight per dispatch; `of_loop` is the time over the one for one per dispatch
"""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import tyro

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import measure  # noqa: E402

from jgan.ops.convolution import convolution  # noqa: E402
from jgan.systems import stylegan  # noqa: E402

UPDATES = 5


def closed(x, kernel):
    return convolution(x, kernel, padding=1)


def library(x, kernel):
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def main(batch: int = 16, resolution: int = 32, channels: int = 32, steps: int = 16, repeats: int = 5) -> None:
    """Measures loops, `scan` and `cond`; one line of JSON per configuration.

    Args:
        batch: Images per update.
        resolution: Height and width of the images, pixels.
        channels: Of the images and layers of the plain convolutions.
        steps: StyleGAN2 steps per repeat, a multiple of 8.
        repeats: Of every measurement.
    """
    where = {"batch": batch, "resolution": resolution}
    for line in convolutions(batch, resolution, channels, repeats):
        print(json.dumps({"benchmark": "control_flow", **line, **where, "channels": channels, **measure.provenance()}), flush=True)
    for line in stylegan2(batch, resolution, steps, repeats):
        print(json.dumps({"benchmark": "control_flow", **line, **where, **measure.provenance()}), flush=True)


def convolutions(batch: int, resolution: int, channels: int, repeats: int) -> list[dict[str, Any]]:
    """The lines of all forms with both kinds of convolutions."""
    keys = jax.random.split(jax.random.key(0), 2)
    x = jax.random.normal(keys[0], (batch, resolution, resolution, channels))
    kernels = jax.random.normal(keys[1], (2, 3, 3, channels, channels)) / (9 * channels) ** 0.5
    seconds = measure.alternately(
        {(kind.__name__, form): run for kind in (closed, library) for form, run in forms(kind, x, kernels).items()},
        repeats,
    )

    def line(kind, form):
        of_loop = measure.spread(seconds[kind, form] / seconds[kind, "loop"])
        of_library = measure.spread(seconds[kind, form] / seconds["library", form])
        ms = measure.spread(1e3 * seconds[kind, form])
        found = {"convolutions": kind, "form": form, "updates": UPDATES, "ms": ms, "of_loop": of_loop, "of_library": of_library}
        return {"subject": "convolutions", **found}

    return [line(*name) for name in seconds]


def forms(convolve: Callable, x: jax.Array, kernels: jax.Array) -> dict[str, Callable]:
    """The same updates in three ways: functions without arguments that return the new kernels."""

    def loss(kernels, x):
        return jnp.mean(jnp.square(convolve(jax.nn.relu(convolve(x, kernels[0])), kernels[1])))

    def update(kernels, x):
        return kernels - 0.01 * jax.grad(loss)(kernels, x)

    step = jax.jit(update)
    scan = jax.jit(lambda kernels, x: jax.lax.scan(lambda kernels, _: (update(kernels, x), None), kernels, None, length=UPDATES)[0])
    cond = jax.jit(lambda kernels, x, due: jax.lax.cond(due, update, lambda kernels, x: kernels, kernels, x))

    def repeated(function, *others):
        new = kernels
        for _ in range(UPDATES):
            new = function(new, x, *others)
        return new

    due = jnp.asarray(True)
    return {"loop": lambda: repeated(step), "scan": lambda: scan(kernels, x), "cond": lambda: repeated(cond, due)}


def stylegan2(batch: int, resolution: int, steps: int, repeats: int) -> list[dict[str, Any]]:
    """The lines of the preset demo, by steps per dispatch."""
    config = dataclasses.replace(stylegan.PRESETS["shapes"], batch=batch, resolution=resolution)
    ready = {k: measure.ready(measure.setup(dataclasses.replace(config, steps_per_call=k))) for k in (1, 8)}
    seconds = measure.alternately({k: measure.training_steps(of_k, steps) for k, of_k in ready.items()}, repeats)

    def line(k, times):
        of_loop = measure.spread(times / seconds[1])
        return {
            "subject": "stylegan2",
            "preset": "shapes",
            "steps_per_call": k,
            "step_ms": measure.spread(1e3 * times / steps),
            "of_loop": of_loop,
        }

    return [line(*item) for item in seconds.items()]


if __name__ == "__main__":
    jax.config.update("jax_enable_compilation_cache", False)
    tyro.cli(main)
