"""The parts of `benchmarks/accelerator.py`, each to run in a process by itself.

    python benchmarks/parts.py step --preset demo

prints lines of JSON, each with some figures, as soon as it has them: what is stopped has told what it knew. Spreads are medians and
quartiles over the repeats.
"""

import dataclasses
import functools
import importlib.util
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import tyro

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import measure, operations, peer, sampling, step  # noqa: E402
from benchmarks.compiler import ahead_of_time, kinds  # noqa: E402

from jgan.data.settings import size_of  # noqa: E402
from jgan.run.main import keep_compiled_programs  # noqa: E402
from jgan.sharding import data_mesh, first_devices  # noqa: E402
from jgan.systems import stylegan  # noqa: E402

CALLS = 10  # of a product or a copy that are timed together, since one is short beside its launch
DRAWN = 1, 8, 64  # images at a time
Figures = Iterator[dict[str, Any]]


class Sizes(NamedTuple):
    """Of what is measured."""

    config: stylegan.Config
    steps: int  # per repeat, in whole cycles of the penalties
    repeats: int


def main(
    part: tyro.conf.Positional[str],
    preset: str = "demo",
    batch: int | None = None,
    resolution: int | None = None,
    steps: int = 16,
    repeats: int = 3,
) -> None:
    """Measures one part; a line of JSON for each of its figures, the last with `error` if it fails.

    Args:
        part: Out of machine, rates, step, warm, sampling, peer and peer_compiled.
        preset: Name of a preset of StyleGAN2.
        batch: Images per step, instead of the preset's.
        resolution: Height and width in pixels, instead of the preset's.
        steps: Steps per repeat, rounded up to whole cycles of the lazy penalties.
        repeats: Of every measurement.
    """
    keep_compiled_programs()
    config = measure.configuration(preset, batch, resolution)
    try:
        for figures in PARTS[part](Sizes(config, measure.whole_cycles(config, steps), repeats)):
            print(json.dumps(figures), flush=True)
    except Exception as error:  # of any kind: out of memory, say
        traceback.print_exc()
        print(json.dumps({"error": f"{type(error).__name__}: {' '.join(str(error).strip().splitlines()[:1])}"}))
        sys.exit(1)


def machine(sizes: Sizes) -> Figures:
    """Machine, versions and commit."""
    yield measure.provenance()


def rates(sizes: Sizes) -> Figures:
    """Operations per second of large matrix products, at the backend's default precision, and bytes per second of large copies."""
    mesh, (copied, copy) = data_mesh(first_devices(1)), operations.large_copy()
    works = {name: step.matrix_products(jnp.dtype(name), mesh) for name in ("bfloat16", "float32")} | {"copy": copy}
    seconds = measure.alternately({name: functools.partial(several, work) for name, work in works.items()}, sizes.repeats)
    per_second = {name: measure.spread(CALLS * step.matmul_flops(mesh) / seconds[name] / 1e12) for name in ("bfloat16", "float32")}
    yield {"tflop_per_second": per_second, "copied_gb_per_second": measure.spread(CALLS * copied / seconds["copy"] / 1e9)}


def several(work: Callable[[], Any]) -> Any:
    """What the last of CALLS calls returns."""
    return [work() for _ in range(CALLS)][-1]


def training(sizes: Sizes) -> Figures:
    """A training step: how long it takes to start, its speed, what its time goes into, and the estimate beside it."""
    config, steps, repeats = sizes
    yield {"resolution": size_of(config), "batch": config.batch, "steps_per_call": config.steps_per_call, "cached": cached()}
    ready = measure.ready(measure.setup(config))
    text, device = ready.program.as_text(), jax.devices()[0]
    yield {"seconds": ready.seconds, "memory_gib": step.memory(ready.program)}
    train = measure.training_steps(ready, steps)
    seconds = measure.alternately({"steps": train}, repeats)["steps"] / steps
    yield {"images_per_second": measure.spread(config.batch / seconds), "step_ms": measure.spread(1e3 * seconds)}
    yield {"memory_gib": step.memory(ready.program)}
    yield {"estimate": {"all_due": ahead_of_time.cost(ready.program, text, device)}}
    found, of_program = kinds.traced(train), kinds.operations(text)
    yield {"profile": kinds.by_kind(found, steps, of_program)}
    if not found:
        raise RuntimeError("expected a profile of the device, found none: the profiler needs NVIDIA's CUPTI on GPUs")
    ran = kinds.computations_ran(found, steps, of_program)
    estimates = {"as_trained": ran, "all_due": None}
    yield {"estimate": {name: ahead_of_time.cost(ready.program, text, device, of) for name, of in estimates.items()}}


def warm(sizes: Sizes) -> Figures:
    """How long a training takes to start with the cache that an earlier one has filled."""
    found = cached()
    if found == 0:
        yield {"skipped": "no compiled programs are in the cache: measure the step before"}
    else:
        yield {"cached": found, "seconds": measure.ready(measure.setup(sizes.config)).seconds}


def cached() -> int:
    """Number of compiled programs in the cache."""
    return len(list(Path(jax.config.jax_compilation_cache_dir).rglob("*-cache")))


def drawing(sizes: Sizes) -> Figures:
    """Images per second from seeds to uint8 on the host, at some numbers of images at a time."""
    trained, speeds, first = sampling.untrained(sizes.config), {}, {}
    for batch in DRAWN:
        draw = functools.partial(sampling.styles(trained, batch), 1.0)
        begun = time.perf_counter()
        draw()
        first[batch] = measure.digits(time.perf_counter() - begun)
        calls = -(-max(DRAWN) // batch)
        seconds = measure.alternately({"draw": functools.partial(sampling.repeated, draw, calls)}, sizes.repeats)["draw"]
        speeds[batch] = measure.spread(calls * batch / seconds)
        yield {"images_per_second": speeds, "first_seconds": first}


def beside(sizes: Sizes, torch_compile: bool = False) -> Figures:
    """The same steps in PyTorch, in float32 and without what the peer does not have."""
    if importlib.util.find_spec("torch") is None:
        yield {"skipped": "PyTorch is not installed"}
    else:
        plain = {"conditional": False, "flip": False, "augment": "none", "style_mixing": 0, "half_levels": 0}
        config = dataclasses.replace(sizes.config, **plain, discriminator_architecture="residual")
        yield peer.compared(config, 1, sizes.steps, sizes.repeats, torch_compile)


PARTS = {
    "machine": machine,
    "rates": rates,
    "step": training,
    "warm": warm,
    "sampling": drawing,
    "peer": beside,
    "peer_compiled": functools.partial(beside, torch_compile=True),
}


if __name__ == "__main__":
    tyro.cli(main)
