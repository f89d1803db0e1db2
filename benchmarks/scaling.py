"""How does a training step of StyleGAN2 scale, with the same batch on each device, over simulated devices and over processes?

    python benchmarks/scaling.py --preset demo --devices 1 2 4 8 --processes 2 --steps 16 --repeats 3

prints one line of JSON per number of devices of one process, and one for `processes` processes with one device each. The number of devices
is fixed when JAX starts, so this script starts itself anew for each. The penalties are off, so that all of the step is done at every step.

images_per_second   over all devices
efficiency          images_per_second per device, over the first line's. Simulated devices share the cores, so at best cores / devices
                    is to be expected, and less where one device already uses several cores: what counts here is the traffic
traffic             of one step and device. `collectives`: per kind, arrays and bytes that the device ends up with, read from the program;
                    `minimum`: bytes of the gradients of both players, which data parallelism has to sum over the devices; `of_minimum`:
                    bytes of all-reduce over that, null on one device: above 1, since statistics over the batch are summed too, and the
                    gradients of a generator that draws twice in a step apart
"""

import dataclasses
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import tyro

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import measure  # noqa: E402
from benchmarks.compiler import program  # noqa: E402

from jgan.sharding import initialize  # noqa: E402
from jgan.systems import stylegan  # noqa: E402


def main(
    preset: str = "demo",
    devices: tuple[int, ...] = (1, 2, 4, 8),
    processes: int = 2,
    batch: int | None = None,
    steps: int = 16,
    repeats: int = 3,
) -> None:
    """Measures training steps of StyleGAN2 with the same batch on each device; one line of JSON per number of devices.

    Args:
        preset: Name of a preset of StyleGAN2.
        devices: Numbers of simulated devices of one process, the first of which the others are held against.
        processes: Processes with one device each; 0: none.
        batch: Images per step and device, instead of the preset's.
        steps: Steps per repeat.
        repeats: Of every measurement.
    """
    each, first = batch or measure.configuration(preset, None, None).batch, None
    for count, of_each in [(1, n) for n in devices] + ([(processes, 1)] if processes else []):
        line = measured_apart(count, of_each, preset, each * count * of_each, steps, repeats)
        per_device = {name: value / (count * of_each) for name, value in line["images_per_second"].items()}
        first = first or per_device["median"]
        line["efficiency"] = {name: measure.digits(value / first) for name, value in per_device.items()}
        print(json.dumps({"benchmark": "scaling", "preset": preset, "processes": count, **line}), flush=True)


def measured_apart(processes: int, devices: int, *work: Any) -> dict[str, Any]:
    """What `measured` says in new processes with `devices` devices each; `work` are the arguments of `worker`.

    Raises:
      RuntimeError: if one of them fails.
    """
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": str(devices)}
    command = [sys.executable, __file__, "worker", *map(str, work), f"localhost:{_free_port()}", str(processes)]
    running = [subprocess.Popen([*command, str(i)], env=environment, stdout=subprocess.PIPE, text=True) for i in range(processes)]
    try:
        outputs = [process.communicate()[0] for process in running]
    finally:
        for process in running:
            process.kill()
    if any(process.returncode for process in running):
        raise RuntimeError(f"expected all processes to succeed, found statuses {[process.returncode for process in running]}")
    return json.loads(outputs[0].splitlines()[-1])


def worker(preset: str, batch: str, steps: str, repeats: str, coordinator: str, processes: str, process: str) -> None:
    """One of the processes that measure together: prints what `measured` says on all their devices."""
    if processes != "1":
        initialize(coordinator, int(processes), int(process))
    found = measured(measure.configuration(preset, int(batch), None), len(jax.devices()), int(steps), int(repeats))
    print(json.dumps(found | measure.provenance()), flush=True)


def measured(config: stylegan.Config, devices: int, steps: int, repeats: int) -> dict[str, Any]:
    """All figures of one number of devices."""
    plain = dataclasses.replace(config, path_every=0, r1_every=0, steps_per_call=1)
    ready = measure.ready(measure.setup(plain, devices))
    seconds = measure.alternately({"steps": measure.training_steps(ready, steps)}, repeats)["steps"]
    return {
        "devices": devices,
        "batch": config.batch,
        "images_per_second": measure.spread(config.batch * steps / seconds),
        "traffic": traffic(ready.program.as_text(), ready.compiled.abstract),
    }


def traffic(text: str, state: stylegan.State) -> dict[str, Any]:
    """What a compiled step sends between devices, and how much it must."""
    params = jax.tree.leaves((state.generator.params, state.discriminator.params))
    minimum, found = sum(x.size * x.dtype.itemsize for x in params), program.collectives(text)
    share = measure.digits(found["all-reduce"]["bytes"] / minimum) if "all-reduce" in found else None
    return {"collectives": found, "minimum": minimum, "of_minimum": share}


def _free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        worker(*sys.argv[2:])
    else:
        tyro.cli(main)
