"""How fast is a training step of StyleGAN2, and where does its time go?

    python benchmarks/step.py --presets demo flowers64 --devices 1 2 --steps 16 --repeats 5

prints one line of JSON per preset and number of devices. Spreads are medians and quartiles over the repeats.

images_per_second   as trained: whole cycles of steps, main updates and lazy penalties as often as the preset has them
speedup             of images_per_second over the first number of devices, at the same total batch
step_ms             as trained, per step
phases_ms           one execution of each phase. `generator`: a program that computes only the new generator, so that the compiler drops
                    the rest; `discriminator`: the whole step without penalties less that; `path` and `r1`: what a step takes longer when
                    they are due. Differences are taken within a repeat
flops_per_step      as trained, counted by XLA before optimisation, over all devices
of_matmul           flops_per_step / step time, as a share of what large matrix products reach on the same devices in the same run: in
                    bfloat16 if the preset has levels in half precision, else in float32, at the backend's default precision
trace_seconds       tracing of init and of one step
init_seconds        the first call of init: compilation and execution
compile_seconds     tracing of all steps of a call, and their compilation; no cache of compiled programs is used
memory_gib          `program`: arguments, results and temporaries of the compiled step, per device; `device` and `process`: peaks of this
                    run so far, so give one preset per run where they matter
"""

import dataclasses
import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import measure  # noqa: E402

from jgan.data.settings import size_of  # noqa: E402
from jgan.ops import onednn  # noqa: E402
from jgan.sharding import Compiled, compile, run_key  # noqa: E402
from jgan.systems import stylegan  # noqa: E402


def main(
    presets: tuple[str, ...] = ("demo",),
    devices: tuple[int, ...] = (1,),
    batch: int | None = None,
    resolution: int | None = None,
    steps: int = 16,
    repeats: int = 5,
) -> None:
    """Measures training steps of StyleGAN2; one line of JSON per preset and number of devices.

    Args:
        presets: Names of presets of StyleGAN2.
        devices: Numbers of devices; each preset is measured on all of them.
        batch: Images per step over all devices, instead of the preset's.
        resolution: Height and width in pixels, instead of the preset's.
        steps: Steps per repeat, rounded up to whole cycles of the lazy penalties.
        repeats: Of every measurement.
    """
    for preset in presets:
        config, first = measure.configuration(preset, batch, resolution), None
        for count in devices:
            found = measured(config, count, steps, repeats)
            speed = found["images_per_second"]["median"]
            first = first or speed
            line = {"benchmark": "step", "preset": preset, **found, "speedup": measure.digits(speed / first)}
            print(json.dumps(line | measure.provenance()), flush=True)


def measured(config: stylegan.Config, devices: int, steps: int, repeats: int) -> dict[str, Any]:
    """All figures of one configuration."""
    setup, k = measure.setup(config, devices), config.steps_per_call
    ready = measure.ready(setup)
    steps = measure.whole_cycles(config, steps)
    works = {"steps": measure.training_steps(ready, steps), "matmul": matrix_products(lowest(config), setup.mesh)}
    seconds = measure.alternately(works, repeats)
    apart = phases(ready if k == 1 else one_per_call(ready), repeats)
    step, flops = seconds["steps"] / steps, flops_as_trained(config)
    return {
        "resolution": size_of(config),
        "batch": config.batch,
        "devices": devices,
        "steps_per_call": k,
        "images_per_second": measure.spread(config.batch / step),
        "step_ms": measure.spread(1e3 * step),
        "phases_ms": {name: measure.spread(1e3 * t) for name, t in apart.items()},
        "flops_per_step": flops,
        "of_matmul": measure.spread(flops / step * seconds["matmul"] / matmul_flops(setup.mesh)),
        "trace_seconds": ready.seconds["trace"],
        "init_seconds": ready.seconds["init"],
        "compile_seconds": measure.digits(ready.seconds["lower"] + ready.seconds["compile"]),
        "memory_gib": memory(ready.program),
    }


def one_per_call(ready: measure.Ready) -> measure.Ready:
    """The same training, with one step per call."""
    setup = ready.setup._replace(config=dataclasses.replace(ready.setup.config, steps_per_call=1))
    compiled = compile(setup.training, setup.mesh, setup.feed)
    return ready._replace(setup=setup, compiled=compiled, program=measure.lowered(setup, compiled).compile())


