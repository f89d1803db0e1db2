"""Inpainting: missing parts of images.

Papers:   Yu et al. 2018, https://arxiv.org/abs/1806.03589 and https://arxiv.org/abs/1801.07892
Command:  python experiments/inpainting.py                                   (the preset shapes: 64 pixels, holes of 15 to 40 %)
          python experiments/inpainting.py compare                           (both losses, L1 alone, and fills without learning)
          python experiments/inpainting.py kept RUN                          (do shapes keep their kind and colour?)
          python experiments/inpainting.py inpaint RUN IMAGES MASKS OUT      (images of any size, masks that are white in the hole)
          python experiments/inpainting.py train photos --data FOLDER        (the settings of the paper at 256 pixels)
Hardware: shapes is sized for two CPU cores; photos for an accelerator.
Scores:   shapes, 30,000 images in 25 minutes beside other jobs, one run of seed 0, 2,000 test images: 22.8 dB in the hole, L1 alone 23.1,
          harmonic fill 20.9 (goal: 2 dB over it), mean of the ring 15.5; Fréchet distance 0.032, L1 alone 0.045. photos has not been run.
Pictures: docs/inpainting.png: test images; edges go on straight, and corners come back where a part of them can be seen.
"""

from pathlib import Path

import numpy as np
import tyro

from jgan.data.procedural import shapes
from jgan.data.source import Source, read_rows, spread
from jgan.evaluation.attributes import AttributeClassifier, edit_scores, reader_of_shapes
from jgan.evaluation.inpainting import diffusion_fill, ring_mean
from jgan.outputs.columns import labelled_columns
from jgan.outputs.images import save_png
from jgan.ranges import CountOrZero, Kimg, Seed, Size
from jgan.run import System, load, main
from jgan.run.arms import Arm, measured, train_arms, write_table
from jgan.run.trained import Trained
from jgan.systems.inpainting import PRESETS, SYSTEM

ARMS = {"both losses": Arm(SYSTEM, PRESETS["shapes"]), "L1 alone": Arm(SYSTEM, PRESETS["shapes_l1"])}
SAMPLES, ROWS = 2_000, 12  # test images, and those of the picture
HIDDEN = 0.3  # share of a shape that is hidden, from which it counts whether its kind and colour are kept


def compare(
    system: System,
    out: Path = Path("runs/inpainting"),
    data: str | None = None,
    resolution: Size | None = None,
    kimg: Kimg | None = None,
    seed: Seed | None = None,
) -> None:
    """Trains with and without the adversarial loss, measures both and what is had without learning, and writes the table and the picture.

    Args:
        out: The folder of the runs, of table.md and picture.png; what is there already goes on.
        data: Images, with the parts train and test; the embedded shapes if not given.
        resolution: Side of the images, pixels; as in the presets if not given.
        kimg: Length of each run, thousands of images; as in the presets if not given.
        seed: Of each run; as in the presets if not given.
    """
    folders = train_arms(ARMS, out, {"data": data, "resolution": resolution, "kimg": kimg, "seed": seed})
    features = next(iter(folders.values())) / "features"
    write_table(out, by_method(measured(ARMS, folders, samples=SAMPLES, features=features)))
    trained = {name: load(folder, system=system) for name, folder in folders.items()}
    save_png(out / "picture.png", picture(trained, next(iter(trained.values())).open_data("test")))
    print(out / "picture.png")


def kept(system: System, run: tyro.conf.Positional[Path], split: str = "test", step: CountOrZero | None = None) -> None:
    """Prints, for a run on shapes, how often a shape that was hidden in part has its kind and colour after it was completed.

    Args:
        run: The folder of the run.
        split: Part of the data.
        step: The checkpoint to use; the best by score if not given.
    """
    trained = load(run, step, system)
    reader = reader_of_shapes(trained.config.resolution, run / "features")
    print(reader.name, *(f"{name} {accuracy:.3f}" for name, accuracy in reader.accuracy.items()))
    for name, numbers in kept_numbers(trained, reader, split).items():
        print(name or "completed", *(f"{metric} {number:.3f}" for metric, number in numbers.items()))


def kept_numbers(trained: Trained, reader: AttributeClassifier, split: str) -> dict[str, dict[str, float]]:
    """The shares of completed images, of fills without learning and of true images whose shape is read as of its kind and colour, where
    HIDDEN or more of the shape was hidden.

    Raises:
      ValueError: for a run on other data, whose attributes are not known.
    """
    if trained.config.data != "shapes" or trained.config.width:
        raise ValueError(f"expected a run on square images of shapes, whose attributes are known, found one on {trained.config.data}")
    source, side = trained.open_data(split), trained.config.resolution
    count = min(SAMPLES, source.size)
    scenes = [shapes.scene(shapes.FIRST[split] + index) for index in range(count)]
    rows = read_rows(source, np.arange(count), ("image", "mask"))
    main = np.stack([shapes.mask(scene, side) == 1 for scene in scenes])
    hidden = (main & (rows["mask"][..., 0] > 127)).sum(axis=(1, 2)) / main.sum(axis=(1, 2)) >= HIDDEN
    wanted = np.stack([known.numbers for known in shapes.attributes(split, count).values()], axis=1)[hidden]
    truth, mask = rows["image"][hidden], rows["mask"][hidden]
    images = {"": trained(image=truth, mask=mask), "truth": truth}
    images |= {"diffusion": diffusion_fill(truth, mask > 127), "ring": ring_mean(truth, mask > 127)}
    scores = {name: edit_scores(reader, found, wanted) for name, found in images.items()}
    return {name: {metric: found[f"right/{metric}"] for metric in ("kind", "colour")} for name, found in scores.items()}


def by_method(rows: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """The numbers of arms, with those of fills without learning, which all arms have, as rows beside them.

    >>> by_method({"L1": {"psnr": 20.0, "coarse/psnr": 19.0, "ring/psnr": 15.0}})
    {'L1': {'psnr': 20.0}, 'L1, coarse': {'psnr': 19.0}, 'ring': {'psnr': 15.0}}
    """
    found: dict[str, dict[str, float]] = {}
    for arm, numbers in rows.items():
        for name, value in numbers.items():
            method, _, metric = name.rpartition("/")
            row = {"": arm, "coarse": f"{arm}, coarse"}.get(method, method)
            found.setdefault(row, {})[metric] = value
    return found


def picture(trained: dict[str, Trained], source: Source) -> np.ndarray:
    """Images with holes, the harmonic fill, what each arm makes, and the truth, uint8 [H, W, 3]."""
    rows = read_rows(source, spread(source.size, ROWS), ("image", "mask"))
    truth, mask = rows["image"], rows["mask"]
    columns = {"input": np.where(mask > 127, np.uint8(128), truth), "harmonic": diffusion_fill(truth, mask > 127)}
    columns |= {name: one(image=truth, mask=mask) for name, one in reversed(trained.items())}
    return labelled_columns({**columns, "truth": truth}, columns=2)


if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "compare": compare, "kept": kept}))
