"""How far is a training step from what the machine can do, and which operations take its time?

    python benchmarks/operations.py --presets demo flowers64

prints one line of JSON per preset, for one device and a step without penalties.

step_ms             of a step
floor_ms            `compute`: its operations at the rate of large matrix products; `memory`: the bytes that its program reads and writes at
                    the rate of a large copy. The compiler counts the bytes of loops once; what stays in a cache can be faster
share               of each floor in step_ms
operations          the ten that take longest, by name, summed over their calls in a profiled step: result, `ms`, share of all operations
                    (those of several threads run side by side), and where they come from
"""

import collections
import dataclasses
import gzip
import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import tyro

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import measure  # noqa: E402
from benchmarks.step import flops, matmul_flops, matrix_products  # noqa: E402

from jgan.data.settings import size_of  # noqa: E402

CONTAINERS = "while", "conditional", "call"  # their time is that of the operations within
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
    works = {"step": step, "matmul": matrix_products(config, setup.mesh), "copy": copy}
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
        "operations": longest(milliseconds(step, STEPS), program.as_text()),
    }


def large_copy(size: int = 2**26) -> tuple[int, Callable[[], jax.Array]]:
    """The bytes that a copy of `size` numbers reads and writes, and a function that makes it."""
    held = [jnp.zeros(size, jnp.float32)]
    add = jax.jit(lambda x: x + 1, donate_argnums=0)  # into the same memory, since new memory costs more than a copy

    def copy():
        held[0] = add(held[0])
        return held[0]

    return 2 * held[0].nbytes, copy


def milliseconds(function: Callable[[], Any], steps: int) -> collections.Counter:
    """Time by name of the events in one call of a function of `steps` steps, as the profiler of JAX sees them, per step."""
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder, create_perfetto_trace=True):
            jax.block_until_ready(function())
        (path,) = Path(folder).rglob("perfetto_trace.json.gz")
        events = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
    total = collections.Counter()
    for event in events:
        if event.get("ph") == "X":
            name = event.get("args", {}).get("hlo_op", event["name"])
            total[name.split("__onednn$")[0]] += event["dur"] / 1e3 / steps
    return total


def longest(times: collections.Counter, text: str, count: int = 10) -> dict[str, dict[str, Any]]:
    """The operations of a program that take longest, from times in milliseconds by name.

    >>> text = '%dot.1 = f32[2,2]{1,0} dot(%a, %b), metadata={op_name="jit(step)/layer/dot_general"}'
    >>> longest(collections.Counter({"dot.1": 1.5, "python": 9.0}), text)
    {'dot.1': {'result': 'f32[2,2]', 'ms': 1.5, 'share': 1.0, 'from': 'layer/dot_general'}}
    """
    found = re.findall(r"%?([\w.-]+) = (?:\()?(\w+\[[\d,]*\])\S* ([\w-]+)\((?:.*op_name=\"([^\"]*)\")?", text)
    known = {name: (result, origin) for name, result, kind, origin in found if kind not in CONTAINERS}
    times = collections.Counter({name: ms for name, ms in times.items() if name in known})
    return {
        name: {
            "result": known[name][0],
            "ms": measure.digits(ms),
            "share": measure.digits(ms / times.total()),
            "from": "/".join(known[name][1].split("/")[-2:]),
        }
        for name, ms in times.most_common(count)
    }


if __name__ == "__main__":
    jax.config.update("jax_enable_compilation_cache", False)
    tyro.cli(main)
