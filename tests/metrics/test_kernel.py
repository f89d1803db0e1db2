from pathlib import Path

import numpy as np
import pytest

from jgan.metrics.kernel import kernel_distance, kernel_distance_subsets

PARITY = Path(__file__).parents[2] / ".." / "shared" / "parity" / "metrics.npz"


@pytest.mark.parametrize("block", [1024, 37])
def test_reference_value(block):
    if not PARITY.exists():
        pytest.skip(f"the parity vectors are not at {PARITY}")
    parity = np.load(PARITY)
    distance = kernel_distance(parity["features.a"], parity["features.b"][:400], block=block)
    assert distance == pytest.approx(float(parity["kid_full_set_first400_of_b"]), rel=1e-5)


def test_unbiased_for_sets_of_one_distribution():
    generator = np.random.default_rng(0)
    distances = [kernel_distance(*generator.normal(size=(2, 10, 4))) for _ in range(400)]
    assert abs(np.mean(distances)) < 3 * np.std(distances) / np.sqrt(len(distances))
    assert min(distances) < 0


def test_subsets_estimate_the_whole():
    generator = np.random.default_rng(0)
    real, fake = generator.normal(size=(300, 4)), generator.normal(size=(250, 4)) + 0.3
    mean, deviation = kernel_distance_subsets(real, fake, subsets=60, size=40)
    whole = kernel_distance(real, fake)
    assert abs(mean - whole) < 3 * deviation / np.sqrt(60) and deviation > 0
    assert kernel_distance_subsets(real, fake, 5, 40) == kernel_distance_subsets(real, fake, 5, 40)
    assert kernel_distance_subsets(real, fake, 5, 40) != kernel_distance_subsets(real, fake, 5, 40, seed=1)


@pytest.mark.parametrize("subsets", [3, 60])  # subset by subset, and all pairs at once
def test_subsets_are_those_drawn_one_after_another(subsets):
    generator = np.random.default_rng(0)
    real, fake = (generator.normal(size=(n, 4)) + 2.0 for n in (90, 70))
    draw = np.random.default_rng(5)
    pairs = [[draw.choice(n, 20, replace=False) for n in (90, 70)] for _ in range(subsets)]
    distances = [kernel_distance(real[i], fake[j]) for i, j in pairs]
    found = kernel_distance_subsets(real, fake, subsets, 20, seed=5, block=32)
    np.testing.assert_allclose(found, (np.mean(distances), np.std(distances)), rtol=1e-6)


def test_a_subset_of_everything_is_everything():
    real, fake = np.random.default_rng(0).normal(size=(2, 30, 4))
    mean, deviation = kernel_distance_subsets(real, fake, subsets=3, size=30)
    assert mean == pytest.approx(kernel_distance(real, fake)) and deviation == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("size", "subsets", "message"),
    [(1000, 100, "at least 1000 samples in each set.*30 real and 20 fake"), (1, 100, "subsets of 2 or more"), (10, 0, "0 subsets")],
)
def test_subsets_that_cannot_be_drawn(size, subsets, message):
    with pytest.raises(ValueError, match=message):
        kernel_distance_subsets(np.zeros((30, 2)), np.zeros((20, 2)), subsets, size)


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (np.zeros((4, 2)), np.zeros((4, 3)), "found shapes"),
        (np.zeros((4, 2)), np.zeros((1, 2)), "at least 2"),
        (np.zeros((4, 2)), np.full((4, 2), np.inf), "infinity"),
    ],
)
def test_what_cannot_be_measured_is_refused(real, fake, message):
    with pytest.raises(ValueError, match=message):
        kernel_distance(real, fake)
