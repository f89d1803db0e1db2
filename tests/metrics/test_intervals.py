import numpy as np
import pytest

from jgan.metrics.intervals import bootstrap_interval


def test_many_values_have_the_interval_of_normal_ones():
    values = 3.0 + np.random.default_rng(0).normal(size=400)
    half = 1.96 * values.std() / 20
    np.testing.assert_allclose(bootstrap_interval(values), [values.mean() - half, values.mean() + half], atol=0.01)


def test_a_higher_level_is_wider():
    narrow, wide = (bootstrap_interval(np.arange(10.0), level) for level in (0.5, 0.99))
    assert wide[0] < narrow[0] < 4.5 < narrow[1] < wide[1]


def test_equal_values_have_no_width():
    assert bootstrap_interval([0.25] * 5) == (0.25, 0.25)


@pytest.mark.parametrize("values", [[1.0], [[1.0, 2.0]], [1.0, np.nan]])
def test_too_little_to_tell(values):
    with pytest.raises(ValueError, match="expected at least 2 finite numbers"):
        bootstrap_interval(values)


def test_no_such_level():
    with pytest.raises(ValueError, match="between 0 and 1, found 95"):
        bootstrap_interval([1.0, 2.0], 95)
