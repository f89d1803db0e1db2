"""jgan evaluate RUN, of a translator learned from pairs"""

from pathlib import Path
from typing import Any

import tyro

from jgan.data import combine
from jgan.data.source import Source
from jgan.evaluation import results
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import extractor
from jgan.evaluation.paired import MOST, features_of, pair_numbers, take
from jgan.metrics.frechet import frechet
from jgan.ranges import CountOrZero, Seed
from jgan.run.system import System
from jgan.run.trained import Trained, load


def evaluate(
    system: System,
    run: tyro.conf.Positional[Path],
    split: str = "test",
    seed: Seed = 0,
    step: CountOrZero | None = None,
    features: Path | None = None,
) -> None:
    """Measures translations against their true targets, and adds the numbers with all that they depend on to evaluations.jsonl in the run.

    Args:
        run: The folder of the run.
        split: Part of the data.
        seed: Of the noise, if the network has any.
        step: The checkpoint to use; the best if not given.
        features: Folder with the classifier of the features; the run's if not given.
    """
    trained = load(run, step, system)
    measure(trained, run, trained.open_data(), trained.open_data(split), split, seed, features)


def measure(trained: Trained, run: Path, seen: Source, pairs: Source, split: str, seed: int, features: Path | None) -> None:
    """Measures translations of `pairs` against their targets, beside them untranslated inputs of their size, in features learned from
    `seen`.
    """
    condition, output = trained.direction("forward")
    targets_seen = combine.select(seen, image="target")
    space = classifier_features(targets_seen, features or run / "features")
    extract, images, targets = extractor(space), take(pairs, MOST, "input"), take(pairs, MOST, "target")
    real = features_of(extract, take(targets_seen, MOST))["features"]
    given: dict[str, Any] = {condition: images}
    translated = trained.outputs(noise=seed, only=output, **given)[output]
    numbers = {}
    comparable = {"": translated} | ({"input/": images} if images.shape == targets.shape else {})  # a smaller input is no output
    for name, found in comparable.items():
        distance = {"frechet_distance": frechet(real, features_of(extract, found)["features"])}
        numbers |= {name + metric: number for metric, number in (pair_numbers(found, targets, extract) | distance).items()}
    about = {
        "samples": len(images),
        "real_samples": len(real),
        "split": split,
        "seed": seed,
        "step": trained.about["step"],
        "run": run.name,
    }
    results.keep(run / "evaluations.jsonl", results.results([{"translation": numbers}], [], space, results.describe(pairs) | about))
