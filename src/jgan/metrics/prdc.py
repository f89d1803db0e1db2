"""Precision, recall, density and coverage: fidelity and variety of fake images told apart, by nearest neighbours in feature space."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.metrics.neighbours import Points, bounded_squares, centre_of, checked, exact_squares, nearest_squares, place, rows_of


class PRDC(NamedTuple):
    """Precision and density speak of fidelity, recall and coverage of variety; all are best at 1 (density may exceed it)."""

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(real_features, fake_features, k: int = 5, block: int = 1024) -> PRDC:
    """Computes precision, recall, density, coverage of fake features [M, F] against real features [N, F].

    With the ball around each sample that just fails to hold its k-th neighbour of the same set:
    precision is the share of fakes in the ball of any real, recall the share of reals in the ball of any fake (Kynkäänniemi et al. 2019,
    https://arxiv.org/abs/1904.06991); density is the mean over fakes of (number of real balls that hold it) / k, coverage the share of
    reals whose ball holds a fake (Naeem et al. 2020, https://arxiv.org/abs/2002.09797).

    Distances are float32 on the device, `block` rows at a time; what such a distance cannot decide for sure is decided in float64 from
    the differences of the features, so that the counts are those of float64 throughout, ties included (see `jgan.metrics.neighbours`).

    Raises ValueError if the features are not [N, F] and [M, F] and finite, or if a set has not more than k samples.

    >>> real = np.arange(8.0)[:, None]
    >>> fake = 3.25 + 0.01 * real  # close to a few reals, far from most
    >>> prdc(real, fake, k=2)
    PRDC(precision=1.0, recall=0.0, density=1.0, coverage=0.25)
    """
    real, fake = checked(real_features, fake_features)
    if k < 1 or min(len(real), len(fake)) <= k:
        raise ValueError(f"expected more than k = {k} >= 1 samples in each set, found {len(real)} and {len(fake)}: lower k or add samples")
    centre = centre_of(real)
    real, fake = place(real, centre), place(fake, centre)
    real_radii, fake_radii = _radii(real, k, block), _radii(fake, k, block)
    found = [_of_rows(rows_of(real, s), fake, real_radii[s], fake_radii) for s in _slices(len(real_radii), block)]
    balls = sum(some for some, _, _ in found)  # how many real balls hold each fake
    covered, recalled = (np.concatenate(parts) for parts in list(zip(*found, strict=True))[1:])
    return PRDC(float((balls > 0).mean()), float(recalled.mean()), float(balls.mean() / k), float(covered.mean()))


def _radii(own: Points, k: int, block: int) -> np.ndarray:
    """Squared distance of each sample to its k-th nearest neighbour in its own set (place 0 is the sample itself)."""
    return nearest_squares(own, own, k + 1, block)[1][:, k]


def _slices(count: int, block: int) -> list[slice]:
    return [slice(start, start + block) for start in range(0, count, block)]


def _of_rows(real: Points, fake: Points, real_radii: np.ndarray, fake_radii: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of some of the reals: how many of their balls hold each fake, which of the balls hold any, which of the reals are in a fake ball."""
    sure = _sure(real.placed, fake.placed, real_radii.astype(np.float32), fake_radii.astype(np.float32))
    balls, covered, recalled, doubt = map(np.array, sure)
    i, j = np.nonzero(doubt)
    squares = exact_squares(real.exact, i, fake.exact, j)
    in_real_ball = squares < real_radii[i]
    np.add.at(balls, j, in_real_ball)
    covered[i[in_real_ball]] = True
    recalled[i[squares < fake_radii[j]]] = True
    return balls, covered, recalled


@jax.jit
def _sure(real, fake, real_radii, fake_radii):
    """What float32 decides, and the pairs [A, M] that it leaves open."""
    squares, margins = bounded_squares(real, fake)
    to_real, to_fake = squares - real_radii[:, None], squares - fake_radii[None]
    doubt = (jnp.abs(to_real) <= margins) | (jnp.abs(to_fake) <= margins)
    in_real_ball, in_fake_ball = (to_real < 0.0) & ~doubt, (to_fake < 0.0) & ~doubt
    return in_real_ball.sum(axis=0, dtype=jnp.int32), in_real_ball.any(axis=1), in_fake_ball.any(axis=1), doubt
