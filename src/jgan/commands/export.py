"""jgan export RUN"""

from pathlib import Path
from typing import Literal

import jax
import tyro

from jgan import outputs
from jgan.ranges import CountOrZero, Size
from jgan.run.export import export as write_exported
from jgan.run.export_onnx import check_onnx, export_onnx
from jgan.run.share import check_out, share
from jgan.run.system import System
from jgan.run.trained import load


def export(
    system: System,
    run: tyro.conf.Positional[Path],
    format: Literal["jaxexp", "onnx", "safetensors"] = "jaxexp",
    height: Size | None = None,
    width: Size | None = None,
    direction: str = "forward",
    step: CountOrZero | None = None,
    out: Path | None = None,
) -> None:
    """Writes what was learned for others: a function in one file that runs without this code, or the weights with a model card.

    Args:
        run: The folder of the run.
        format: jaxexp: inputs [N, ...] -> main output [N, ...], for JAX on CPU, GPU and TPU; onnx: the same for ONNX Runtime, where it can
            be converted; safetensors: a folder for `jgan.load` and the Hugging Face hub.
        height: Of images that are inputs, pixels; as trained if not given.
        width: Of images that are inputs, pixels; as trained if not given.
        direction: Of a system that translates both ways: forward or backward.
        step: The checkpoint to use; the best if not given.
        out: The file to write, generator.jaxexp or translator.onnx say if not given; of safetensors a folder, shared if not given.
    """
    if format == "safetensors":
        return _folder(run, system, step, out or Path("shared"))
    if out is not None and out.suffix.lower() != f".{format}":
        raise ValueError(f"expected a path that ends in .{format}, found {out}")
    outputs.check_place(out or Path(f".{format}"))
    if format == "onnx":
        check_onnx()
    trained = load(run, step, system)
    function, names, shapes = trained.exportable(direction)
    shapes = tuple(_resized(shape, height, width) for shape in shapes)
    translates = any(len(shape.shape) == 3 for shape in shapes) and "z" not in names
    out = out or Path(f"{'translator' if translates else 'generator'}.{format}")
    if format == "onnx":
        export_onnx(function, out, names, shapes)
    else:
        write_exported(function, out, *shapes)
    print(f"{out}: ({', '.join(names)}) -> {system.name}")


def _folder(run, system, step, out):
    if out.suffix or out.is_file():
        raise ValueError(f"expected a folder to write, found {out}")
    outputs.check_place(out / "config.json")
    check_out(out)
    share(load(run, step, system), run, out)
    print(out)


def _resized(shape, height, width):
    """Images of the size asked for, as floats in [-1, 1]; other inputs as they are."""
    if len(shape.shape) != 3:
        return shape
    size = height or shape.shape[0], width or shape.shape[1], shape.shape[2]
    return jax.ShapeDtypeStruct(size, "float32")
