"""ProGAN: networks that grow with the images, against the same networks at full size from the start.

Paper:    Karras et al. 2017, https://arxiv.org/abs/1710.10196
Command:  python experiments/progan.py                           (the preset shapes: 8, 16, 32 px, embedded data)
          python experiments/progan.py train fixed               (the same networks at 32 px from the start)
          python experiments/progan.py compare                   (both, at equal images and at equal time)
          python experiments/progan.py train flowers128 --data FOLDER_OR_ZIP
          python experiments/progan.py sample RUN --seeds 0-63 --out grid.png
Hardware: shapes and fixed are sized for two CPU cores and have been run to their end; flowers128 is for an accelerator.
Scores:   Fréchet distance in the features of a classifier trained on the same data, seeds 0 and 1, on one core beside other jobs:
          growing 3.95 and 4.21 after 5.2 and 6.2 minutes and 30,000 images, 3.74 and 3.76 after 23 and 26 and 60,000; fixed 3.21 and 3.12
          after 21 and 25 minutes, 2.43 and 2.80 after 38 and 42 and 60,000 images. Growing is ahead at first, then behind. See
          docs/results.md.
Pictures: docs/progan.png: growing gives smooth blobs and rings, fixed networks sharper edges, and shapes that fall apart.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jgan.ranges import Kimg, Seed
from jgan.run import System, main
from jgan.run.arms import Arm, scores_of, train_arms, write_table
from jgan.run.metrics_log import read_records
from jgan.systems.progan import PRESETS, SYSTEM

ARMS = {"growing": Arm(SYSTEM, PRESETS["shapes"]), "fixed": Arm(SYSTEM, PRESETS["fixed"])}


def compare(
    system: System, out: Path = Path("runs/progan"), data: str | None = None, kimg: Kimg | None = None, seed: Seed | None = None
) -> None:
    """Trains the growing and the fixed networks, and writes their scores at equal images and at equal time.

    Args:
        out: The folder of the runs and of table.md; what is there already goes on.
        data: Data of both; as in the presets if not given.
        kimg: Length of each run, thousands of images; as in the presets if not given.
        seed: Of each run; as in the presets if not given.
    """
    folders = train_arms(ARMS, out, {"data": data, "kimg": kimg, "seed": seed})
    scores = scores_of({name: read_records(folder / "metrics.jsonl") for name, folder in folders.items()})
    write_table(out, rows(*scores.values()))


def rows(growing: Sequence[Mapping[str, float]], fixed: Sequence[Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
    """The growing run at its end; the fixed one when it had seen as many images, and when as much time had passed or at its first score.

    >>> ours, other = [{"kimg": 60, "minutes": 5}], [{"kimg": 30, "minutes": 4}, {"kimg": 60, "minutes": 9}]
    >>> list(rows(ours, other).values())
    [{'kimg': 60, 'minutes': 5}, {'kimg': 60, 'minutes': 9}, {'kimg': 30, 'minutes': 4}]
    """
    found = {"growing": growing[-1]}
    for what, name in (("images", "kimg"), ("time", "minutes")):
        found[f"fixed, equal {what}"] = ([row for row in fixed if row[name] <= growing[-1][name]] or fixed[:1])[-1]
    return found


if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "compare": compare}))
