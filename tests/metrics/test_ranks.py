import numpy as np
import pytest

from jgan.metrics.ranks import spearman


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1, 2, 3, 4], [1, 2, 4, 3], 0.8),  # 1 - 6 sum(d^2) / (n (n^2 - 1))
        ([1, 2, 3, 4, 5], [5, 6, 7, 8, 7], 0.8207826816681233),  # with equal values
        ([0, 0, 0], [1, 2, 3], 0.0),
        ([1, 2], [-np.inf, np.inf], 1.0),
    ],
)
def test_against_known_values(a, b, expected):
    found = spearman(np.asarray(a), np.asarray(b))
    assert found == pytest.approx(expected) == spearman(np.asarray(b), np.asarray(a))
