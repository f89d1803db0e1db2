"""Nearest neighbours in feature space: found in float32 on the device, decided in float64 on the host.

Distances of all pairs come from one matrix product per block of rows, |x|^2 + |y|^2 - 2 x.y, which is fast but rounds. The rounding is
bounded: an inner product of F float32 numbers is off by at most F u |x| |y| with u = 2^-24 (Higham 2002, "Accuracy and stability of
numerical algorithms", section 3.1, https://doi.org/10.1137/1.9780898718027), and features are centred first, which changes no distance
and keeps the norms small. Whatever lies closer than the bound to being decided otherwise is computed again from the differences.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.types import Array

SPARE = 8  # candidates beyond the k nearest, so that rounding seldom leaves a doubt
PAIRS = 64  # exact distances at a time: few enough for their features to stay in the processor's cache
ROWS = 4096  # features at a time where all of them are turned to float64


class Points(NamedTuple):
    """Features in both forms."""

    exact: np.ndarray  # [N, F] as given, on the host
    placed: tuple[Array, Array]  # on the device, in float32: [N, F] centred, and [N] the squared lengths of those


def nearest(real_features, fake_features, k: int = 1, block: int = 1024) -> tuple[np.ndarray, np.ndarray]:
    """Returns the k nearest real features [N, F] of each fake feature [M, F]: what a generator that memorises would have copied.

    Returns (indices [M, k] into the reals, Euclidean distances [M, k] in float64), nearest first. Memory: the features, a float32 copy of
    them on the device, and one block of `block` x N distances.

    Raises ValueError if the features are not [N, F] and [M, F] and finite, or N is below k.

    >>> indices, distances = nearest(np.array([[0.0], [5.0], [9.0]]), np.array([[6.0], [1.0]]), k=2)
    >>> indices.tolist(), distances.tolist()
    ([[1, 2], [0, 1]], [[1.0, 3.0], [1.0, 4.0]])
    """
    real, fake = checked(real_features, fake_features)
    if not 1 <= k <= len(real):
        raise ValueError(f"expected 1 <= k <= N, found k = {k} and N = {len(real)} real features: lower k or add samples")
    centre = centre_of(real)
    indices, squares = nearest_squares(place(fake, centre), place(real, centre), k, block)
    return indices, np.sqrt(squares)


def checked(real_features, fake_features) -> tuple[np.ndarray, np.ndarray]:
    """Returns both sets of features as float32 or float64 arrays. Raises ValueError if they are not [N, F] and [M, F], not empty, and
    finite.
    """
    real, fake = (np.asarray(features) for features in (real_features, fake_features))
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1] or not (real.size and fake.size):
        raise ValueError(f"expected features [N, F] and [M, F] of one network, found shapes {real.shape} and {fake.shape}")
    for name, features in (("real", real), ("fake", fake)):
        bad = int(np.count_nonzero(~np.isfinite(features).all(axis=1)))
        if bad:
            raise ValueError(f"expected finite features, found NaN or infinity in {bad} of {len(features)} {name} samples: check them")
    return tuple(features.astype(np.result_type(features.dtype, np.float32), copy=False) for features in (real, fake))


def centre_of(features: np.ndarray) -> np.ndarray:
    """Computes the mean [F] in float64."""
    return features.mean(axis=0, dtype=np.float64)


def place(features: np.ndarray, centre: np.ndarray) -> Points:
    """Returns features in both forms, less a centre that all sets that meet must share."""
    centred = np.subtract(features, centre[None], out=np.empty(features.shape, np.float32), casting="same_kind")
    norms = np.concatenate([np.square(rows, dtype=np.float64).sum(axis=1) for rows in np.array_split(centred, 1 + len(centred) // ROWS)])
    return Points(features, (jnp.asarray(centred), jnp.asarray(norms, jnp.float32)))


def rows_of(points: Points, rows: slice) -> Points:
    """Returns some of the points."""
    return Points(points.exact[rows], tuple(array[rows] for array in points.placed))


def bounded_squares(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    """Computes squared distances [A, B] in float32 and how far at most each is from the truth; to be used inside jit."""
    (a, a_norms), (b, b_norms) = a, b
    product = jnp.matmul(a, b.T, precision=jax.lax.Precision.HIGHEST)
    norms = a_norms[:, None] + b_norms[None]
    return norms - 2.0 * product, norms * ((a.shape[1] + 32) * 2.0**-24)


def exact_squares(a: np.ndarray, i: np.ndarray, b: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Computes squared distances [P] in float64 from a[i] to b[j], pair by pair."""
    squares = np.empty(len(i))
    for start in range(0, len(i), PAIRS):
        pairs = slice(start, start + PAIRS)
        difference = a[i[pairs]].astype(np.float64) - b[j[pairs]]
        squares[pairs] = np.einsum("pf,pf->p", difference, difference)
    return squares


def nearest_squares(queries: Points, points: Points, k: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Computes indices [M, k] of the nearest points of each query, and squared distances [M, k] in float64."""
    blocks = [_nearest_of_block(rows_of(queries, slice(s, s + block)), points, k) for s in range(0, len(queries.exact), block)]
    indices, squares = zip(*blocks, strict=True)
    return np.concatenate(indices), np.concatenate(squares)


def _nearest_of_block(queries, points, k):
    count = min(k + SPARE, len(points.exact))
    candidates, bounds = map(np.asarray, _candidates(queries.placed, points.placed, count))
    indices, squares = _sorted(queries.exact, points.exact, candidates, k)
    doubtful = np.flatnonzero(squares[:, -1] > np.maximum(bounds[:, -1], 0.0)) if count < len(points.exact) else np.empty(0, int)
    if len(doubtful):
        rows = queries.exact[doubtful]
        indices[doubtful], squares[doubtful] = _sorted(rows, points.exact, _candidates_in_float64(rows, points.exact, count), k)
    return indices, squares


@functools.partial(jax.jit, static_argnames="count")
def _candidates(queries, points, count):
    """The points that may be nearest, [A, count], and lower bounds of their squared distances; no other point's bound is lower."""
    squares, margins = bounded_squares(queries, points)
    negated, indices = jax.lax.top_k(margins - squares, count)
    return indices, -negated


def _candidates_in_float64(queries, points, count):
    """The same for the few queries with more near ties than float32 can tell apart; here in the order of float64 matrix products."""
    centre = centre_of(queries)
    queries, squares = queries - centre[None], []
    for start in range(0, len(points), ROWS):
        some = points[start : start + ROWS] - centre[None]
        squares.append(np.sum(some**2, axis=1)[None] - 2.0 * queries @ some.T)
    return np.argpartition(np.concatenate(squares, axis=1), count - 1, axis=1)[:, :count]


def _sorted(queries, points, candidates, k):
    """The k nearest among the candidates [A, count] of each query, by their exact distances."""
    candidates = np.sort(candidates, axis=1)  # so of two equally far candidates the earlier comes first
    i = np.repeat(np.arange(len(queries)), candidates.shape[1])
    squares = exact_squares(queries, i, points, candidates.ravel()).reshape(candidates.shape)
    order = np.argsort(squares, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(candidates, order, axis=1), np.take_along_axis(squares, order, axis=1)
