"""jgan evaluate RUN, of a generator of sound"""

from pathlib import Path

import numpy as np
import tyro

from jgan.data.content import prepared
from jgan.data.source import read_rows, spread
from jgan.evaluation import results, sounds
from jgan.evaluation.classified import class_numbers, right_numbers
from jgan.evaluation.gather import extractor
from jgan.ranges import CountOrZero, Several
from jgan.run.system import System
from jgan.run.trained import load

NOISES = 500  # sounds at most of which the noise without learning is shaped


def evaluate(
    system: System,
    run: tyro.conf.Positional[Path],
    split: str = "test",
    samples: Several = 2_000,
    step: CountOrZero | None = None,
    features: Path | None = None,
) -> None:
    """Measures generated sound against real sound that was not trained on, and adds the numbers to evaluations.jsonl in the run.

    Beside them are those of the training sounds, as real/..., and of noise with the mean spectrogram of each class, as noise/....
    nearest is the median distance to the nearest training sound, divided by the same of the real sounds: near 0 for copies.

    Args:
        run: The folder of the run.
        split: Part of the data to compare with.
        samples: Generated sounds.
        step: The checkpoint to use; the best if not given.
        features: Folder with the classifier of the features; the run's if not given.
    """
    trained = load(run, step, system)
    train, other = prepared(trained.open_data()), prepared(trained.open_data(split))
    space = sounds.sound_classifier(train, features or run / "features")
    extract, rate = extractor(space), train.spec.rate("audio")
    known, real = sounds.hear_source(extract, train), sounds.hear_source(extract, other)
    fake = sounds.hear(extract, trained.draw(other, samples), rate, samples)
    numbers = class_numbers(fake, real) | {"nearest": sounds.nearest_ratio(fake, known, real)}
    numbers |= {f"real/{name}": value for name, value in class_numbers(known, real).items()}
    if "label" in train.columns and real.label is not None:
        noise = _noise(train, rate, min(NOISES, train.size))
        numbers |= {f"noise/{name}": value for name, value in class_numbers(sounds.hear(extract, [noise], rate, NOISES), real).items()}
        numbers |= {f"held_out/{name}": value for name, value in right_numbers(real.logits, real.label).items()}
    about = {"samples": samples, "real_samples": len(real.features), "split": split, "step": trained.about["step"], "run": run.name}
    results.keep(run / "evaluations.jsonl", results.results([{"sound": numbers}], [], space, results.describe(other) | about))


def _noise(train, rate, count):
    rows = read_rows(train, spread(train.size, count), ("audio", "label"))
    wanted = np.resize(rows["label"], NOISES)
    return {"audio": sounds.shaped_noise(rows["audio"], rows["label"], wanted, *sounds.frame_of(rate)), "label": wanted}
