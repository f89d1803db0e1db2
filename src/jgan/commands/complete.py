"""jgan complete RUN"""

from pathlib import Path

import numpy as np
import tyro

from jgan import outputs
from jgan.data.source import read_rows, spread
from jgan.ranges import Count, CountOrZero, Seed, Share
from jgan.run.system import System
from jgan.run.trained import load


def complete(
    system: System,
    run: tyro.conf.Positional[Path],
    count: Count = 10,
    completions: Count = 3,
    keep: Share = 0.5,
    split: str = "test",
    seed: Seed = 0,
    step: CountOrZero | None = None,
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
    drawn = [f"drawn-{number + 1}" for number in range(completions)]
    kinds = dict.fromkeys(["known", *drawn, "truth"], outputs.image())
    outputs.check_path(out, kinds)
    trained = load(run, step, system)
    source = trained.open_data(split)
    rows = read_rows(source, spread(source.size, count), ("image", *trained.sampling.conditions))
    images = rows.pop("image")
    known = np.broadcast_to(np.arange(images.shape[1])[None, :, None] < round(keep * images.shape[1]), images.shape[:3])
    shown = {"known": np.where(known[..., None], images, np.uint8(128))}
    for number, name in enumerate(drawn):
        shown[name] = trained(range(seed + number * count, seed + (number + 1) * count), given=images, known=known, **rows)
    shown["truth"] = images
    outputs.save(out, shown, kinds)
    print(out)
