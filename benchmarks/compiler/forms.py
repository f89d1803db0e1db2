"""Which formulation of an operation is the fastest? All of one operation give the same numbers; the first is what JGAN uses.

    python benchmarks/compiler/forms.py --resolutions 64 --channels 64
    python benchmarks/compiler/forms.py --resolutions 256 --channels 128 --batch 16 --bfloat16 --targets v5e
    python benchmarks/compiler/forms.py --targets h200 --gpu-description h200.txtpb

prints one line of JSON per operation and resolution. Each form is a program that computes the result and its gradients in all arguments.

ms          of each form, in turns in one process; medians and quartiles over the repeats
of_used     the time of each form over the time of the first, repeat by repeat
targets     instead of both, if devices are named that need not be here: `cost` of each form as `ahead_of_time.py` has it
"""

import functools
import json
import os
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import tyro
from jax.sharding import SingleDeviceSharding

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import measure  # noqa: E402
from benchmarks.compiler import ahead_of_time, forms_of_gradients, forms_of_operations  # noqa: E402
from benchmarks.compiler.forms_of_operations import Alternatives, Sizes  # noqa: E402

from jgan.ops import onednn  # noqa: E402

OPERATIONS = {
    "filter": forms_of_operations.filters,
    "up_convolution": forms_of_operations.up_convolutions,
    "down_convolution": forms_of_operations.down_convolutions,
    "modulated_convolution": forms_of_operations.modulated_convolutions,
    "lookup": forms_of_operations.lookups,
    "discriminator": forms_of_gradients.discriminator_gradients,
    "r1": forms_of_gradients.r1_penalties,
    "r1_of_library_critic": forms_of_gradients.r1_penalties_of_library_discriminator,
    "path_length": forms_of_gradients.path_penalties,
    "both_players": forms_of_gradients.two_players,
}


def main(
    operations: tuple[str, ...] = (),
    resolutions: tuple[int, ...] = (64,),
    channels: int = 64,
    batch: int = 8,
    bfloat16: bool = False,
    repeats: int = 10,
    targets: tuple[str, ...] = (),
    gpu_description: Path | None = None,
) -> None:
    """Measures formulations of the operations of StyleGAN2; one line of JSON per operation and resolution.

    Args:
        operations: Names of operations; all if none is given.
        resolutions: Height and width of the images, pixels.
        channels: At the resolution; twice as many below it.
        batch: Images.
        bfloat16: Compute in half precision.
        repeats: Of every measurement.
        targets: Compile for these devices (v5e, h200) and read the programs, instead of running here.
        gpu_description: File with the text of XLA's GpuTargetConfigProto, for h200.
    """
    if targets:
        jax.config.update("jax_platforms", "cpu")
    for resolution in resolutions:
        sizes = Sizes(batch, resolution, channels, jnp.bfloat16 if bfloat16 else jnp.float32)
        where = {"batch": batch, "resolution": resolution, "channels": channels, "dtype": jnp.dtype(sizes.dtype).name}
        for name in operations or tuple(OPERATIONS):
            found = compiled(name, sizes, targets, gpu_description) if targets else timed(name, sizes, repeats)
            print(json.dumps({"benchmark": "forms", "operation": name, **where, **found, **measure.provenance()}), flush=True)


def alternatives(name: str, sizes: Sizes) -> Alternatives:
    """All forms of an operation.

    Raises:
      ValueError: if there is no such operation.
    """
    if name not in OPERATIONS:
        raise ValueError(f"expected operations out of {', '.join(OPERATIONS)}, found {name!r}")
    return OPERATIONS[name](sizes)


def timed(name: str, sizes: Sizes, repeats: int) -> dict[str, Any]:
    """Times of all forms of an operation on this machine."""
    forms, arguments = alternatives(name, sizes)
    with onednn.allowed():
        seconds = measure.alternately({form: functools.partial(jax.jit(f), *arguments) for form, f in forms.items()}, repeats)
    used = seconds[next(iter(forms))]
    return {
        "ms": {form: measure.spread(1e3 * values) for form, values in seconds.items()},
        "of_used": {form: measure.spread(values / used) for form, values in seconds.items()},
    }


def compiled(name: str, sizes: Sizes, targets: tuple[str, ...], gpu_description: Path | None) -> dict[str, Any]:
    """What the compilers of other devices make of all forms of an operation."""
    forms, arguments = alternatives(name, sizes)

    def cost(function, target):
        device = ahead_of_time.devices_of(target, gpu_description)[0]
        shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=SingleDeviceSharding(device)), arguments)
        program, executed = ahead_of_time.compiled(jax.jit(function).lower(*shapes), device)
        return ahead_of_time.cost(program, program.as_text(), device, executed=executed)

    return {"targets": {target: {form: cost(function, target) for form, function in forms.items()} for target in targets}}


if __name__ == "__main__":
    os.environ.setdefault("JAX_SKIP_CUDA_CONSTRAINTS_CHECK", "1")  # of the libraries that only running needs
    jax.config.update("jax_enable_compilation_cache", False)
    tyro.cli(main)
