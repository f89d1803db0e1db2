"""Directions in the space of styles, along which images change in one way: unit vectors [style_size]."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SHARE = 0.02  # of the styles that are taken at either end
HELD_OUT = 0.3  # of these
LEAST = 5  # styles at either end


class Separation(NamedTuple):
    """A direction that tells two kinds of styles apart."""

    direction: np.ndarray  # [style_size], of length 1, towards the higher scores
    accuracy: float  # share of held-out styles that lie on the right side


def separation(styles: np.ndarray, scores: np.ndarray, *, share: float = SHARE, seed: int = 0) -> Separation:
    """Finds the direction along which a score of images grows: the normal of the plane that separates styles of high and low scores.

    Source: Shen, Gu, Tang, Zhou 2019, "Interpreting the Latent Space of GANs", section 3 (https://arxiv.org/abs/1907.10786). Of the `share`
    of the styles with the highest scores and as many with the lowest, 70 % are separated by a support vector machine and 30 % measure it.

    Args:
      styles: w [N, style_size].
      scores: of the images of these styles [N].
      share: of the styles that are taken at either end, 5 at least.
      seed: says which of them are held out.

    Raises:
      ValueError: for fewer than 10 styles, or scores that are all equal.

    >>> styles = np.random.default_rng(0).normal(size=(1000, 4))
    >>> separation(styles, styles @ np.asarray([0, 1, 0, 0])).direction.round(1).tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    if len(styles) < 2 * LEAST or np.ptp(scores) == 0:
        raise ValueError(f"expected {2 * LEAST} styles or more of different scores, found {len(styles)}, {len(np.unique(scores))} scores")
    count = min(len(styles) // 2, max(LEAST, round(share * len(styles))))
    order = np.argsort(scores, kind="stable")
    chosen = np.concatenate([order[:count], order[-count:]])
    x, positive = np.asarray(styles, np.float64)[chosen], np.arange(2 * count) >= count
    unseen = np.random.default_rng(seed).permutation(2 * count) < max(1, round(HELD_OUT * 2 * count))
    normal, offset = linear_svm(x[~unseen], positive[~unseen])
    accuracy = np.mean((x[unseen] @ normal + offset > 0) == positive[unseen])
    return Separation(_unit(normal).astype(np.float32), float(accuracy))


def linear_svm(x: np.ndarray, positive: np.ndarray, *, penalty: float = 0.01, steps: int = 50) -> tuple[np.ndarray, float]:
    """Separates two classes by the plane x . normal + offset = 0 of a support vector machine.

    It minimises penalty / 2 |normal|^2 + mean(max(0, 1 - y (x . normal + offset))^2) / 2, y = 1 of the positive and -1 of the others, with
    x scaled to unit variance, by Newton steps on the examples within the margin (Keerthi and DeCoste 2005,
    https://jmlr.org/papers/v6/keerthi05a.html).

    Args:
      x: [N, D].
      positive: bool [N].
      penalty: weight of the length.
      steps: at most.

    Returns:
      The normal [D] and the offset.
    """
    scale, y = max(float(np.std(x)), 1e-12), np.where(positive, 1.0, -1.0)
    rows = np.concatenate([x / scale, np.ones((len(x), 1))], axis=1)
    ridge = np.diag(np.append(np.full(x.shape[1], penalty), 1e-9)) * len(x)
    within, solution = np.ones(len(x), bool), np.zeros(rows.shape[1])
    for _ in range(steps):
        some = rows[within]
        solution = np.linalg.solve(some.T @ some + ridge, some.T @ y[within])
        before, within = within, y * (rows @ solution) < 1
        if np.array_equal(before, within):
            break
    return solution[:-1] / scale, float(solution[-1])


def apart_from(direction: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the part of a direction that is orthogonal to others [K, style_size], at length 1: what they stand for is kept.

    Source: Shen et al. 2019, section 2.3, "conditional manipulation": n1 - (n1 . n2) n2.

    Raises:
      ValueError: if the direction lies in their span.

    >>> apart_from(np.asarray([0.6, 0.8]), np.asarray([[1.0, 0.0]])).tolist()
    [0.0, 1.0]
    """
    basis, _ = np.linalg.qr(np.asarray(others, np.float64).T)
    rest = direction - basis @ (basis.T @ direction)
    if np.linalg.norm(rest) < 1e-6 * np.linalg.norm(direction):
        raise ValueError("expected a direction that is none of those to keep, nor made of them; leave that one out")
    return _unit(rest).astype(direction.dtype)


def factorized(kernels: Sequence[np.ndarray], count: int) -> np.ndarray:
    """Finds the directions that change the input of a generator's layers most, from its weights alone.

    Source: Shen and Zhou 2020, "Closed-Form Factorization of Latent Semantics in GANs" (https://arxiv.org/abs/2007.06600): eigenvectors of
    A^T A by falling eigenvalue, A the weights by which styles become the scales of channels; every row of A is scaled to length 1.

    Args:
      kernels: [style_size, C] of each layer.
      count: of directions; at most style_size.

    Returns:
      [count, style_size], signed such that the largest entry of each is positive.

    >>> factorized([np.asarray([[2.0, 0.0, 1.0], [0.0, 1.0, 0.0]])], 2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    columns = np.concatenate([np.asarray(kernel, np.float64) for kernel in kernels], axis=1)
    columns = columns / np.maximum(np.linalg.norm(columns, axis=0), 1e-12)
    return _leading(columns @ columns.T, count)


def principal(styles: np.ndarray, count: int) -> np.ndarray:
    """Finds the directions along which styles w [N, style_size] vary most: [count, style_size], signed as of `factorized`.

    Source: Härkönen, Hertzmann, Lehtinen, Paris 2020, "GANSpace" (https://arxiv.org/abs/2004.02546): principal components of w.
    """
    centred = np.asarray(styles, np.float64) - np.mean(styles, axis=0, dtype=np.float64)
    return _leading(centred.T @ centred, count)


def at_random(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Draws directions uniformly, [count, size]: what others are compared with."""
    return np.stack([_unit(row) for row in np.random.default_rng(seed).normal(size=(count, size))]).astype(np.float32)


def sigma(styles: np.ndarray, direction: np.ndarray) -> float:
    """Computes the standard deviation of styles [N, style_size] along a direction, the unit of steps along it."""
    return float(np.std(np.asarray(styles, np.float64) @ direction))


def _leading(symmetric, count):
    """The eigenvectors of the largest eigenvalues, as rows."""
    _, vectors = np.linalg.eigh(symmetric)
    rows = vectors.T[::-1][:count]
    largest = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
    return (rows * np.sign(largest)).astype(np.float32)


def _unit(vector):
    return vector / np.linalg.norm(vector)
