"""jgan evaluate RUN, of a system that fills holes of images"""

from pathlib import Path

import tyro

from jgan.evaluation import results
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import extractor
from jgan.evaluation.inpainting import completion_numbers, diffusion_fill, ring_mean
from jgan.evaluation.paired import take
from jgan.ranges import CountOrZero, Several
from jgan.run.system import System
from jgan.run.trained import load


def evaluate(
    system: System,
    run: tyro.conf.Positional[Path],
    split: str = "test",
    samples: Several = 2_000,
    step: CountOrZero | None = None,
    features: Path | None = None,
) -> None:
    """Measures completed images against the true ones, and what is had without learning: the mean of the ring around a hole, and a
    harmonic fill; adds the numbers with all that they depend on to evaluations.jsonl in the run.

    Args:
        run: The folder of the run.
        split: Part of the data.
        samples: Maximum number of images, each with one mask.
        step: The checkpoint to use; the best if not given.
        features: Folder with the classifier of the features; the run's if not given.
    """
    trained = load(run, step, system)
    space = classifier_features((system.training_data or system.data)(trained.config), features or run / "features")
    source, extract = trained.open_data(split), extractor(space)
    truth, masks = take(source, samples), take(source, samples, "mask")
    found, holes = trained.outputs(image=truth, mask=masks), masks > 127
    filled = {"": found["image"], "coarse/": found["coarse"], "diffusion/": diffusion_fill(truth, holes), "ring/": ring_mean(truth, holes)}
    numbers = {}
    for name, images in filled.items():
        numbers |= {name + metric: value for metric, value in completion_numbers(images, truth, holes, extract).items()}
    about = {"samples": len(truth), "split": split, "step": trained.about["step"], "run": run.name}
    results.keep(run / "evaluations.jsonl", results.results([{"completion": numbers}], [], space, results.describe(source) | about))