def phases(ready: measure.Ready, repeats: int) -> dict[str, np.ndarray]:
    """Seconds [repeats] of each phase, by itself, of a training with one step per call."""
    setup, compiled, program, held, _ = ready
    key, items = run_key(0, setup.mesh), compiled.put(next(setup.feed.items(0, 1)))
    alone = generator_alone(setup, compiled, items, key)

    def at(counter):
        return held["state"]._replace(step=jax.device_put(np.int32(counter), compiled.abstract.step.sharding))

    def whole(counter):
        held["state"], metrics = program(at(counter), compiled.constants, items, key)
        return held["state"], metrics

    due = counters(setup.config)
    works = {name: functools.partial(whole, counter) for name, counter in due.items()}
    works["generator"] = lambda: alone(at(due["plain"]), compiled.constants, items, key)
    seconds = measure.alternately(works, repeats)
    found = {"generator": seconds["generator"], "discriminator": seconds["plain"] - seconds["generator"]}
    if "path" in due:
        found["path"] = seconds["path"] - seconds["plain"]
    if "r1" in due:
        both = "path" in due and due["r1"] % due["path"] == 0
        found["r1"] = seconds["r1"] - seconds["path" if both else "plain"]
    return found


def generator_alone(setup: measure.Setup, compiled: Compiled, items: Any, key: jax.Array) -> Any:
    """The step as a program that returns only the new generator and its average."""

    def step(state, constants, items, key):
        batch = setup.feed.lookup(constants["feed"], jax.tree.map(lambda x: x[0], items))
        new, _ = setup.training.step(state, batch, key)
        return new.generator, new.average

    shardings = jax.tree.map(lambda x: x.sharding, (compiled.abstract.generator, compiled.abstract.average))
    with jax.set_mesh(setup.mesh), onednn.allowed():
        return jax.jit(step, out_shardings=shardings).lower(compiled.abstract, compiled.constants, items, key).compile()


def counters(config: stylegan.Config) -> dict[str, int]:
    """Values of the step counter: `plain`, at which no penalty is due, and one at which each is; R1 may come with the path length.

    Raises:
      ValueError: if a penalty never runs without the other, so that their times cannot be told apart.
    """
    path, r1 = config.path_every, config.r1_every
    if 1 in (path, r1) or (path and r1 and path % r1 == 0):
        raise ValueError(f"expected penalties that are not due at every step nor always together, found intervals of {path} and {r1}")
    return {"plain": 1} | ({"path": path} if path else {}) | ({"r1": r1} if r1 else {})


def flops_as_trained(config: stylegan.Config) -> float:
    """Operations of a step, with each penalty in proportion to how often it runs."""
    main = flops(dataclasses.replace(config, path_every=0, r1_every=0))
    total = main
    if config.path_every:
        total += (flops(dataclasses.replace(config, r1_every=0)) - main) / config.path_every
    if config.r1_every:
        total += (flops(dataclasses.replace(config, path_every=0)) - main) / config.r1_every
    return total


def flops(config: stylegan.Config) -> float:
    """Operations of a step in which every penalty runs, as XLA counts them before optimisation.

    The step is lowered for a TPU, whatever there is, because the form for CPUs has loops, whose bodies would be counted once.
    """
    step, arguments = measure.abstract_step(config)
    return jax.jit(step).trace(*arguments).lower(lowering_platforms=("tpu",)).cost_analysis()["flops"]


def lowest(config: stylegan.Config) -> Any:
    """The lowest precision in which a configuration computes."""
    return jnp.bfloat16 if config.half_levels else jnp.float32


def matrix_products(dtype: Any, mesh: jax.sharding.Mesh) -> Callable[[], jax.Array]:
    """A function that multiplies large square matrices, one pair on each device."""
    n, size = mesh.size, _matrix_size()
    spec = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
    a = jax.jit(lambda: jax.random.normal(jax.random.key(0), (n, size, size), dtype), out_shardings=spec)()
    product = jax.jit(jnp.matmul, out_shardings=spec)
    return lambda: product(a, a)


def matmul_flops(mesh: jax.sharding.Mesh) -> float:
    """Operations of one call of what `matrix_products` returns."""
    return 2.0 * mesh.size * _matrix_size() ** 3


def memory(program: Any) -> dict[str, float | None]:
    """GiB; None where the backend does not count."""
    sizes, device = program.memory_analysis(), jax.local_devices()[0].memory_stats() or {}
    parts = sizes.argument_size_in_bytes + sizes.output_size_in_bytes - sizes.alias_size_in_bytes + sizes.temp_size_in_bytes
    found = {"program": parts, "device": device.get("peak_bytes_in_use"), "process": measure.peak_bytes()}
    return {name: None if size is None else measure.digits(size / 2**30) for name, size in found.items()}


def _matrix_size():
    return 2048 if jax.devices()[0].platform == "cpu" else 8192


if __name__ == "__main__":
    jax.config.update("jax_enable_compilation_cache", False)
    tyro.cli(main)
