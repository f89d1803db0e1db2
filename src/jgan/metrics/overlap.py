"""How well areas cover each other."""

import numpy as np


def dice(predicted, truth) -> np.ndarray:
    """Computes Dice's coefficient 2 |A and B| / (|A| + |B|) of masks, [N]: 1 where they agree, also on nothing, 0 where they do not touch.

    Source: Dice 1945, https://doi.org/10.2307/1932409.

    Args:
      predicted, truth: bool [N, ...].

    Raises:
      ValueError: unless both are bool and of one shape.

    >>> dice([[True, True, False], [False, False, False]], [[True, False, False], [False, False, False]]).round(3).tolist()
    [0.667, 1.0]
    """
    predicted, truth = np.asarray(predicted), np.asarray(truth)
    if predicted.shape != truth.shape or predicted.ndim < 1 or predicted.dtype != bool or truth.dtype != bool:
        found = f"{predicted.dtype} {predicted.shape} and {truth.dtype} {truth.shape}"
        raise ValueError(f"expected masks as bool [N, ...] of one shape, found {found}; compare them with a threshold")
    axes = tuple(range(1, truth.ndim))
    common, areas = (predicted & truth).sum(axis=axes), predicted.sum(axis=axes) + truth.sum(axis=axes)
    return np.where(areas > 0, 2 * common / np.maximum(areas, 1), 1.0)
