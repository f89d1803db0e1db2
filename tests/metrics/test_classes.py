import warnings

import numpy as np
import pytest

from jgan.metrics import classes
from jgan.metrics.frechet import frechet

LOGITS = np.array([[5.0, 0.0, 0.0], [0.0, 0.1, 0.0], [5.0, 0.0, 0.0], [4.0, 0.0, 3.9]])


def test_histogram():
    np.testing.assert_allclose(classes.class_histogram(LOGITS), [0.75, 0.25, 0.0])


@pytest.mark.parametrize(("threshold", "expected"), [(0.0, 2), (0.4, 1), (0.999, 0)])
def test_modes_need_an_image_that_is_sure(threshold, expected):
    assert classes.modes(LOGITS, threshold) == expected


def test_modes_bear_large_logits():
    assert classes.modes(1e6 * np.eye(4), threshold=0.9) == 4


@pytest.mark.parametrize(
    ("real", "fake", "distance", "divergence"),
    [
        ([0.5, 0.5], [0.5, 0.5], 0.0, 0.0),
        ([0.25, 0.75], [0.75, 0.25], 0.5, 0.75 * np.log(3) - 0.25 * np.log(3)),
        ([0.5, 0.5, 0.0], [0.0, 0.0, 1.0], 1.0, np.inf),
    ],
)
def test_distances_of_histograms(real, fake, distance, divergence):
    assert classes.histogram_distance(real, fake) == pytest.approx(distance)
    assert classes.kl_divergence(real, fake) == pytest.approx(divergence)


def test_intra_class_distance_sees_what_the_whole_does_not():
    generator = np.random.default_rng(0)
    labels = np.arange(200) % 2
    real = generator.normal(size=(200, 3)) + 4.0 * labels[:, None]
    mean, by_class = classes.intra_class_frechet(real, labels, real, 1 - labels)  # each class drawn as the other
    assert frechet(real, real) == pytest.approx(0.0, abs=1e-9)
    assert by_class.keys() == {0, 1} and mean == pytest.approx(np.mean(list(by_class.values())))
    assert by_class[0] == pytest.approx(frechet(real[labels == 0], real[labels == 1])) and mean > 40


def test_classes_that_only_fakes_have_do_not_count():
    points, labels = np.arange(8.0)[:, None], np.arange(8) // 4
    _, by_class = classes.intra_class_frechet(points[:4], labels[:4], points, labels)
    assert by_class.keys() == {0}


def test_few_samples_of_a_class_are_warned_of():
    points, labels = np.random.default_rng(0).normal(size=(6, 2)), np.array([0, 0, 0, 1, 1, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classes.intra_class_frechet(points, labels, points, labels)
    with pytest.warns(UserWarning, match="2 samples for 2 features"):
        classes.intra_class_frechet(points[:5], labels[:5], points[:5], labels[:5])


@pytest.mark.parametrize(
    ("predicted", "label", "expected"),
    [
        ([0, 1, 2], [0, 1, 2], 1.0),
        ([1, 1, 1, 1], [0, 1, 1, 1], (0 + 6 / 7) / 2),  # 3 of 4 are right, but a class is never found
        ([0, 0, 2], [0, 0, 0], (4 / 5 + 0) / 2),  # class 1 is neither there nor predicted
    ],
)
def test_macro_f1(predicted, label, expected):
    assert classes.macro_f1(predicted, label) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: classes.class_histogram(np.zeros(3)), r"found shape \(3,\)"),
        (lambda: classes.class_histogram(np.zeros((0, 3))), "at least one image"),
        (lambda: classes.modes([[0.0, np.nan]]), "NaN"),
        (lambda: classes.macro_f1([0, 1], [0]), r"integers \[N\], found int64 \(2,\) and int64 \(1,\)"),
        (lambda: classes.macro_f1([0.0], [0]), "found float64"),
        (lambda: classes.modes(LOGITS, threshold=1.0), "found 1.0"),
        (lambda: classes.histogram_distance([0.5, 0.5], [1.0]), "found shapes"),
        (lambda: classes.kl_divergence([0.5, 0.5], [3.0, 1.0]), "found sums 1 and 4"),
        (lambda: classes.intra_class_frechet(np.zeros((3, 1)), [0, 0, 1], np.zeros((2, 1)), [0, 0]), r"\{1: \(1, 0\)\}"),
        (lambda: classes.intra_class_frechet(np.zeros((3, 1)), [0, 0], np.zeros((2, 1)), [0, 0]), r"features \(3, 1\), found .*\(2,\)"),
        (lambda: classes.intra_class_frechet(np.zeros((2, 1)), [0.0, 0.0], np.zeros((2, 1)), [0, 0]), "found float64"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
