"""GAN-INT-CLS: images of captions.

Paper:    Reed et al. 2016, https://arxiv.org/abs/1605.05396
Command:  python experiments/gan_int_cls.py                      (the preset shapes: 32 px, embedded)
          python experiments/gan_int_cls.py compare              (beside it without wrong captions, and without captions in between)
          python experiments/gan_int_cls.py sample RUN --caption "a large red moon"
          python experiments/gan_int_cls.py interpolate RUN --captions "a large red moon" "a large blue star"
          python experiments/gan_int_cls.py train emoji --data CAPTIONED.zip
Hardware: shapes is sized for two CPU cores; shapes64 and emoji for an accelerator. None has been run to its end.
Scores:   not measured yet. On shapes the share of images that show all that their caption says (exact match), by a network trained on
          shapes that no generator sees; with one shape and with two, of pairs of colour and kind that were held out of the training, and
          with the caption of another image, which is chance. Goals: 60 % with one shape, 40 % of held-out pairs; without wrong captions
          clearly less. On emoji the Frechet distance alone.
Picture:  picture.png: a row for each of CAPTIONS, a column for each run; the last three have pairs that were held out.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from jgan.evaluation.captions import caption_reader, caption_score
from jgan.evaluation.score import Snapshot
from jgan.outputs.columns import labelled_columns
from jgan.outputs.images import save_png
from jgan.ranges import Kimg, Seed, Size
from jgan.run import System, Trained, load, main
from jgan.run.arms import Arm, train_arms, write_table
from jgan.systems.gan_int_cls import PRESETS, SYSTEM

CONFIG = PRESETS["shapes"]
ARMS = {
    "INT-CLS": Arm(SYSTEM, CONFIG),
    "without wrong captions": Arm(SYSTEM, dataclasses.replace(CONFIG, wrong_captions=False)),
    "without captions in between": Arm(SYSTEM, dataclasses.replace(CONFIG, between_weight=0.0)),
}
SAMPLES = 2_000
CAPTIONS = (
    "a large teal heart",
    "a large yellow moon",
    "a large blue square",
    "a large pink ring above a small blue circle",
    "a large teal cross left of a small red star",
    "a large red moon",  # held out, as the next ones
    "a large green star",
    "a large blue heart",
)


def compare(
    system: System,
    out: Path = Path("runs/gan_int_cls"),
    resolution: Size | None = None,
    kimg: Kimg | None = None,
    seed: Seed | None = None,
) -> None:
    """Trains with and without single parts, measures how often images show what captions say, and writes the table and the picture.

    Args:
        out: The folder of the runs, of table.md and picture.png; what is there already goes on.
        resolution: Side of the images, pixels; as in the preset if not given.
        kimg: Length of each run, thousands of images; as in the preset if not given.
        seed: Of each run; as in the preset if not given.
    """
    folders = train_arms(ARMS, out, {"resolution": resolution, "kimg": kimg, "seed": seed})
    trained = {name: load(folder, system=system) for name, folder in folders.items()}
    write_table(out, {name: numbers_of(one, next(iter(folders.values())) / "features") for name, one in trained.items()})
    save_png(out / "picture.png", labelled_columns({name: drawn(one) for name, one in trained.items()}, columns=1))
    print(out / "picture.png")


def numbers_of(trained: Trained, folder: Path) -> Mapping[str, float]:
    """What the score of a run measures, of SAMPLES images, under short names."""
    config = trained.config
    reader = caption_reader(config.data, config.resolution, config.channels, folder)
    score = caption_score(trained.training_data(), trained.training_data("test"), reader, SAMPLES)
    found = score.compute(Snapshot(trained.state(), trained.draw))
    return {"exact" if name == score.criterion else name.removeprefix("captions/"): value for name, value in found.items()}


def drawn(trained: Trained) -> np.ndarray:
    """Images of CAPTIONS, each of the same seed for all runs, uint8 [N, H, W, C]."""
    return trained(range(len(CAPTIONS)), caption=list(CAPTIONS))


if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "compare": compare}))
