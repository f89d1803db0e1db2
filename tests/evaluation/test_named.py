"""Metrics in the form that `evaluate` takes, from what it gathers, against the functions that they stand for."""

import jax
import numpy as np
import pytest

from jgan.evaluation.named import intra_class_metric, kernel_subsets_metric, ms_ssim_metric, sliced_wasserstein_metric
from jgan.metrics import diversity, intra_class_frechet, kernel_distance_subsets, sliced_wasserstein


def gathered(metric, images, labels):
    """What a metric gathers of images in two batches; features are the mean colours."""
    kind, parts = metric.statistics, metric.statistics.begin()
    for some in (slice(0, 20), slice(20, None)):
        parts = kind.add(parts, {"image": images[some], "label": labels[some], "features": images[some].mean(axis=(1, 2))})
    return kind.end(parts)


@pytest.fixture(scope="module")
def sets():
    generator = np.random.default_rng(0)
    return [(generator.integers(0, 256, (n, 24, 24, 3), np.uint8), np.arange(n) % 2) for n in (40, 36)]


def test_classes_apart(sets):
    metric = intra_class_metric()
    (real, real_labels), (fake, fake_labels) = sets
    expected, _ = intra_class_frechet(real.mean(axis=(1, 2)), real_labels, fake.mean(axis=(1, 2)), fake_labels)
    found = metric.compare(*(gathered(metric, *s) for s in sets))
    assert found == {"intra_class_frechet": pytest.approx(expected)}


def test_classes_apart_need_labels(sets):
    metric = intra_class_metric()
    with pytest.raises(ValueError, match="expected label with the images, found none"):
        metric.statistics.add(metric.statistics.begin(), {"features": np.zeros((4, 3))})


def test_textures(sets):
    metric = sliced_wasserstein_metric(limit=30)
    (real, _), (fake, _) = sets
    chosen = [x[np.linspace(0, len(x) - 1, 30).astype(int)] for x in (real, fake)]
    expected = sliced_wasserstein(jax.random.key(0), *chosen)
    found = metric.compare(*(gathered(metric, *s) for s in sets))
    assert found == {"sliced_wasserstein/24": expected[24], "sliced_wasserstein": expected[24]}


def test_sameness(sets):
    metric = ms_ssim_metric(pairs=8)
    expected = [diversity(jax.random.key(0), images, 8, 2) for images, _ in sets]
    found = metric.compare(*(gathered(metric, *s) for s in sets))
    assert found == {"ms_ssim_of_real": expected[0], "ms_ssim": expected[1], "ms_ssim_levels": 2}


def test_kernel_distance_of_subsets(sets):
    metric = kernel_subsets_metric(subsets=3, size=20, seed=1)
    real, fake = (gathered(metric, *s) for s in sets)
    mean, deviation = kernel_distance_subsets(real["features"], fake["features"], 3, 20, 1)
    assert metric.compare(real, fake) == {"kernel_distance_subsets": mean, "kernel_distance_subsets_std": deviation}
