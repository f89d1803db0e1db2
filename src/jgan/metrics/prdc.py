"""Precision, recall, density and coverage: fidelity and variety of fake images told apart, by nearest neighbours in feature space."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class PRDC(NamedTuple):
    """Precision and density speak of fidelity, recall and coverage of variety; all are best at 1 (density may exceed it)."""

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(real_features, fake_features, k: int = 5, block: int = 1024) -> PRDC:
    """Precision, recall, density, coverage of fake features [M, F] against real features [N, F].

    With the ball around each sample that just fails to hold its k-th neighbour of the same set:
    precision is the share of fakes in the ball of any real, recall the share of reals in the ball of any fake (Kynkäänniemi et al. 2019,
    https://arxiv.org/abs/1904.06991); density is the mean over fakes of (number of real balls that hold it) / k, coverage the share of
    reals whose ball holds a fake (Naeem et al. 2020, https://arxiv.org/abs/2002.09797).

    Distances are float64 and never held for more than `block` rows at a time. Raises ValueError if the features are not [N, F] and
    [M, F] and finite, or if a set has not more than k samples.

    >>> real = np.arange(8.0)[:, None]
    >>> fake = 3.25 + 0.01 * real  # close to a few reals, far from most
    >>> prdc(real, fake, k=2)
    PRDC(precision=1.0, recall=0.0, density=1.0, coverage=0.25)
    """
    real, fake = _checked(real_features, fake_features, k)
    real_radii, fake_radii = _radii(real, k, block), _radii(fake, k, block)
    balls = np.zeros(len(fake), dtype=np.int64)  # how many real balls hold each fake
    recalled, covered = np.zeros(len(real), dtype=bool), np.zeros(len(real), dtype=bool)
    for rows, distances in _distances(real, fake, block):
        in_real_ball = distances < real_radii[rows][:, None]
        balls += in_real_ball.sum(axis=0)
        covered[rows] = in_real_ball.any(axis=1)
        recalled[rows] = (distances < fake_radii[None]).any(axis=1)
    return PRDC(float((balls > 0).mean()), float(recalled.mean()), float(balls.mean() / k), float(covered.mean()))


def _checked(real_features, fake_features, k: int) -> tuple[np.ndarray, np.ndarray]:
    real, fake = (np.asarray(features, dtype=np.float64) for features in (real_features, fake_features))
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1]:
        raise ValueError(f"expected features [N, F] and [M, F], found shapes {real.shape} and {fake.shape}")
    if not (np.isfinite(real).all() and np.isfinite(fake).all()):
        raise ValueError("expected finite features, found NaN or infinity: check the images")
    if k < 1 or min(len(real), len(fake)) <= k:
        raise ValueError(f"expected more than k = {k} >= 1 samples in each set, found {len(real)} and {len(fake)}: lower k or add samples")
    return real, fake


def _distances(a: np.ndarray, b: np.ndarray, block: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Squared distances from a few rows of `a` at a time to all of `b`."""
    norms = np.sum(b**2, axis=1)
    for start in range(0, len(a), block):
        rows = slice(start, start + block)
        yield rows, np.maximum(np.sum(a[rows] ** 2, axis=1)[:, None] + norms[None] - 2.0 * a[rows] @ b.T, 0.0)


def _radii(features: np.ndarray, k: int, block: int) -> np.ndarray:
    """Squared distance of each sample to its k-th nearest neighbour in its own set (place 0 is the sample itself)."""
    return np.concatenate([np.partition(distances, k, axis=1)[:, k] for _, distances in _distances(features, features, block)])
