"""How far is a training step from what the machine can do, and which operations take its time?

    python benchmarks/operations.py --presets demo flowers64

prints one line of JSON per preset, for one device and a step without penalties.

step_ms             of a step
floor_ms            `compute`: its operations at the rate of large matrix products; `memory`: the bytes that its program reads and writes at
                    the rate of a large copy. The compiler counts the bytes of loops once; what stays in a cache can be faster
share               of each floor in step_ms
profile             of a step, as `benchmarks/compiler/kinds.py` sees it: `kernels`, `busy_ms` (those of several threads run side by side),
                    `kinds_ms`, the share `unexplained` and the ten `longest`
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
from benchmarks.compiler import kinds  # noqa: E402
from benchmarks.step import flops, lowest, matmul_flops, matrix_products  # noqa: E402

from jgan.data.settings import size_of  # noqa: E402

STEPS = 8  # at a time, since one alone would find all caches cold


def main(presets: tuple[str, ...] = ("demo",), batch: int | None = None, resolution: int | None = None, repeats: int = 5) -> None:
    """Measures floors and operations of a training step of StyleGAN2; one line of JSON per preset.

    Args:
        presets: Names of presets of StyleGAN2.
        batch: Images per step, instead of the preset's.
        resolution: Height and width in pixels, instead of the preset's.
        repeats: Of every measurement.
    """
    for preset in presets:
        line = {"benchmark": "operations", "preset": preset, **measured(measure.configuration(preset, batch, resolution), repeats)}
        print(json.dumps(line | measure.provenance()), flush=True)


def measured(config: Any, repeats: int) -> dict[str, Any]:
    """All figures of one configuration."""
    setup = measure.setup(dataclasses.replace(config, path_every=0, r1_every=0, steps_per_call=1))
    ready = measure.ready(setup)
    program, step = ready.program, measure.training_steps(ready, STEPS)
    copied, copy = large_copy()
    works = {"step": step, "matmul": matrix_products(lowest(config), setup.mesh), "copy": copy}
    seconds = measure.alternately(works, repeats)
    seconds["step"] /= STEPS
    compute = flops(setup.config) * seconds["matmul"] / matmul_flops(setup.mesh)
    memory = program.cost_analysis()["bytes accessed"] * seconds["copy"] / copied
    return {
        "resolution": size_of(config),
        "batch": config.batch,
        "step_ms": measure.spread(1e3 * seconds["step"]),
        "floor_ms": {"compute": measure.spread(1e3 * compute), "memory": measure.spread(1e3 * memory)},
        "share": {"compute": measure.spread(compute / seconds["step"]), "memory": measure.spread(memory / seconds["step"])},
        "profile": kinds.profiled(step, STEPS, program.as_text()),
    }


def large_copy(size: int = 2**26) -> tuple[int, Callable[[], jax.Array]]:
    """The bytes that a copy of `size` numbers reads and writes, and a function that makes it."""
    held = [jnp.zeros(size, jnp.float32)]
    add = jax.jit(lambda x: x + 1, donate_argnums=0)  # into the same memory, since new memory costs more than a copy

    def copy():
        held[0] = add(held[0])
        return held[0]

    return 2 * held[0].nbytes, copy


if __name__ == "__main__":
    jax.config.update("jax_enable_compilation_cache", False)
    tyro.cli(main)
