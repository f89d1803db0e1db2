"""StackGAN: images of captions in two stages, the second of which makes larger and sharper ones of those of the first.

Paper:    Zhang et al. 2016, https://arxiv.org/abs/1612.03242
Command:  python experiments/stackgan.py                         (the preset shapes: 32 and 64 px, embedded)
          python experiments/stackgan.py compare                 (beside images of stage I enlarged, and one stage at 64 px)
          python experiments/stackgan.py sample RUN --caption "a large red moon"
          python experiments/stackgan.py train accelerator       (64 and 128 px)
Hardware: shapes is sized for two CPU cores, and has been run to its end on one: 23 minutes beside other jobs. accelerator, and the one
          stage of compare, which would take as long, have not been run.
Goals:    on shapes, of 2,000 images: the share that shows all that its caption says (exact match) not below stage I's; a Fréchet distance
          lower than the one of stage I enlarged without learning (bilinear), and lower than the one of a GAN-INT-CLS that draws images of
          64 px in one stage and is trained for as long.
Scores:   of shapes, one run of seed 0, 2,000 images: exact match 43.7 % (stage I 43.3 %), 56.1 % of captions of one shape, 34 % of pairs
          never seen; Fréchet distance 0.33 (stage I enlarged 0.45). Exact match is read by one network in images of 32 px, to which larger
          ones are reduced; it is trained on shapes that no generator sees. The Fréchet distance is in the features of a classifier of the
          kinds. See docs/results.md.
Differs:  stage I has the networks of `gan_int_cls`, and both stages its discriminator and its steps (R1, no batch norm there), without
          captions in between. The leaky rectifier of the condition is on its mean, not on the logarithm of its deviation; the divergence
          is a mean over the numbers of the condition, as published.
Pictures: docs/stackgan.png: a column for each of CAPTIONS; from above stage I, enlarged without learning, stage II, one stage. A run of
          `compare` writes such a picture.png.
"""

import dataclasses
from pathlib import Path

import numpy as np

from jgan.evaluation.captions import caption_reader, caption_score
from jgan.evaluation.score import Draw, Snapshot, joined
from jgan.ops.images import to_float, to_uint8
from jgan.outputs.columns import labelled_columns
from jgan.outputs.images import save_png
from jgan.ranges import Seed
from jgan.run import System, Trained, load, main
from jgan.run.arms import Arm, short, train_arms, write_table
from jgan.run.metrics_log import read_records
from jgan.systems import gan_int_cls
from jgan.systems.stackgan import PRESETS, SYSTEM, bilinear, distance_score

CONFIG = PRESETS["shapes"]
ONE_STAGE = dataclasses.replace(
    gan_int_cls.PRESETS["shapes"], resolution=CONFIG.resolution, kimg=180, generator_features=16, discriminator_features=16
)
ARMS = {"StackGAN": Arm(SYSTEM, CONFIG), "one stage": Arm(gan_int_cls.SYSTEM, ONE_STAGE)}
SAMPLES = 2_000
CAPTIONS = (
    "a large teal heart",
    "a large yellow moon",
    "a large pink ring above a small blue circle",
    "a large red moon",  # held out, as the next ones
    "a large green star",
)


def compare(system: System, out: Path = Path("runs/stackgan"), seed: Seed | None = None) -> None:
    """Trains both stages, and one stage for as long, measures what each draws by one protocol, and writes the table and the picture.

    Args:
        out: The folder of the runs, of table.md and picture.png; what is there already goes on.
        seed: Of each run; as in the preset if not given.
    """
    folders = train_arms(ARMS, out, {"seed": seed})
    both, one = (load(folder, system=arm.system) for arm, folder in zip(ARMS.values(), folders.values(), strict=True))
    draws = {"stage II": both.draw, "stage I": small(both), "stage I, bilinear": enlarged(both), "one stage": one.draw}
    features = folders["StackGAN"] / "features"
    rows = {name: numbers_of(both, draw, features) for name, draw in draws.items()}
    rows["stage II"]["minutes"], rows["one stage"]["minutes"] = map(minutes_of, folders.values())
    write_table(out, rows)
    save_png(out / "picture.png", picture(both, one))
    print(out / "picture.png")


def minutes_of(run: Path) -> float:
    """How long a run took."""
    return read_records(run / "metrics.jsonl")[-1]["seconds"] / 60


def small(trained: Trained) -> Draw:
    """Draws the images of stage I."""
    return lambda source, n, *, seed=0: ({**batch, "image": batch["small"]} for batch in trained.draw(source, n, seed=seed))


def enlarged(trained: Trained) -> Draw:
    """Draws the images of stage I, enlarged without learning."""
    return lambda source, n, *, seed=0: ({**batch, "image": bilinear(batch["small"])} for batch in trained.draw(source, n, seed=seed))


def numbers_of(trained: Trained, draw: Draw, folder: Path) -> dict[str, float]:
    """Exact match of SAMPLES images, and of those that are as large as the data the Fréchet distance to these, under short names.

    Args:
      trained: the run of both stages, whose data and settings hold for all.
      draw: what is measured.
      folder: where networks are kept.
    """
    config, source = trained.config, trained.open_data()
    reader = caption_reader(config.data, config.resolution // 2, config.channels, folder)
    score = caption_score(source, trained.open_data("test"), reader, SAMPLES)
    if next(draw(source, 1))["image"].shape[1] == config.resolution:
        score = joined(score, distance_score(config, source, folder, SAMPLES))
    return short(score.compute(Snapshot(trained.state(), draw)))


def picture(both: Trained, one: Trained) -> np.ndarray:
    """What is drawn of CAPTIONS, a column each, of the same seed."""
    given = {"seeds": [0] * len(CAPTIONS), "caption": list(CAPTIONS)}
    found = both.outputs(**given)
    pixels = found["small"].repeat(2, axis=1).repeat(2, axis=2)
    rows = (pixels, to_uint8(np.asarray(bilinear(to_float(found["small"])))), found["image"], one(**given))
    return labelled_columns({caption: np.stack([row[column] for row in rows]) for column, caption in enumerate(CAPTIONS)}, columns=1)


if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "compare": compare}))
