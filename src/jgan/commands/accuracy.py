"""jgan accuracy RUN"""

from pathlib import Path

import tyro

from jgan.evaluation import results
from jgan.evaluation.classifier import classification_accuracy_score, real_batches
from jgan.ranges import CountOrZero, Seed, Several, Truncation
from jgan.run.system import System
from jgan.run.trained import load


def accuracy(
    system: System,
    run: tyro.conf.Positional[Path],
    samples: Several = 10_000,
    seed: Seed = 0,
    truncation: Truncation | None = None,
    split: str = "test",
    step: CountOrZero | None = None,
) -> None:
    """Measures the classification accuracy score: the share of real images that a classifier names rightly which learns from generated ones
    only.

    The same of a classifier that learns from real images stands beside it. Results are printed and appended to evaluations.jsonl in the
    folder of the run.

    Args:
        run: The folder of the run.
        samples: Generated images, and real ones, to learn from.
        seed: Of the generated images and the classifiers.
        truncation: 1 for the full variety, as it is if not given, towards 0 for more typical images.
        split: Part of the data to test on.
        step: The checkpoint to use; the best if not given.
    """
    trained = load(run, step, system)
    source, test = trained.open_data(), trained.open_data(split)
    kinds = {"": trained.draw(source, samples, seed=seed, truncation=truncation), "_of_real": real_batches(source, samples, seed)}
    found = {f"classification_accuracy{name}": classification_accuracy_score(g, test, n=samples, seed=seed) for name, g in kinds.items()}
    about = {"run": run.name, "samples": samples, "seed": seed, "truncation": truncation, "step": trained.about["step"], "tested_on": split}
    results.keep(run / "evaluations.jsonl", results.plain_results(found, "a classifier", test, about))
