from pathlib import Path

import numpy as np
import pytest

from jgan.metrics.prdc import PRDC, prdc

PARITY = Path(__file__).parents[2] / ".." / "shared" / "parity" / "metrics.npz"


@pytest.mark.parametrize(("k", "block"), [(5, 1024), (5, 37), (3, 100)])
def test_reference_values(k, block):
    if not PARITY.exists():
        pytest.skip(f"the parity vectors are not at {PARITY}")
    parity = np.load(PARITY)
    values = prdc(parity["features.a"], parity["features.b"], k=k, block=block)
    np.testing.assert_allclose(values, parity[f"prdc_k{k}_real_a_fake_b"], rtol=1e-5)


@pytest.fixture
def two_modes():
    generator = np.random.default_rng(0)
    return np.concatenate([generator.normal(size=(100, 3)), generator.normal(size=(100, 3)) + 50.0])


def test_a_lost_mode_costs_coverage_and_recall_only(two_modes):
    values = prdc(two_modes, two_modes[:100] + 0.01)
    assert values.precision > 0.95 and values.density > 0.8
    assert values.recall <= 0.5 and values.coverage <= 0.5


def test_fakes_far_from_all_reals_score_nothing(two_modes):
    assert prdc(two_modes, two_modes + 1000.0) == PRDC(0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("real", "fake", "k", "message"),
    [
        (np.zeros((9, 2)), np.zeros((9, 3)), 2, "found shapes"),
        (np.zeros((9, 2)), np.zeros((2, 2)), 2, "more than k = 2"),
        (np.zeros((9, 2)), np.full((9, 2), np.nan), 2, "NaN"),
    ],
)
def test_what_cannot_be_measured_is_refused(real, fake, k, message):
    with pytest.raises(ValueError, match=message):
        prdc(real, fake, k=k)
