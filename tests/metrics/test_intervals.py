import numpy as np
import pytest

from jgan.metrics.intervals import bootstrap_interval, wilson


def test_many_values_have_the_interval_of_normal_ones():
    values = 3.0 + np.random.default_rng(0).normal(size=400)
    half = 1.96 * values.std() / 20
    np.testing.assert_allclose(bootstrap_interval(values), [values.mean() - half, values.mean() + half], atol=0.01)


def test_samples_are_the_same_however_many_are_drawn_at_once(monkeypatch):
    values = np.random.default_rng(0).normal(size=33)
    whole = bootstrap_interval(values, draws=100)
    monkeypatch.setattr("jgan.metrics.intervals.HELD", 7 * 33)
    assert bootstrap_interval(values, draws=100) == whole


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


INTERVALS = [(0, 8, 0.0, 0.324), (8, 8, 0.676, 1.0), (8, 10, 0.490, 0.943), (50, 100, 0.404, 0.596)]


@pytest.mark.parametrize("successes, trials, low, high", INTERVALS)
def test_intervals_of_success_rates(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=6e-4)


@pytest.mark.parametrize("successes, trials", [(-1, 3), (4, 3), (0, 0)])
def test_no_such_rate(successes, trials):
    with pytest.raises(ValueError, match="expected 0 <= successes <= trials"):
        wilson(successes, trials)
