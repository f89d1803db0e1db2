from pathlib import Path

import numpy as np
import pytest

from jgan.metrics.kernel import kernel_distance

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
