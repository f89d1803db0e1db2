"""What would a training step of StyleGAN2 be on accelerators that are not here? It is compiled for them, and the program is read.

    python benchmarks/compiler/ahead_of_time.py --presets demo ffhq256 --targets v5e v5e8
    python benchmarks/compiler/ahead_of_time.py --presets ffhq256 --targets h200 --gpu-description h200.txtpb

prints one line of JSON per preset and target. It runs on any CPU and always gives the same numbers: v5e (one TPU v5e) and v5e8 (a mesh of
eight) need the package libtpu, h200 and h200x8 (GPUs) JAX's plugin for CUDA and a description of the GPU, the text of XLA's
GpuTargetConfigProto. A target whose compiler is absent is told on stderr and left out.

kernels             `convolutions`: those with a two-dimensional window, of which `odd` come in groups and `weight_gradients` have the image
                    as window; `fusions`: what XLA made out of several operations; `loops`, and `passes` through all of them
cost                of one device, null where the compiler does not say. `gflops`, `gbytes`: operations, and bytes read and written; on TPU
                    as XLA counts them in the compiled program, on GPU those of convolutions, and of arguments and results of all kernels.
                    `estimated_ms`: on TPU the sum of the cycles that the compiler expects of each operation, at the clock of a v5e; on GPU
                    of the time that each kernel takes for its bytes, its operations or its instructions, whichever is longest, at the
                    shares `OF_PEAK` of the data sheet's rates. Each counts once, so lazy penalties as if all were due, and what is not
                    estimated, collectives above all, not at all
as_trained          on GPU the same with each penalty as often as it is due: the one to hold beside a clock
kinds               on GPU, per kind of operation (`benchmarks/compiler/kinds.py`): `kernels` and `estimated_ms`, as of cost
collectives         per kind: arrays and bytes that one device ends up with
overlap             on GPU, of each collective of a megabyte or more that has a start and an end: `megabytes`, and the `kernels` that are
                    started in between, with their `estimated_ms`
memory_gib          `program`: arguments, results and temporaries, per device
does_not_fit        what the compiler says instead, if that is more than a device has
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import tyro
from jax.sharding import NamedSharding, PartitionSpec

from jgan.compat import topologies  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import measure  # noqa: E402
from benchmarks.compiler import instructions, kinds, program  # noqa: E402
from benchmarks.step import memory  # noqa: E402

from jgan.data.settings import size_of  # noqa: E402
from jgan.sharding import data_mesh  # noqa: E402
from jgan.systems import stylegan  # noqa: E402

TPU = {"v5e": ("v5e:2x2", 1), "v5e8": ("v5e:2x4", 8)}  # topology, devices
GPU = {"h200": ("1x1x1", 1), "h200x8": ("1x1x8", 8)}
GPU_PLATFORMS = "gpu", "cuda"
V5E_HERTZ = 197e12 / (4 * 2 * 128**2)  # its rate by the data sheet over the operations of its four matrix units in a cycle: 1.5 GHz
# Per second: bfloat16, TF32, memory; instructions of all threads, half of the operations in float32. NVIDIA's data sheet.
H200 = {"half": 989e12, "single": 494e12, "bytes": 4.8e12, "instructions": 33.5e12}
LARGE = 1_000_000  # bytes of a collective, from which on it is gradients
OF_PEAK = {"flops": 0.55, "bytes": 0.8, "instructions": 0.9}  # what kernels reach of it: assumed, not measured


def main(
    presets: tuple[str, ...] = ("demo",),
    targets: tuple[str, ...] = ("v5e", "v5e8"),
    gpu_description: Path | None = None,
    batch: int | None = None,
    resolution: int | None = None,
) -> None:
    """Compiles training steps of StyleGAN2 for devices that are not here; one line of JSON per preset and target.

    Args:
        presets: Names of presets of StyleGAN2.
        targets: Out of v5e, v5e8, h200 and h200x8.
        gpu_description: File with the text of XLA's GpuTargetConfigProto, for h200.
        batch: Images per step over all devices, instead of the preset's.
        resolution: Height and width in pixels, instead of the preset's.
    """
    for target in targets:
        try:
            devices = devices_of(target, gpu_description)
        except (RuntimeError, NotImplementedError) as missing:
            print(f"{target} is left out, since its compiler is not installed: {str(missing).splitlines()[0]}", file=sys.stderr)
            continue
        for preset in presets:
            line = {"benchmark": "ahead_of_time", "preset": preset, "target": target}
            line |= described(measure.configuration(preset, batch, resolution), devices)
            print(json.dumps(line | measure.provenance()), flush=True)


def devices_of(target: str, gpu_description: Path | None = None) -> list[Any]:
    """The devices of a target, which can be compiled for but not run on.

    Raises:
      ValueError: if there is no such target, or the description of a GPU is not given.
      RuntimeError, NotImplementedError: if the compiler is not installed.
    """
    if target in TPU:
        topology, count = TPU[target]
        return list(topologies.get_topology_desc(topology, platform="tpu").devices)[:count]
    if target not in GPU:
        raise ValueError(f"expected one of the targets {', '.join((*TPU, *GPU))}, found {target!r}")
    if gpu_description is None:
        raise ValueError(f"expected a description of the GPU for {target}, found none; give --gpu-description FILE")
    topology, count = GPU[target]
    description = topologies.get_topology_desc(platform="cuda", topology=topology, target_config=gpu_description.read_text())
    return list(description.devices)[:count]


def described(config: stylegan.Config, devices: list[Any]) -> dict[str, Any]:
    """All figures of one configuration on some devices."""
    begun = time.perf_counter()
    sizes = {"resolution": size_of(config), "batch": config.batch, "devices": len(devices)}
    try:
        step, executed = compiled_step(config, devices)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return sizes | {"does_not_fit": str(error).splitlines()[0]}
    text, gpu = step.as_text(), devices[0].platform in GPU_PLATFORMS
    return sizes | {
        "kernels": kernels(text),
        "cost": cost(step, text, devices[0], executed=executed),
        "as_trained": cost(step, text, devices[0], how_often(text, config), executed) if gpu else {},
        "kinds": by_kind(text, executed) if gpu else {},
        "collectives": program.collectives(text),
        "overlap": overlap(text, executed) if gpu else [],
        "memory_gib": {"program": memory(step)["program"]},
        "compile_seconds": measure.digits(time.perf_counter() - begun),
    }


def cost(
    compiled: Any, text: str, device: Any, ran: Mapping[str, float] | None = None, executed: Mapping[str, int] | None = None
) -> dict[str, float | None]:
    """Operations, traffic and time of one device; None where nothing says it.

    Args:
      compiled: a program.
      text: of it.
      device: what it is compiled for.
      ran: on GPUs, how often each computation runs, by name; those left out never. By default once each.
      executed: on GPUs, the instructions of its kernels, as of `instructions.executed`; by default they are not looked at.
    """
    if device.platform in GPU_PLATFORMS:
        parts = [(k, 1.0 if ran is None else ran.get(k.within, 0.0)) for k in program.kernels(text)]
        flops, size = sum(n * k.flops for k, n in parts), sum(n * k.bytes for k, n in parts)
        seconds = sum(n * estimated(k, executed) for k, n in parts)
    else:
        counted, cycles = compiled.cost_analysis(), program.estimated_cycles(text)
        flops, size = counted["flops"], counted["bytes accessed"]
        seconds = None if cycles is None else cycles / V5E_HERTZ
    found = {"gflops": flops / 1e9, "gbytes": size / 1e9, "estimated_ms": None if seconds is None else 1e3 * seconds}
    return {name: None if value is None else measure.digits(value) for name, value in found.items()}


def how_often(text: str, config: stylegan.Config) -> dict[str, float]:
    """How often each computation of a step runs, by name: the penalties of path lengths and R1, in this order, once in their intervals."""
    intervals = [n for n in (config.path_every, config.r1_every) if n > 1]  # no condition is left of an interval of 1
    lazy = dict(zip(program.taken(text), (1 / n for n in intervals), strict=True))
    return {name: lazy.get(name, 1.0) for name in program.computations(text)}


def estimated(kernel: program.Kernel, executed: Mapping[str, int] | None = None) -> float:
    """Seconds of a kernel on an H200: for its operations, its bytes or its instructions, whichever is longest."""
    rate, count = H200["half" if kernel.half else "single"], (executed or {}).get(kinds.plain(kernel.name), 0)
    return max(
        kernel.flops / (rate * OF_PEAK["flops"]),
        kernel.bytes / (H200["bytes"] * OF_PEAK["bytes"]),
        count / (H200["instructions"] * OF_PEAK["instructions"]),
    )


def by_kind(text: str, executed: Mapping[str, int] | None = None) -> dict[str, dict[str, float]]:
    """Kernels of a program for GPUs, each once, and their milliseconds, by kind of operation."""
    operations, found = kinds.operations(text), {}
    for kernel in program.kernels(text):
        ms = found.setdefault(kinds.kind(operations[kinds.plain(kernel.name)]), [])
        ms.append(1e3 * estimated(kernel, executed))
    return {name: {"kernels": len(ms), "estimated_ms": measure.digits(sum(ms))} for name, ms in sorted(found.items())}


def overlap(text: str, executed: Mapping[str, int]) -> list[dict[str, float]]:
    """Of the large collectives of a program for GPUs: their sizes, and what is computed while they are on their way."""
    times = {kernel.name: 1e3 * estimated(kernel, executed) for kernel in program.kernels(text)}
    large = [found for found in program.overlaps(text) if found.bytes >= LARGE]
    return [
        {
            "megabytes": measure.digits(found.bytes / 1e6),
            "kernels": len(found.between),
            "estimated_ms": measure.digits(sum(times[name] for name in found.between)),
        }
        for found in large
    ]


def kernels(text: str) -> dict[str, int]:
    """How many kernels of each kind a program has."""
    passes = program.passes(text)
    return {
        "convolutions": len(program.convolutions(text)),
        "odd": len(program.odd_convolutions(text)),
        "weight_gradients": len(program.weight_gradients(text)),
        "fusions": program.fusions(text),
        "loops": len(passes),
        "passes": sum(passes.values()),
    }


def compiled_step(config: stylegan.Config, devices: list[Any]) -> tuple[Any, dict[str, int]]:
    """The step (state, batch, key) -> (state, metrics), `compiled` for devices: the state on all, the batch spread."""
    mesh = data_mesh(devices)
    whole, spread = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("data"))
    with jax.set_mesh(mesh):
        step, arguments = measure.abstract_step(config)
        program = jax.jit(step, in_shardings=(whole, spread, whole), out_shardings=(whole, whole), donate_argnums=0)
        return compiled(program.lower(*arguments), devices[0])


def compiled(lowered: Any, device: Any) -> tuple[Any, dict[str, int]]:
    """A program for a device that is not here, and on GPUs the instructions of its kernels, see `instructions.executed`."""
    if device.platform not in GPU_PLATFORMS:
        return lowered.compile(), {}
    with tempfile.TemporaryDirectory() as folder:
        options = {"xla_gpu_autotune_level": "0", "xla_dump_to": folder}  # there is nothing to time kernels on
        program = lowered.compile(compiler_options=options)
        return program, instructions.executed(program.as_text(), Path(folder))


if __name__ == "__main__":
    os.environ.setdefault("JAX_SKIP_CUDA_CONSTRAINTS_CHECK", "1")  # of the libraries that only running needs
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_compilation_cache", False)
    tyro.cli(main)
