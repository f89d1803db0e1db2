"""Agreement of two orders."""

import numpy as np


def spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Computes Spearman's rank correlation along the last axis, in [-1, 1]: the correlation of ranks, equal values sharing their mean rank.

    0 where all values of either are equal. Source: Spearman 1904, https://doi.org/10.2307/1412159.

    Args:
      a, b: [..., N], of shapes that broadcast against each other.

    >>> spearman(np.asarray([1, 2, 3]), np.asarray([[2.0, 30.0, 400.0], [3.0, 2.0, 1.0], [5.0, 5.0, 5.0]])).tolist()
    [1.0, -1.0, 0.0]
    """
    a, b = (ranks - ranks.mean(axis=-1, keepdims=True) for ranks in (_ranks(a), _ranks(b)))
    both, scale = np.sum(a * b, axis=-1), np.sqrt(np.sum(a * a, axis=-1) * np.sum(b * b, axis=-1))
    return np.divide(both, scale, out=np.zeros(both.shape), where=scale > 0)


def _ranks(values):
    """Ranks from 0; equal values share the mean of theirs."""
    x = np.asarray(values)
    smaller = (x[..., None, :] < x[..., :, None]).sum(axis=-1)
    not_larger = (x[..., None, :] <= x[..., :, None]).sum(axis=-1)
    return (smaller + not_larger - 1) / 2
