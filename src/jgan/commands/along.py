"""Steps along the directions of a run, as options take them: smile=2"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jgan import bounded
from jgan.run.system import Styles
from jgan.run.trained import Trained

MOST = 100.0  # sigma


def parse_amounts(texts: Sequence[str]) -> dict[str, float]:
    """Reads the steps along directions, in sigma, by the names of the directions.

    Raises:
      ValueError: unless each is NAME=NUMBER, of -100 to 100, and no name stands twice.

    >>> parse_amounts(["smile=2", "hair_colour=blond=-1.5"])
    {'smile': 2.0, 'hair_colour=blond': -1.5}
    """
    found = {}
    for text in texts:
        name, _, amount = text.rpartition("=")
        try:
            number = float(amount)
        except ValueError:
            number = math.nan
        if not name or name in found or not abs(number) <= MOST:
            raise ValueError(f"--direction: expected NAME=STEP once for each, as smile=2, with a step from -100 to 100, found {text!r}")
        found[name] = number
    return found


def styles_of(trained: Trained) -> Styles:
    """Returns where a style-based generator keeps its parts, as far as it has grown.

    Raises:
      ValueError: if the system is none.
    """
    found = trained.sampling.styles
    if found is None:
        raise ValueError(f"expected a style-based generator, which has directions, found {trained.system.name}")
    affine, noise = (tuple(path for path in paths if path in trained.weights) for paths in (found.affine, found.noise))
    return Styles(affine, noise, found.synthesis)


def file_of_directions(run: Path, step: int) -> Path:
    """Returns where the directions of a checkpoint are kept: by name, the change of `ws` [layers, style_size] that a step of
    one sigma is.
    """
    return run / "directions" / f"{step:08d}.npz"


def read_directions(trained: Trained, run: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Reads directions of a run.

    Raises:
      ValueError: if it has none of such a name, or none at all; the message says how they are found.
    """
    step, paths = trained.about["step"], styles_of(trained).affine
    path = file_of_directions(run, step)
    if not path.exists():
        raise ValueError(f"expected directions of step {step} in {path}, found none: find them with `jgan directions {run} --step {step}`")
    known = bounded.npz_names(path)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"expected some of the directions {', '.join(known)}, found {', '.join(unknown)}")
    found = bounded.read_npz(path, list(names))
    shape = len(paths), trained.weights[paths[0]].shape[0]
    for name, values in found.items():
        if values.dtype != np.float32 or values.shape != shape:
            raise ValueError(f"{path} is damaged: expected {name} as float32 {shape}, found {values.dtype} {values.shape}")
    return found


def along(trained: Trained, run: Path, amounts: Mapping[str, float], seeds: Sequence[int], **inputs: Any) -> dict[str, np.ndarray]:
    """Computes the outputs of seeds after steps along directions, by their names; errors as of `read_directions`."""
    moves = read_directions(trained, run, list(amounts))
    ws = trained.outputs(seeds, only="ws", **inputs)["ws"]
    return trained.outputs(ws=ws + total(moves, amounts))


def total(moves: Mapping[str, np.ndarray], amounts: Mapping[str, float]) -> np.ndarray:
    """Returns the difference of `ws`, float32 [layers, style_size], that all steps together make."""
    return np.stack([np.float32(amount) * moves[name] for name, amount in amounts.items()]).sum(axis=0)
