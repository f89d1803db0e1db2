"""jgan export RUN"""

from pathlib import Path

import jax
import tyro

from jgan import outputs
from jgan.ranges import CountOrZero, Size
from jgan.run.export import export as write_exported
from jgan.run.system import System
from jgan.run.trained import load

ENDING = ".jaxexp"


def export(
    system: System,
    run: tyro.conf.Positional[Path],
    height: Size | None = None,
    width: Size | None = None,
    direction: str = "forward",
    step: CountOrZero | None = None,
    out: Path | None = None,
) -> None:
    """Writes the trained function, inputs [N, ...] -> main output [N, ...], as one file that runs without this code, on CPU, GPU and TPU.

    Args:
        run: The folder of the run.
        height: Of images that are inputs, pixels; as trained if not given.
        width: Of images that are inputs, pixels; as trained if not given.
        direction: Of a system that translates both ways: forward or backward.
        step: The checkpoint to use; the best if not given.
        out: The file to write; generator.jaxexp or translator.jaxexp if not given.
    """
    if out is not None and out.suffix.lower() != ENDING:
        raise ValueError(f"expected a path that ends in {ENDING}, found {out}")
    outputs.check_place(out or Path(ENDING))
    trained = load(run, step, system)
    function, names, shapes = trained.exportable(direction)
    shapes = tuple(_resized(shape, height, width) for shape in shapes)
    translates = any(len(shape.shape) == 3 for shape in shapes) and "z" not in names
    out = out or Path(("translator" if translates else "generator") + ENDING)
    write_exported(function, out, *shapes)
    print(f"{out}: ({', '.join(names)}) -> {system.name}")


def _resized(shape, height, width):
    """Images of the size asked for, as floats in [-1, 1]; other inputs as they are."""
    if len(shape.shape) != 3:
        return shape
    size = height or shape.shape[0], width or shape.shape[1], shape.shape[2]
    return jax.ShapeDtypeStruct(size, "float32")
