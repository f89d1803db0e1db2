"""jgan evaluate RUN, of a system that gives images back what they lost"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from jgan.commands.translate import read_images
from jgan.data.open import open_source
from jgan.data.settings import reading_of
from jgan.data.source import Example, spread
from jgan.evaluation import results
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import Extract, extractor
from jgan.evaluation.paired import features_of, targets_of
from jgan.evaluation.restoration import Restoration, tiles
from jgan.metrics.frechet import frechet
from jgan.ranges import CountOrZero, Seed
from jgan.run.system import System
from jgan.run.trained import Trained, load

MOST = 2_000  # examples that are measured
BATCH = 4  # of them at a time: they may be large


def evaluate(
    system: System,
    run: tyro.conf.Positional[Path],
    images: Path | None = None,
    split: str | None = None,
    seed: Seed = 0,
    step: CountOrZero | None = None,
    features: Path | None = None,
    classes: str | None = None,
) -> None:
    """Measures restored images, and what can be had without learning, against the true ones; numbers go to evaluations.jsonl in the run.

    Args:
        run: The folder of the run.
        images: A folder or an archive of images of any size, which are measured whole; those of the run if not given.
        split: Part of the data, test if not given; of other images train, which are all if they have no parts.
        seed: Of the noise, if the network has any.
        step: The checkpoint to use; the best if not given.
        features: Folder with the classifier of the features; the run's if not given.
        classes: Images in classes that this classifier learns from, as for data; the run's images if not given, which may be too few.
    """
    trained = load(run, step, system)
    part = split or ("test" if images is None else "train")
    pairs, seen, how = pairs_of(trained, images, part), trained.open_data(), restoration_of(trained)
    side = min(how.tile(trained.config), *(min(pair["target"].shape[:2]) for pair in pairs))
    learned = open_source(classes, resolution=side, channels=3, labels=True) if classes else targets_of(seen)
    space = classifier_features(learned, features or run / "features")
    shown = shown_of(trained, pairs, seed)
    distances = _distances(extractor(space), shown, side)
    numbers = {}
    for name, prefix in (("restored", ""), ("baseline", "baseline/")):
        measured = _measured(how, trained.config, shown, name) | {"frechet_distance": np.asarray(distances[name])}
        numbers |= {prefix + metric: float(np.mean(values)) for metric, values in measured.items()}
    about = results.describe(trained.open_data(part)) if images is None else {"source": str(images)}
    about |= {"samples": len(pairs), "tile": side, "split": part, "seed": seed, "run": run.name, "step": trained.about["step"]}
    results.keep(run / "evaluations.jsonl", results.results([{"restoration": numbers}], [], space, about))


def restoration_of(trained: Trained) -> Restoration:
    """Returns how what a run gives back is measured.

    Raises:
      ValueError: if its system gives nothing back.
    """
    if trained.system.restoration is None:
        raise ValueError(f"expected a system with a restoration, found {trained.system.name}; give its System one")
    return trained.system.restoration


def pairs_of(trained: Trained, images: Path | None, split: str) -> list[Example]:
    """Returns inputs and targets: of images of any size, or of a part of the data of the run.

    Raises:
      ValueError: if there are none.
    """
    if images is None:
        source = trained.open_data(split)
        return [source.read(int(index)) for index in spread(source.size, min(MOST, source.size))]
    given = read_images(images, 3, split, reading_of(trained.config))
    found = [restoration_of(trained).pair(trained.config, image) for _, image in given]
    if not found:
        raise ValueError(f"expected images in {images}, found none that can be read")
    return found


def shown_of(trained: Trained, pairs: Sequence[Example], seed: int | None = 0) -> list[dict[str, np.ndarray]]:
    """Returns input, target, `baseline` and `restored` [N, H, W, C] of all pairs, together where they are of one size."""
    condition, output = trained.direction("forward")
    found = []
    for shape in dict.fromkeys(pair["input"].shape for pair in pairs):
        chosen = [pair for pair in pairs if pair["input"].shape == shape]
        group = {name: np.stack([pair[name] for pair in chosen]) for name in ("input", "target")}
        given: dict[str, Any] = {condition: group["input"]}
        group["baseline"] = restoration_of(trained).baseline(trained.config, group["input"])
        group["restored"] = trained.outputs(noise=seed, only=output, batch=BATCH, **given)[output]
        found.append(group)
    return found


def _measured(how, config, shown, name):
    """Numbers of all images, by metric."""
    groups = [how.measure(config, group[name], group["input"], group["target"]) for group in shown]
    return {metric: np.concatenate([group[metric] for group in groups]) for metric in groups[0]}


def _distances(extract: Extract, shown: Sequence[Mapping[str, np.ndarray]], side: int) -> dict[str, float]:
    """Fréchet distances of parts of images to the same parts of the true ones."""
    names = ("target", "restored", "baseline")
    found = {name: features_of(extract, tiles([image for group in shown for image in group[name]], side))["features"] for name in names}
    return {name: frechet(found["target"], found[name]) for name in names[1:]}
