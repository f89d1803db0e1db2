"""What an experiment that gives images back what they lost ends in: its table and its picture"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jgan.commands.evaluate_restored import pairs_of, restoration_of, shown_of
from jgan.outputs.columns import labelled_columns
from jgan.outputs.images import save_png
from jgan.run.arms import Arm, measured, train_arms, write_table
from jgan.run.trained import Trained, load

ROWS, SIDE = 8, 192  # of the picture: examples, and the most pixels a side of what is shown of an image


def compare_restored(
    arms: Mapping[str, Arm], baseline: str, out: Path, images: Path | None, changes: Mapping[str, Any], classes: str | None = None
) -> None:
    """Trains all arms, measures them and the baseline by one protocol, and writes table.md and picture.png.

    Args:
      arms: by the name that the table gives them.
      baseline: the name that the table gives it.
      out: the folder of the runs, of the table and of the picture; what is there already goes on.
      images: a folder or an archive of images of any size to measure on; None: the part `test` of the data.
      changes: of the settings of all arms; None: as they are.
      classes: images in classes that the classifier of the features learns from; None: those of the run.
    """
    folders = train_arms(arms, out, changes)
    features = next(iter(folders.values())) / "features"
    rows = measured(arms, folders, images=images, features=features, classes=classes)
    of_baseline = {name.removeprefix("baseline/"): value for row in rows.values() for name, value in row.items() if "/" in name}
    learned = {arm: {name: value for name, value in row.items() if "/" not in name} for arm, row in rows.items()}
    write_table(out, {baseline: of_baseline, **learned})
    save_png(out / "picture.png", picture(arms, folders, baseline, images))
    print(out / "picture.png")


def picture(arms: Mapping[str, Arm], folders: Mapping[str, Path], baseline: str, images: Path | None) -> np.ndarray:
    """Returns the baseline, what each arm makes, and the truth, uint8 [H, W, 3]: the middle of examples spread over the images."""
    trained = {name: load(folder, system=arms[name].system) for name, folder in folders.items()}
    first = next(iter(trained.values()))
    pairs = pairs_of(first, images, "test" if images is None else "train")
    middles = [middle(first, pair["target"]) for pair in pairs[:: max(1, len(pairs) // ROWS)][:ROWS]]
    shown = {name: shown_of(one, middles)[0] for name, one in trained.items()}
    one = next(iter(shown.values()))
    columns = {baseline: one["baseline"], **{name: group["restored"] for name, group in shown.items()}, "truth": one["target"]}
    return labelled_columns(columns, columns=1 + (len(middles) > ROWS // 2))


def middle(trained: Trained, image: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the pair of the middle of an image."""
    height, width = (max(0, side - SIDE) // 2 for side in image.shape[:2])
    return restoration_of(trained).pair(trained.config, image[height : height + SIDE, width : width + SIDE])
