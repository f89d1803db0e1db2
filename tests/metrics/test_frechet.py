from pathlib import Path

import numpy as np
import pytest

from jgan.metrics.frechet import covariance, empty, frechet, frechet_distance, merge, update

PARITY = Path(__file__).parents[2] / ".." / "shared" / "parity" / "metrics.npz"


@pytest.fixture(scope="module")
def parity():
    if not PARITY.exists():
        pytest.skip(f"the parity vectors are not at {PARITY}")
    return np.load(PARITY)


def moments_of(features):
    return update(empty(features.shape[1]), features)


def test_reference_distance(parity):
    assert frechet(parity["features.a"], parity["features.b"]) == pytest.approx(float(parity["fid"]), rel=1e-4)


def test_reference_distance_without_full_rank(parity):
    with pytest.warns(UserWarning, match="30 samples for 48 features.* 49 samples"):
        distance = frechet(parity["features.a"][:30], parity["features.b"])
    assert distance == pytest.approx(float(parity["fid_rank_deficient_first30_of_a_vs_b"]), rel=1e-4)


def crosses(scales, centre):
    """Points whose mean is `centre` and whose covariance is exactly diag(scales^2)."""
    size = len(scales)
    arms = np.diag(np.asarray(scales) * np.sqrt((2 * size - 1) / 2.0))
    return np.concatenate([arms, -arms]) + np.asarray(centre)[None]


@pytest.mark.parametrize(
    ("scales_a", "scales_b", "shift"),
    [([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 0.0), ([1.0, 2.0, 3.0], [2.0, 0.5, 3.0], 1.5), ([1.0, 0.0], [0.0, 1.0], 0.0)],
)
def test_diagonal_gaussians_have_a_closed_form(scales_a, scales_b, shift):
    a, b = crosses(scales_a, np.zeros(len(scales_a))), crosses(scales_b, np.full(len(scales_b), shift))
    expected = len(scales_a) * shift**2 + np.sum((np.array(scales_a) - np.array(scales_b)) ** 2)
    assert frechet(a, b) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("samples", "dead", "tolerance"), [(200, 0, 1e-9), (200, 2, 1e-7), (5, 0, 1e-7)])
@pytest.mark.filterwarnings("ignore:5 samples for 8 features")
def test_gaussians_moved_by_a_linear_map_have_a_closed_form(samples, dead, tolerance):
    """x -> T x with T symmetric and positive moves a Gaussian of covariance A optimally: the distance is tr((T - I) A (T - I))."""
    generator = np.random.default_rng(0)
    a = generator.normal(size=(samples, 8)) @ generator.normal(size=(8, 8))
    a[:, :dead] = 0.5  # features that never vary: no Cholesky factor
    half = generator.normal(size=(8, 8)) / 4
    mapping = np.eye(8) + half @ half.T
    move = mapping - np.eye(8)
    centred = a - a.mean(axis=0, keepdims=True)
    expected = np.trace(move @ np.cov(a, rowvar=False) @ move)
    # Of a singular covariance the roots of zeros count, which are as large as the root of their rounding.
    assert frechet(centred, centred @ mapping) == pytest.approx(expected, rel=tolerance)
    assert frechet(centred @ mapping, centred) == pytest.approx(expected, rel=tolerance)


def test_distance_to_itself_is_zero_and_order_does_not_matter():
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(50, 6)), generator.normal(size=(60, 6)) @ generator.normal(size=(6, 6)) + 1.0
    assert frechet(a, a) == pytest.approx(0.0, abs=1e-10)
    assert frechet(a, b) == pytest.approx(frechet(b, a), rel=1e-10)


def test_streamed_and_merged_moments_equal_those_of_the_whole():
    features = (1e4 + np.random.default_rng(0).normal(size=(101, 5))).astype(np.float32)
    streamed = empty(5)
    for start, stop in [(0, 1), (1, 1), (1, 40), (40, 101)]:
        streamed = update(streamed, features[start:stop])
    merged = merge(merge(empty(5), moments_of(features[60:])), merge(moments_of(features[:60]), empty(5)))
    for moments in (streamed, merged):
        assert moments.count == 101
        np.testing.assert_allclose(moments.mean, features.astype(np.float64).mean(axis=0), rtol=1e-14)
        np.testing.assert_allclose(covariance(moments), np.cov(features.astype(np.float64), rowvar=False), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: update(empty(2), np.array([[1.0, np.nan], [0.0, 1.0]])), "in 1 of 2 samples"),
        (lambda: update(empty(2), np.array([[np.inf, 0.0]])), "NaN or infinity"),
        (lambda: update(empty(3), np.zeros((4, 2))), r"\[N, 3\], found shape \(4, 2\)"),
        (lambda: update(empty(3), np.zeros(3)), r"found shape \(3,\)"),
        (lambda: frechet(np.float32(1.0), np.zeros((4, 2))), r"found shape \(\)"),
        (lambda: merge(moments_of(np.zeros((4, 2))), moments_of(np.zeros((4, 3)))), "found 2 and 3"),
        (lambda: frechet_distance(moments_of(np.zeros((4, 2))), moments_of(np.zeros((4, 3)))), "found 2 and 3"),
        (lambda: frechet(np.zeros((1, 1)), np.zeros((4, 1))), "at least 2 samples, found 1"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
