"""Numbers of translations, in a feature space that is simple enough to be known."""

import numpy as np
import pytest

from jgan.run.translation_scores import domain_numbers, in_range, pair_numbers


def colours(images):
    """Mean colours as features; brighter images are taken for domain B."""
    features = images.astype(np.float32).mean((1, 2))
    brightness = features.mean(1, keepdims=True) - 127
    return {"features": features, "logits": np.concatenate([-brightness, brightness], axis=1), "image": images}


def noise(n, low, high, seed=0, size=16):
    return np.random.default_rng(seed).integers(low, high, (n, size, size, 3), np.uint8)


def test_pairs():
    targets = noise(70, 20, 200)
    same = pair_numbers(targets, targets, colours)
    assert same["feature_distance"] == same["l1"] == 0 and same["ssim"] == pytest.approx(1)
    found = pair_numbers(targets + np.uint8(10), targets, colours)
    assert found["feature_distance"] == pytest.approx(10, rel=1e-4) and found["l1"] == pytest.approx(20 / 255, rel=1e-4)
    assert found["psnr"] == pytest.approx(20 * np.log10(255 / 10), rel=1e-4) and 0 < found["ssim"] < 1
    assert "ssim" not in pair_numbers(targets[:, :8], targets[:, :8], colours)


def test_domains():
    dark, bright = noise(40, 0, 100), noise(80, 150, 250, seed=1)
    as_it_is, arrived = (domain_numbers(images, bright, colours) for images in (dark, noise(40, 150, 250, seed=2)))
    assert (as_it_is["share_a"], as_it_is["share_b"]) == (1, 0) and (arrived["share_a"], arrived["share_b"]) == (0, 1)
    assert arrived["frechet_distance"] < 10 < 1e4 < as_it_is["frechet_distance"]


def test_range():
    assert in_range(np.asarray([0, 255], np.uint8)).dtype == np.float32
