"""Generated examples of any kind as a classifier of real ones takes them: is it what was asked for, is it varied."""

from typing import NamedTuple

import numpy as np

from jgan.data.source import spread
from jgan.evaluation.score import NEIGHBOURS_AMONG
from jgan.metrics.classes import class_histogram, histogram_distance, modes
from jgan.metrics.frechet import frechet
from jgan.metrics.inception_score import inception_score
from jgan.metrics.prdc import prdc


class Classified(NamedTuple):
    """What a classifier makes of examples."""

    features: np.ndarray  # [N, F]
    logits: np.ndarray  # [N, K]
    label: np.ndarray | None  # int [N]: what was asked for, or is there


def class_numbers(fake: Classified, real: Classified) -> dict[str, float]:
    """Computes the Fréchet distance, precision, recall, density and coverage of at most 2,000 of each, the inception score in the
    classifier's classes, how many of these come up, and, where labels were asked for, the share that is classified rightly: of all, and of
    the class of which it is least.

    Raises:
      ValueError: for fewer than 6 examples.
    """
    some, others = (found.features[spread(len(found.features), min(NEIGHBOURS_AMONG, len(found.features)))] for found in (real, fake))
    histograms = [class_histogram(found.logits) for found in (real, fake)]
    numbers = {"frechet_distance": frechet(real.features, fake.features), **prdc(some, others, 5)._asdict()}
    numbers |= {"inception_score": inception_score(fake.logits, splits=1)[0], "classes": modes(fake.logits)}
    numbers |= {"class_distance": histogram_distance(*histograms)} | (
        right_numbers(fake.logits, fake.label) if fake.label is not None else {}
    )
    return {name: float(value) for name, value in numbers.items()}


def right_numbers(logits: np.ndarray, label: np.ndarray) -> dict[str, float]:
    """Computes the share of examples whose most probable class is their label, and that share of the label of which it is least.

    >>> right_numbers(np.eye(3)[[0, 1, 1, 0]], np.asarray([0, 1, 2, 0]))
    {'right': 0.75, 'right_least': 0.0}
    """
    hits = logits.argmax(axis=1) == label
    return {"right": float(hits.mean()), "right_least": float(min(hits[label == one].mean() for one in np.unique(label)))}
