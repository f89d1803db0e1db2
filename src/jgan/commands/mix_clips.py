"""jgan mix RUN, of a generator of clips"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tyro

from jgan import outputs
from jgan.commands.seeds import parse_seeds
from jgan.ops.frames import fold, unfold
from jgan.ranges import CountOrZero
from jgan.run.system import System
from jgan.run.trained import Trained, load, sampling_of


def mix(
    system: System,
    run: tyro.conf.Positional[Path],
    rows: str = "0-7",
    columns: str = "0-7",
    step: CountOrZero | None = None,
    out: Path = Path("mixing.gif"),
) -> None:
    """Draws clips with the content of their row and the motion of their column, as one animated grid.

    Args:
        run: The folder of the run.
        rows: Seeds of contents.
        columns: Seeds of motions; with labels that are given they take turns, as in samples.
        step: The checkpoint to use; the best if not given.
        out: The file to write; its ending says what.
    """
    seeds, (sampling, _) = (parse_seeds(rows), parse_seeds(columns)), sampling_of(run, system)
    outputs.check_path(out, sampling.outputs)
    trained = load(run, step, system)
    outputs.save(out, {"video": fold(mixed(trained, *seeds))}, sampling.outputs, len(seeds[1]))
    print(out)


def mixed(trained: Trained, contents: Sequence[int], motions: Sequence[int]) -> np.ndarray:
    """Returns clips uint8 [contents, motions, T, H, W, C] with what each of some seeds shows, moving as each of others moves."""
    first, last = np.repeat(np.asarray(contents), len(motions)), np.tile(np.asarray(motions), len(contents))
    own, size = trained.sampling.content, len(contents)
    z = np.concatenate([trained.latents(first)[:, :own], trained.latents(last)[:, own:]], axis=1)
    return unfold(trained(last, z=z), size)
