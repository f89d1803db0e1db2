"""jgan complete RUN"""

from pathlib import Path

import numpy as np
import tyro

from jgan import outputs
from jgan.data.source import read_rows, spread
from jgan.run.system import System
from jgan.run.trained import load


def complete(
    system: System,
    run: tyro.conf.Positional[Path],
    count: int = 10,
    completions: int = 3,
    keep: float = 0.5,
    split: str = "test",
    seed: int = 0,
    step: int | None = None,
    out: Path = Path("completions.png"),
) -> None:
    """Draws the lower part of images anew: columns of occluded images, of completions, and of the originals.

    Args:
        run: The folder of the run.
        count: Images.
        completions: Of each image.
        keep: Share of the height that is known, from the top.
        split: Part of the data to take them from.
        seed: Of what is drawn.
        step: The checkpoint to use; the best if not given.
        out: The PNG file to write.
    """
    if not 0 <= keep <= 1:
        raise ValueError(f"expected a share of the height from 0 to 1 to keep, found {keep}")
    trained = load(run, step, system)
    source = trained.training_data(split)
    rows = read_rows(source, spread(source.size, count), ("image", *trained.sampling.conditions))
    images = rows.pop("image")
    known = np.broadcast_to(np.arange(images.shape[1])[None, :, None] < round(keep * images.shape[1]), images.shape[:3])
    shown = {"known": np.where(known[..., None], images, np.uint8(128))}
    for number in range(completions):
        seeds = seed + number * count + np.arange(count)
        shown[f"drawn-{number + 1}"] = trained(seeds, given=images, known=known, **rows)
    shown["truth"] = images
    outputs.save(out, shown, dict.fromkeys(shown, outputs.image()))
    print(out)
