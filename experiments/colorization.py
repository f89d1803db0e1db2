"""Colorization: the colours of grey images.

Papers:   Isola et al. 2016, https://arxiv.org/abs/1611.07004; Zhang et al. 2016, https://arxiv.org/abs/1603.08511
Command:  python experiments/colorization.py                                 (the preset shapes: colours that grey does not tell)
          python experiments/colorization.py compare                         (both losses and L1 alone, on shapes)
          python experiments/colorization.py compare_photos --data FLOWERS   (both on photos: a folder with train and test in it)
          python experiments/colorization.py palette RUN                     (have shapes the colours of the palette, and all of them?)
          python experiments/colorization.py train photos --data FOLDER      (the settings of pix2pix at 256 pixels)
          python experiments/colorization.py translate RUN FOLDER OUT        (images of any size; those in colour are made grey)
Hardware: shapes and flowers are sized for two CPU cores; photos for an accelerator.
Scores:   shapes, 60,000 images in 18 minutes beside other jobs, one run of seed 0: 85 % of the test shapes have a colour of the palette
          (goal 90), five of its eight are used; with L1 alone none has. Colourfulness 0.96 of the real one (L1 alone 0.62), distance 0.13
          (0.96). After 56,448 images all eight are used, by 75 % of the shapes. flowers, 24,000 images in 5.4 minutes: colourfulness 0.59
          (L1 alone 0.43; goal 0.8), distance 6.4 (9.2). photos has not been run. See docs/results.md.
Pictures: docs/colorization.png: test shapes, most of one clean colour, some of two. docs/colorization_flowers.png: test photos; leaves are
          green and centres yellow, red and pink petals stay pale.
"""

from pathlib import Path

import numpy as np
import tyro

from jgan.commands.compare_restored import compare_restored
from jgan.commands.evaluate_restored import MOST, shown_of
from jgan.data.procedural import shapes
from jgan.evaluation.restoration import palette_numbers
from jgan.ranges import CountOrZero, Kimg, Seed
from jgan.run import System, load, main
from jgan.run.arms import Arm
from jgan.systems.colorization import PRESETS, SYSTEM

SHAPES = {"both losses": Arm(SYSTEM, PRESETS["shapes"]), "L1 alone": Arm(SYSTEM, PRESETS["shapes_l1"])}
PHOTOS = {"both losses": Arm(SYSTEM, PRESETS["flowers"]), "L1 alone": Arm(SYSTEM, PRESETS["flowers_l1"])}


def palette(system: System, run: tyro.conf.Positional[Path], split: str = "test", step: CountOrZero | None = None) -> None:
    """Prints, for a run on shapes of equal luma, whether what it paints is of the palette, and how much of the palette it uses.

    Args:
        run: The folder of the run.
        split: Part of the data.
        step: The checkpoint to use; the best by score if not given.
    """
    trained = load(run, step, system)
    if trained.config.data not in shapes.PALETTES:
        raise ValueError(f"expected a run on {' or '.join(shapes.PALETTES)}, whose colours are known, found one on {trained.config.data}")
    source = trained.open_data(split)
    pairs = [source.read(index) for index in range(min(source.size, MOST))]
    (shown,) = shown_of(trained, pairs)
    known = shapes.PALETTES[trained.config.data].colours
    colours = np.asarray([known[shapes.scene(shapes.FIRST[split] + i).shapes[0].colour] for i in range(len(pairs))])
    masks = (shown["target"] == colours[:, None, None]).all(axis=3)
    found = palette_numbers(shown["restored"], masks, np.asarray(list(known.values()), np.uint8))
    print(*(f"{name} {number:.3f}" for name, number in found.items()))


def compare(system: System, out: Path = Path("runs/colorization"), kimg: Kimg | None = None, seed: Seed | None = None) -> None:
    """Trains with and without the adversarial loss on shapes of equal luma, and writes the table and the picture.

    Args:
        out: The folder of the runs, of table.md and picture.png; what is there already goes on.
        kimg: Length of each run, thousands of images; as in the presets if not given.
        seed: Of each run; as in the presets if not given.
    """
    compare_restored(SHAPES, "grey", out, None, {"kimg": kimg, "seed": seed})


def compare_photos(
    system: System, data: str, out: Path = Path("runs/colorization_photos"), kimg: Kimg | None = None, seed: Seed | None = None
) -> None:
    """Trains with and without the adversarial loss on photos, and writes the table and the picture.

    Args:
        data: A folder or archive of photos, with the folders train and test.
        out: The folder of the runs, of table.md and picture.png; what is there already goes on.
        kimg: Length of each run, thousands of images; as in the presets if not given.
        seed: Of each run; as in the presets if not given.
    """
    compare_restored(PHOTOS, "grey", out, None, {"data": data, "kimg": kimg, "seed": seed})


if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "compare": compare, "compare_photos": compare_photos, "palette": palette}))
