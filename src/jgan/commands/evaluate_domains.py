"""jgan evaluate RUN, of a translator learned from two domains without pairs"""

from pathlib import Path
from typing import Any

import numpy as np
import tyro

from jgan.commands import evaluate_pairs as of_pairs
from jgan.data.pairs import domains_labelled, open_pairs
from jgan.evaluation import results
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import extractor
from jgan.evaluation.paired import MOST, domain_numbers, take
from jgan.ops.images import to_float
from jgan.ranges import CountOrZero
from jgan.run.system import System
from jgan.run.trained import load


def evaluate(
    system: System,
    run: tyro.conf.Positional[Path],
    split: str = "test",
    step: CountOrZero | None = None,
    features: Path | None = None,
) -> None:
    """Measures translations in both directions against the other domain, and adds the numbers to evaluations.jsonl in the run.

    Fréchet distances are to the training images of the target domain; there stand beside them those of the untranslated images and of real
    images of the target domain. The cycle is there and back, in L1 of images in [-1, 1].

    Args:
        run: The folder of the run.
        split: Part of the data to translate.
        step: The checkpoint to use; the best if not given.
        features: Folder with the classifier of the features; the run's if not given.
    """
    trained = load(run, step, system)
    seen, tested = trained.open_data(), trained.open_data(split)
    fields = [trained.direction(name) for name in ("forward", "backward")]
    domains = [take(part, MOST, field) for part, (field, _) in zip(tested.parts, fields, strict=True)]
    space = classifier_features(domains_labelled(seen), features or run / "features")
    extract, numbers = extractor(space), {}
    for i, name in enumerate(("forward", "backward")):
        (field, output), (other, back) = fields[i], fields[1 - i]
        given: dict[str, Any] = {field: domains[i]}
        there = trained.outputs(only=output, **given)[output]
        translated: dict[str, Any] = {other: there}
        again = trained.outputs(only=back, **translated)[back]
        real = take(seen.parts[1 - i], MOST, other)
        kinds = {"": there, "untranslated/": domains[i], "real/": domains[1 - i]}
        found = {kind + metric: n for kind, x in kinds.items() for metric, n in domain_numbers(x, real, extract).items()}
        found["cycle_l1"] = float(np.mean(np.abs(to_float(again) - to_float(domains[i]))))
        numbers |= {f"{name}/{metric}": number for metric, number in found.items()}
    about = {"samples": [len(d) for d in domains], "real_samples": [part.size for part in seen.parts], "split": split, "run": run.name}
    protocol = results.describe(domains_labelled(seen)) | about | {"step": trained.about["step"]}
    results.keep(run / "evaluations.jsonl", results.results([{"translation": numbers}], [], space, protocol))


def evaluate_pairs(
    system: System,
    run: tyro.conf.Positional[Path],
    split: str = "test",
    step: CountOrZero | None = None,
    features: Path | None = None,
) -> None:
    """Measures translations against their true targets, of a run on the two sides of a paired set.

    Args:
        run: The folder of the run.
        split: Part of the data.
        step: The checkpoint to use; the best if not given.
        features: Folder with the classifier of the features; the run's if not given.
    """
    trained = load(run, step, system)
    config = trained.config
    if not config.data.startswith("pairs:"):
        raise ValueError(f"expected a run on pairs:SET, found one on {config.data}, whose images have no true translations")
    spec = config.data.removeprefix("pairs:")
    settings = {name: getattr(config, name) for name in ("resolution", "channels", "bit_depth", "max_unpacked")}
    seen, pairs = (open_pairs(spec, split=part, **settings) for part in ("train", split))
    of_pairs.measure(trained, run, seen, pairs, split, 0, features)
