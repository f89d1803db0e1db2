"""Fréchet distance between two sets of features, from moments gathered batch by batch in float64 on the host.

The number means nothing without the feature space it was taken in: with Inception's 2048 pool features it is the FID, with any other
features it is a Fréchet distance in those features and is to be named after them.
"""

import warnings
from typing import NamedTuple

import numpy as np


class Moments(NamedTuple):
    """Count, mean and scatter (sum of outer products of deviations from the mean) of the features seen so far."""

    count: int
    mean: np.ndarray  # float64 [F]
    scatter: np.ndarray  # float64 [F, F]


def empty(size: int) -> Moments:
    """Computes moments of no features at all, of dimension `size`.

    >>> empty(3).mean.shape
    (3,)
    """
    return Moments(0, np.zeros(size), np.zeros((size, size)))


def update(moments: Moments, features) -> Moments:
    """Computes moments after a batch of features [N, F] more; N may differ from call to call.

    Raises ValueError if the features are not [N, F] with the F of the moments, or not all finite.

    >>> float(update(empty(1), np.array([[1.0], [3.0]])).mean[0])
    2.0
    """
    features = _checked(features, moments.mean.size)
    if not len(features):
        return moments
    mean = features.mean(axis=0)
    deviations = features - mean[None]
    return merge(moments, Moments(len(features), mean, deviations.T @ deviations))


def merge(a: Moments, b: Moments) -> Moments:
    """Computes moments of the union of two disjoint sets, exact up to rounding, in any order.

    mean = mean_a + d n_b / n,  scatter = scatter_a + scatter_b + d d^T n_a n_b / n,  with d = mean_b - mean_a and n = n_a + n_b
    (Chan, Golub, LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances",
    http://i.stanford.edu/pub/cstr/reports/cs/tr/79/773/CS-TR-79-773.pdf).

    Raises ValueError if the two have features of different dimensions.
    """
    _check_sizes(a, b)
    count = a.count + b.count
    if not count:
        return a
    shift = b.mean - a.mean
    mean = a.mean + shift * (b.count / count)
    return Moments(count, mean, a.scatter + b.scatter + np.outer(shift, shift) * (a.count * b.count / count))


def covariance(moments: Moments) -> np.ndarray:
    """Computes the unbiased covariance [F, F] (divisor count - 1). Raises ValueError below two samples."""
    if moments.count < 2:
        raise ValueError(f"a covariance needs at least 2 samples, found {moments.count}: feed more features to update()")
    return moments.scatter / (moments.count - 1)


def frechet_distance(a: Moments, b: Moments) -> float:
    """Computes the Fréchet distance between the Gaussians that two sets of moments describe.

    |mean_a - mean_b|^2 + tr(A) + tr(B) - 2 tr((A^1/2 B A^1/2)^1/2)   with covariances A and B
    (Dowson, Landau 1982, https://doi.org/10.1016/0047-259X(82)90077-X; on features of generated images Heusel et al. 2017,
    https://arxiv.org/abs/1706.08500). With any factors A = P P^T and B = Q Q^T the last trace is the sum of the singular values of P^T Q:
    with Cholesky's that takes one eigenvalue problem. Covariances without full rank have factors with as few columns as their rank, so
    that no square root of a rounding error enters.

    Warns (UserWarning) where a set has no more samples than dimensions: the distance of a covariance estimated that poorly is biased
    upwards. Raises ValueError if the dimensions differ or a set has fewer than two samples.

    >>> points = np.array([[-1.0], [0.0], [1.0]])
    >>> frechet_distance(update(empty(1), points), update(empty(1), points + 3.0))
    9.0
    """
    _check_sizes(a, b)
    cov_a, cov_b = covariance(a), covariance(b)
    _warn_if_few(a, b)
    product = _factor(cov_a, a.count).T @ _factor(cov_b, b.count)
    product = product if len(product) <= product.shape[1] else product.T
    trace_of_root = np.sqrt(np.maximum(np.linalg.eigvalsh(product @ product.T), 0.0)).sum()
    distance = np.sum((a.mean - b.mean) ** 2) + np.trace(cov_a) + np.trace(cov_b) - 2.0 * trace_of_root
    return max(float(distance), 0.0)


def frechet(real_features, fake_features) -> float:
    """Computes the Fréchet distance between real features [N, F] and fake features [M, F], all at once: see `frechet_distance`.

    >>> round(frechet(np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])), 9)
    1.0
    """
    size = np.shape(real_features)[-1] if np.ndim(real_features) else 0
    return frechet_distance(update(empty(size), real_features), update(empty(size), fake_features))


def _checked(features, size: int) -> np.ndarray:
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or features.shape[1] != size:
        raise ValueError(f"expected features [N, {size}], found shape {features.shape}: reshape them, or start from empty(F)")
    bad = int(np.count_nonzero(~np.isfinite(features).all(axis=1)))
    if bad:
        raise ValueError(f"expected finite features, found NaN or infinity in {bad} of {len(features)} samples: check the images")
    return features


def _check_sizes(a: Moments, b: Moments) -> None:
    if a.mean.shape != b.mean.shape:
        raise ValueError(f"expected features of one dimension, found {a.mean.size} and {b.mean.size}: use one feature network for both")


def _warn_if_few(a: Moments, b: Moments) -> None:
    count, size = min(a.count, b.count), a.mean.size
    if count <= size:
        message = f"{count} samples for {size} features: the covariance lacks full rank; {size + 1} samples or more would do"
        warnings.warn(message, UserWarning, stacklevel=3)


def _factor(matrix: np.ndarray, count: int) -> np.ndarray:
    """P [F, R] with P P^T = matrix, a covariance of `count` samples. Its rank is below it: eigenvalues beyond are rounding."""
    if count > len(matrix):
        try:
            return np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:  # say a feature that never varies
            pass
    values, vectors = np.linalg.eigh(matrix)
    kept = slice(-min(count - 1, len(matrix)), None)
    return vectors[:, kept] * np.sqrt(np.maximum(values[kept], 0.0))[None]
