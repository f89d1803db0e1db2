"""Nearest neighbours are those of float64, whatever float32 makes of them."""

import numpy as np
import pytest

from jgan.metrics.neighbours import nearest


def by_brute_force(real, fake, k):
    distances = np.linalg.norm(fake.astype(np.float64)[:, None] - real.astype(np.float64)[None], axis=2)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(distances, order, axis=1)


def clusters(generator, n, size):
    """Points so close together, so far from the mean, that their distances drown in the rounding of float32."""
    centres = 100.0 * generator.normal(size=(3, size))
    return (centres[np.arange(n) % 3] + 1e-3 * generator.normal(size=(n, size))).astype(np.float64)


SETS = {
    "float32": lambda g, n: g.normal(size=(n, 20)).astype(np.float32),
    "far from the origin": lambda g, n: (1000.0 + g.normal(size=(n, 20))).astype(np.float32),
    "near ties": lambda g, n: clusters(g, n, 20),
    "integers, many ties": lambda g, n: g.integers(0, 3, (n, 4)),
    "bytes": lambda g, n: g.integers(0, 256, (n, 12), np.uint8),
    "half precision": lambda g, n: g.normal(size=(n, 8)).astype(np.float16),
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("block", [1024, 32])
def test_equal_to_brute_force(name, block):
    generator = np.random.default_rng(0)
    real, fake = SETS[name](generator, 90), SETS[name](generator, 50)
    indices, distances = nearest(real, fake, k=4, block=block)
    expected = by_brute_force(real, fake, 4)
    np.testing.assert_allclose(distances, expected[1], rtol=1e-12)
    assert indices.shape == distances.shape == (50, 4)
    if "ties" not in name:
        np.testing.assert_array_equal(indices, expected[0])


def test_copies_are_found_at_distance_zero():
    real = np.random.default_rng(0).normal(size=(60, 300)).astype(np.float32)
    order = np.random.default_rng(1).permutation(60)
    indices, distances = nearest(real, real[order])
    np.testing.assert_array_equal(indices[:, 0], order)
    np.testing.assert_array_equal(distances, 0.0)


def test_all_reals_may_be_asked_for():
    indices, _ = nearest(np.arange(5.0)[:, None], np.array([[-1.0]]), k=5)
    assert indices.tolist() == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("real", "fake", "k", "message"),
    [
        (np.zeros((9, 2)), np.zeros((9, 3)), 1, r"found shapes \(9, 2\) and \(9, 3\)"),
        (np.zeros(9), np.zeros((9, 1)), 1, "found shapes"),
        (np.zeros((0, 2)), np.zeros((9, 2)), 1, "found shapes"),
        (np.zeros((9, 2)), np.zeros((9, 2)), 10, "k = 10 and N = 9"),
        (np.zeros((9, 2)), np.zeros((9, 2)), 0, "k = 0"),
        (np.zeros((9, 2)), np.full((9, 2), np.nan), 1, "in 9 of 9 fake samples"),
        (np.array([[np.inf], [0.0]]), np.zeros((9, 1)), 1, "in 1 of 2 real samples"),
    ],
)
def test_what_cannot_be_measured_is_refused(real, fake, k, message):
    with pytest.raises(ValueError, match=message):
        nearest(real, fake, k)
