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


def by_brute_force(real, fake, k):
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    between, within_real, within_fake = (np.square(a[:, None] - b[None]).sum(axis=2) for a, b in ((real, fake), (real, real), (fake, fake)))
    in_real = between < np.sort(within_real, axis=1)[:, k][:, None]
    in_fake = between < np.sort(within_fake, axis=1)[:, k][None]
    return PRDC(in_real.any(axis=0).mean(), in_fake.any(axis=1).mean(), in_real.sum(axis=0).mean() / k, in_real.any(axis=1).mean())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("centre", "spread"), [(0.0, 1.0), (1000.0, 1.0), (100.0, 1e-3)])
def test_equal_to_brute_force_where_float32_is_not_enough(dtype, centre, spread):
    generator = np.random.default_rng(0)
    modes = centre * generator.normal(size=(4, 16))
    real, fake = ((modes[np.arange(n) % 4] + spread * generator.normal(size=(n, 16))).astype(dtype) for n in (130, 110))
    np.testing.assert_allclose(prdc(real, fake, k=3, block=64), by_brute_force(real, fake, 3), rtol=1e-12)


def test_a_set_against_itself_is_all_ties(two_modes):
    """Each ball holds k samples of the set, its own centre among them, and its k-th neighbour lies on the rim, outside."""
    assert prdc(two_modes, two_modes[::-1]) == PRDC(1.0, 1.0, 1.0, 1.0)


def test_a_generator_that_makes_one_image(two_modes):
    values = prdc(two_modes, np.repeat(two_modes[:1], 50, axis=0))
    assert values.precision == 1.0 and values.recall == 0.0 and values.coverage < 0.1


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
