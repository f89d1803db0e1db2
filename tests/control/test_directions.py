"""Directions are found where they were put."""

import numpy as np
import pytest

from jgan.control import directions

RANDOM = np.random.default_rng(0)
SIZE = 8
AXES = np.eye(SIZE, dtype=np.float32)


def styles(count=2000):
    return RANDOM.normal(size=(count, SIZE)).astype(np.float32) * 3 + 5


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_a_score_is_followed(noise):
    w, truth = styles(), (AXES[0] - 2 * AXES[3]) / np.sqrt(5)
    found = directions.separation(w, w @ truth + noise * RANDOM.normal(size=len(w)))
    assert found.direction @ truth > 0.95 and found.direction.dtype == np.float32 and found.accuracy > 0.9
    np.testing.assert_allclose(np.linalg.norm(found.direction), 1, rtol=1e-6)


def test_a_score_of_nothing_separates_nothing():
    w = styles()
    assert directions.separation(w, RANDOM.normal(size=len(w)), share=0.1).accuracy < 0.75


@pytest.mark.parametrize(("count", "scores"), [(9, np.arange(9.0)), (20, np.zeros(20))])
def test_too_little_to_separate(count, scores):
    with pytest.raises(ValueError, match="expected 10 styles or more of different scores"):
        directions.separation(styles(count), scores)


def test_the_margin_is_largest():
    """Of two points the plane lies in the middle; those beyond the margin have no say."""
    x = np.asarray([[-1.0, 0.0], [1.0, 0.0], [9.0, 7.0], [-9.0, 3.0]])
    normal, offset = directions.linear_svm(x, np.asarray([False, True, True, False]), penalty=1e-4)
    np.testing.assert_allclose(normal / np.linalg.norm(normal), [1, 0], atol=0.02)
    assert abs(offset) < 0.02


def test_apart_from_several():
    found = directions.apart_from((AXES[0] + AXES[1] + AXES[2]) / np.float32(np.sqrt(3)), np.stack([AXES[0], AXES[0] + AXES[1]]))
    np.testing.assert_allclose(found, AXES[2], atol=1e-6)
    with pytest.raises(ValueError, match="none of those to keep"):
        directions.apart_from(AXES[0] + AXES[1], AXES[:2])


def test_weights_are_factorized_by_rows_of_one_length():
    """Three rows read axis 2, two axis 5, one axis 1, whatever their lengths are: a longer row counts no more."""
    kernels = [np.stack([AXES[2], -4 * AXES[2], 100 * AXES[1]], axis=1), np.stack([AXES[2], AXES[5], 0.01 * AXES[5]], axis=1)]
    np.testing.assert_allclose(directions.factorized(kernels, 3), AXES[[2, 5, 1]], atol=1e-6)


def test_principal_components():
    w = styles() * (1 + AXES[4] * 2 + AXES[6])
    np.testing.assert_allclose(np.abs(directions.principal(w, 2)), AXES[[4, 6]], atol=0.1)
    assert (directions.principal(w, 5).max(axis=1) == np.abs(directions.principal(w, 5)).max(axis=1)).all()
    assert directions.sigma(w, AXES[4]) == pytest.approx(9, rel=0.1)


def test_at_random():
    found = directions.at_random(500, SIZE)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    assert np.abs(found.mean(axis=0)).max() < 0.06 and np.ptp(found.std(axis=0)) < 0.06
