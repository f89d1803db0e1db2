from pathlib import Path

import numpy as np
import pytest

from jgan.metrics.inception_score import inception_score

PARITY = Path(__file__).parents[2] / ".." / "shared" / "parity" / "metrics.npz"


def test_reference_value():
    if not PARITY.exists():
        pytest.skip(f"the parity vectors are not at {PARITY}")
    parity = np.load(PARITY)
    score = inception_score(parity["isc.logits"], splits=5, seed=None)
    np.testing.assert_allclose(score, parity["isc_mean_std_5_splits_no_shuffle"], rtol=1e-5)


@pytest.mark.parametrize(("sharpness", "expected"), [(0.0, 1.0), (1000.0, 5.0)])
def test_extremes(sharpness, expected):
    logits = 7.0 + sharpness * np.eye(5)[np.arange(100) % 5]
    mean, std = inception_score(logits, splits=4, seed=None)
    assert mean == pytest.approx(expected, rel=1e-12) and std == pytest.approx(0.0, abs=1e-12)


def test_one_class_scores_one_however_sure():
    assert inception_score(1000.0 * np.eye(5)[np.zeros(20, int)], splits=2)[0] == pytest.approx(1.0)


def test_log_probabilities_do_as_well():
    logits = np.random.default_rng(0).normal(size=(60, 7))
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert inception_score(logits, splits=3) == pytest.approx(inception_score(log_p, splits=3))


def test_images_in_order_of_class_need_shuffling():
    logits = 100.0 * np.eye(10)[np.arange(200) // 20]
    assert inception_score(logits, splits=10, seed=None)[0] == pytest.approx(1.0)
    assert inception_score(logits, splits=10)[0] > 5.0
    assert inception_score(logits) == inception_score(logits) != inception_score(logits, seed=1)


@pytest.mark.parametrize(
    ("logits", "splits", "message"),
    [
        (np.zeros(9), 1, "expected logits"),
        (np.zeros((9, 2)), 5, r"N at least 10 for 5 splits, found shape \(9, 2\)"),
        (np.full((9, 2), np.nan), 2, "NaN or infinity"),
        (np.log([[1.0, 1e-300], [0.5, 0.5]]) * [[1.0, np.inf], [1.0, 1.0]], 1, "probability of 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(logits, splits, message):
    with pytest.raises(ValueError, match=message):
        inception_score(logits, splits)
