"""DiffAugment in cases where the result is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.augment import diffaugment
from jgan.augment.differentiable import brightness, contrast, cutout, saturation, translation

ALL = [brightness, saturation, contrast, translation, cutout, diffaugment]


@pytest.fixture
def images():
    return jax.random.uniform(jax.random.key(0), (64, 12, 16, 3), jnp.float32, 0.1, 1)


@pytest.mark.parametrize("augment", ALL)
def test_strength_is_the_share_of_images_that_take_part(augment, images):
    augment = jax.jit(augment)

    def changed(strength):
        return np.any(np.asarray(augment(jax.random.key(1), images, strength)) != images, axis=(1, 2, 3)).mean()

    assert changed(0.0) == 0
    assert 0.2 < changed(0.5) <= 1.0
    assert changed(1.0) > 0.9


def test_derivatives_and_grey_images(images):
    grey = images[..., :1]
    gradient = jax.jit(jax.grad(lambda x: (diffaugment(jax.random.key(1), x, 1.0) ** 2).sum()))(grey)
    assert gradient.shape == grey.shape and np.isfinite(gradient).all() and np.abs(gradient).max() > 0


@pytest.mark.parametrize("augment", ALL)
def test_numbers_of_64_bits(augment, images, double_precision):
    assert augment(jax.random.key(1), images, 1.0).dtype == jnp.float32
    assert augment(jax.random.key(1), images.astype(jnp.float64), 1.0).dtype == jnp.float64


def test_brightness_adds_one_number_per_image(images):
    shift = np.asarray(jax.jit(brightness)(jax.random.key(2), images) - images)
    np.testing.assert_allclose(shift.std(axis=(1, 2, 3)), 0, atol=1e-6)
    offset = shift.mean(axis=(1, 2, 3))
    assert -0.5 <= offset.min() < -0.3 and 0.3 < offset.max() <= 0.5


@pytest.mark.parametrize(("augment", "axes", "low", "high"), [(saturation, (3,), 0.0, 2.0), (contrast, (1, 2, 3), 0.5, 1.5)])
def test_colour_keeps_the_mean_and_scales_the_distance(augment, axes, low, high, images):
    images, result = np.asarray(images), np.asarray(jax.jit(augment)(jax.random.key(3), images))
    mean = images.mean(axis=axes, keepdims=True)
    np.testing.assert_allclose(result.mean(axis=axes, keepdims=True), mean, atol=1e-5)
    factor = ((result - mean) * (images - mean)).sum(axis=(1, 2, 3)) / ((images - mean) ** 2).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(result - mean, factor[:, None, None, None] * (images - mean), atol=1e-5)
    quarter = (high - low) / 4
    assert low - 1e-4 <= factor.min() < low + quarter and high - quarter < factor.max() <= high + 1e-4


def test_translation_shifts_by_whole_pixels_and_fills_with_zeros(images):
    result = np.asarray(jax.jit(translation)(jax.random.key(4), images[:, :8]))
    padded = np.pad(images[:, :8], ((0, 0), (1, 1), (2, 2), (0, 0)))
    found = set()
    for image, wide in zip(result, padded, strict=True):
        corners = [(y, x) for y in range(3) for x in range(5) if (wide[y : y + 8, x : x + 16] == image).all()]
        assert len(corners) == 1
        found.add(corners[0])
    assert len(found) > 10  # of 15


@pytest.mark.parametrize("size", [8, 9])
def test_cutout_is_one_box_of_half_the_size(size):
    hole = np.asarray(jax.jit(cutout)(jax.random.key(5), jnp.ones((200, size, size, 1))))[..., 0] == 0
    rows, columns = hole.any(axis=2), hole.any(axis=1)
    np.testing.assert_array_equal(hole, rows[:, :, None] & columns[:, None, :])
    assert rows.sum(axis=1).max() == (size + 1) // 2 and rows.sum(axis=1).min() >= 1
    assert abs(np.average(np.arange(size), weights=rows.sum(axis=0)) - (size - 1) / 2) < 0.3
