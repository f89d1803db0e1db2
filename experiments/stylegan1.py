"""StyleGAN, the first: styles at every layer of networks that grow, and what each style decides.

Paper:    Karras et al. 2018, https://arxiv.org/abs/1812.04948
Command:  python experiments/stylegan1.py                        (the preset shapes: 8, 16, 32 px, embedded data)
          python experiments/stylegan1.py compare                (beside ProGAN and StyleGAN2 of the same widths, at equal images)
          python experiments/stylegan1.py swap RUN --baseline RUN_OF_PROGAN
                                                                 (do coarse styles decide the kind, and fine ones the colour?)
          python experiments/stylegan1.py mix RUN --layer 4      (the picture to that)
          python experiments/stylegan1.py train flowers64 --data FOLDER_OR_ZIP
Hardware: shapes is sized for two CPU cores and has been run to its end; flowers64 is for an accelerator.
Scores:   Fréchet distance in the features of a classifier trained on the same data, 60,000 images, one run each: 6.92, ProGAN 3.74,
          StyleGAN2 9.72. Of 1,000 mixes the shares that have the kind of the shape of whose coarse styles they are, and the colour of the
          other, by a network that reads both: 61.7 and 83.3 % (goals 70 %), ProGAN's latents 31.8 and 27.8 %. See docs/results.md.
Pictures: docs/stylegan1.png: ovals, hearts, moons and bars of one colour on a clean ground; no stars.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tyro

from jgan.evaluation import results
from jgan.evaluation.attributes import AttributeClassifier, read_attributes, reader_of_shapes
from jgan.ranges import CountOrZero, Kimg, LayersOrZero, Seed, Several
from jgan.run import System, Trained, load, main
from jgan.run.arms import Arm, scores_of, train_arms, write_table
from jgan.run.metrics_log import read_records
from jgan.systems import progan, stylegan
from jgan.systems.stylegan1 import PRESETS, SYSTEM

OURS = PRESETS["shapes"]
SECOND = dataclasses.replace(
    stylegan.PRESETS["shapes"],
    data=OURS.data,
    conditional=False,
    style_mixing=OURS.style_mixing,
    **{name: getattr(OURS, name) for name in ("kimg", "batch", "channel_base", "channel_max", "mapping_layers", "score_kimg")},
)
ARMS = {
    "StyleGAN": Arm(SYSTEM, OURS),
    "ProGAN": Arm(progan.SYSTEM, dataclasses.replace(progan.PRESETS["shapes"], kimg=OURS.kimg)),
    "StyleGAN2": Arm(stylegan.SYSTEM, SECOND),
}

Swap = Callable[[Trained, np.ndarray, float], np.ndarray]  # (trained, seeds [2, N], share of the layers) -> uint8 images [N, H, W, C]


def by_styles(trained: Trained, seeds: np.ndarray, share: float) -> np.ndarray:
    """Images with the coarse styles of the first seeds, that share of all layers, and the fine styles of the second."""
    first, second = (trained.outputs(row, only="ws")["ws"] for row in seeds)
    return trained(ws=joined(first, second, share))


def by_latents(trained: Trained, seeds: np.ndarray, share: float) -> np.ndarray:
    """Images of latents whose first numbers, that share of all, are those of the first seeds and the others those of the second."""
    first, second = (trained.latents(row) for row in seeds)
    return trained(z=joined(first, second, share))


def joined(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """The first part along axis 1 of one array, that share of it, and the rest of the other.

    >>> joined(np.zeros((1, 4)), np.ones((1, 4)), 0.25).tolist()
    [[0.0, 1.0, 1.0, 1.0]]
    """
    border = round(share * first.shape[1])
    return np.concatenate([first[:, :border], second[:, border:]], axis=1)


def shares(reader: AttributeClassifier, first: np.ndarray, second: np.ndarray, mixed: np.ndarray) -> dict[str, float]:
    """Of mixes of two images each the shares with the kind of the first, with the colour of the second, both, and the reverse."""
    a, b, found = (read_attributes(reader, images) for images in (first, second, mixed))
    kind, colour = (list(reader.values).index(name) for name in ("kind", "colour"))
    from_first, from_second = found == a, found == b
    numbers = {"kind_of_first": from_first[:, kind], "colour_of_second": from_second[:, colour]}
    numbers |= {"both": from_first[:, kind] & from_second[:, colour]}
    numbers |= {"kind_of_second": from_second[:, kind], "colour_of_first": from_first[:, colour]}
    return {name: float(values.mean()) for name, values in numbers.items()}


def compare(system: System, out: Path = Path("runs/stylegan1"), kimg: Kimg | None = None, seed: Seed | None = None) -> None:
    """Trains all three, and writes their scores at the end: distances in the features of one classifier.

    Args:
        out: The folder of the runs and of table.md; what is there already goes on.
        kimg: Length of each run, thousands of images; as in the presets if not given.
        seed: Of each run; as in the presets if not given.
    """
    folders = train_arms(ARMS, out, {"kimg": kimg, "seed": seed})
    scores = scores_of({name: read_records(folder / "metrics.jsonl") for name, folder in folders.items()})
    write_table(out, {name: found[-1] for name, found in scores.items()})


def swap(
    system: System,
    run: tyro.conf.Positional[Path],
    baseline: Path | None = None,
    layer: LayersOrZero = 4,
    mixes: Several = 1_000,
    step: CountOrZero | None = None,
    features: Path | None = None,
) -> None:
    """Measures, for a run on shapes, whether mixes have the kind of the coarse styles and the colour of the fine ones.

    The numbers are added to evaluations.jsonl in the run; chance is 1/8 each.

    Args:
        run: The folder of the run.
        baseline: The folder of a run of ProGAN, in whose latents as large a share of numbers is swapped.
        layer: The first layer with a fine style, from 0, the lowest; 4 is the first at 16 pixels.
        mixes: Number of mixes.
        step: The checkpoint to use; the best if not given.
        features: Folder with the network that reads kind and colour; the run's if not given.
    """
    trained = {"styles": load(run, step, system)}
    trained |= {} if baseline is None else {"latents": load(baseline, system=progan.SYSTEM)}
    for one in trained.values():
        if one.config.data != "shapes" or one.config.width:
            raise ValueError(f"expected runs on square images of shapes, whose attributes are known, found one on {one.config.data}")
    layers = trained["styles"].outputs([0], only="ws")["ws"].shape[1]
    if layer > layers:
        raise ValueError(f"--layer: expected a whole number from 0 to {layers}, the layers of this network, found {layer}")
    reader = reader_of_shapes(trained["styles"].config.resolution, features or run / "features")
    numbers, seeds = {f"held_out/{name}": accuracy for name, accuracy in reader.accuracy.items()}, np.arange(2 * mixes).reshape(2, mixes)
    swaps: dict[str, Swap] = {"styles": by_styles, "latents": by_latents}
    for name, one in trained.items():
        first, second, mixed = one(seeds[0]), one(seeds[1]), swaps[name](one, seeds, layer / layers)
        numbers |= {f"{name}/{what}": share for what, share in shares(reader, first, second, mixed).items()}
    about = {"samples": mixes, "layer": layer, "run": run.name, "step": trained["styles"].about["step"]}
    source = trained["styles"].open_data()
    results.keep(run / "evaluations.jsonl", results.plain_results(numbers, reader.name, source, about))


if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "compare": compare, "swap": swap}))
