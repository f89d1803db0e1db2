"""What steps along a direction do to the attributes of images, as a classifier sees them."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from jgan.data.presence import ABSENT
from jgan.metrics.ranks import spearman

KEPT = 0.9  # share of other attributes that an edit has to keep


class Target(NamedTuple):
    """Something that an image shows or not: a value of an attribute, or any value but the one that says it is absent."""

    name: str  # smile, hair_colour=blond
    attribute: int  # its number
    column: int  # among the log-odds of all values of all attributes
    sign: int = 1  # -1: the log-odds of its absence are there

    def score(self, log_odds: np.ndarray) -> np.ndarray:
        """Returns its log-odds, of those of all values [..., K]: positive where the image shows it."""
        return self.sign * log_odds[..., self.column]


class Effect(NamedTuple):
    """What a direction does."""

    spearman: Mapping[str, float]  # of every target: mean over images of the rank correlation of its score with the steps
    changed: Mapping[str, float]  # of every attribute: share of images that show another value at the last steps to either side


class Flips(NamedTuple):
    """What edits along the direction of a target do: steps up where it is not shown, and down where it is."""

    step: float  # the length of the steps, in sigma, of those at which others are kept the one with most flips
    flipped: float  # share of images after which the target is the opposite
    kept: float  # share of other attributes that are as they were


def targets_of(values: Mapping[str, tuple[str, ...]]) -> list[Target]:
    """Lists all targets of attributes with these values.

    >>> [target.name for target in targets_of({"smile": ("no", "yes"), "hat": ("none", "cap", "beanie"), "hue": ("a", "b", "c")})]
    ['smile', 'hat', 'hat=cap', 'hat=beanie', 'hue=a', 'hue=b', 'hue=c']
    """
    found, first = [], 0
    for number, (name, known) in enumerate(values.items()):
        absent = next((place for place, value in enumerate(known) if value in ABSENT), 0 if len(known) == 2 else None)
        if absent is not None:
            found.append(Target(name, number, first + absent, -1))
        if len(known) > 2:
            found += [Target(f"{name}={value}", number, first + i) for i, value in enumerate(known) if i != absent]
        first += len(known)
    return found


def effect(log_odds: np.ndarray, steps: np.ndarray, values: Mapping[str, tuple[str, ...]]) -> Effect:
    """Computes what a direction does.

    Args:
      log_odds: of every value of every attribute [N, S, K], of N images at S steps.
      steps: their lengths [S], from the least on, 0 among them.
      values: of the attributes, by name.
    """
    correlations = {target.name: float(np.mean(spearman(steps, target.score(log_odds)))) for target in targets_of(values)}
    shown = _shown(log_odds, values)
    before, ends = shown[:, _middle(steps)], shown[:, [0, -1]]
    changed = np.mean(ends != before[:, None], axis=(0, 1))
    return Effect(correlations, dict(zip(values, map(float, changed), strict=True)))


def flips(log_odds: np.ndarray, steps: np.ndarray, values: Mapping[str, tuple[str, ...]], target: Target) -> Flips:
    """Computes how often steps along a direction flip a target, at the length of step with most flips among those that keep 90 % of the
    other attributes; where no step does, at the one that keeps most. Arguments as of `effect`, the steps symmetric around 0."""
    score, shown, middle = target.score(log_odds), _shown(log_odds, values), _middle(steps)
    up, rows = score[:, middle] <= 0, np.arange(len(score))
    found = []
    for length in range(1, len(steps) - middle):
        place = np.where(up, middle + length, middle - length)
        flipped = np.mean((score[rows, place] > 0) == up)
        same = np.delete(shown[rows, place] == shown[:, middle], target.attribute, axis=1)
        found.append(Flips(float(steps[middle + length]), float(flipped), float(np.mean(same)) if same.size else 1.0))
    keeping = [one for one in found if one.kept >= KEPT]
    return max(keeping, key=lambda one: one.flipped) if keeping else max(found, key=lambda one: one.kept)


def _shown(log_odds, values):
    """The most probable value of each attribute, [N, S, A]."""
    ends = np.cumsum([len(known) for known in values.values()])
    return np.stack([part.argmax(axis=-1) for part in np.split(log_odds, ends[:-1], axis=-1)], axis=-1)


def _middle(steps):
    return int(np.abs(steps).argmin())
