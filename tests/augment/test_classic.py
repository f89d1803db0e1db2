"""The classic augmentation: nothing by default, what is asked for within its limits, and alike for what belongs together."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.augment.classic import random_affine, random_colour

KEY = jax.random.key(0)
IMAGES = jax.random.normal(jax.random.key(1), (3, 8, 8, 2))


@pytest.mark.parametrize("change", [random_affine, random_colour])
def test_nothing_is_done_unless_asked_for(change):
    np.testing.assert_allclose(change(KEY, IMAGES), IMAGES, atol=1e-5)


@pytest.mark.parametrize(("change", "settings"), [(random_affine, {"turn": 10.0}), (random_colour, {"contrast": 0.5})])
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_precision_is_kept(change, settings, dtype):
    images = IMAGES.astype(dtype)
    found, slope = jax.value_and_grad(lambda weight: jnp.sum(change(KEY, weight * images, **settings)))(jnp.ones((), dtype))
    assert found.dtype == slope.dtype == dtype
    expected = change(KEY, images.astype(jnp.float32), **settings)
    np.testing.assert_allclose(change(KEY, images, **settings).astype(jnp.float32), expected, rtol=0.01, atol=0.01)


def test_mirrored():
    np.testing.assert_allclose(random_affine(KEY, IMAGES, flip=1.0), IMAGES[:, :, ::-1], atol=1e-5)


def test_mirrored_beyond_the_edges():
    """Shifted along x by a whole number of pixels, each image is a window on itself between two mirrors."""
    row = jnp.arange(8.0).reshape(1, 1, 8, 1)
    key = jax.random.key(3)
    plain, mirrored = (random_affine(key, jnp.tile(row, (1, 8, 1, 1)), shift=0.5, mirrored=value)[0, 0, :, 0] for value in (False, True))
    inside = (plain > 0) & (plain < 7)
    np.testing.assert_allclose(mirrored[inside], plain[inside], atol=1e-5)
    steps = np.diff(mirrored)
    assert (np.abs(steps) <= 1 + 1e-5).all() and steps.min() < -0.5 < 0.5 < steps.max()


def spot(row, column):
    return jnp.zeros((200, 16, 16, 1)).at[:, row, column].set(1.0)


@pytest.mark.parametrize(
    ("change", "low", "high"),
    [({"shift": 0.25}, 0.0, 4 * 2**0.5), ({"turn": 180.0}, 0.0, 9.0), ({"zoom": 1.0}, 0.0, 4.6), ({"turn": 10.0}, 0.0, 0.8)],
)
def test_how_far_a_spot_goes(change, low, high):
    """It is 4.5 pixels from the middle."""
    images = np.asarray(random_affine(KEY, spot(3, 8), **change))[..., 0]
    weights = images.sum(axis=(1, 2))
    seen = weights > 0.2
    rows, columns = ((images * np.arange(16).reshape(shape)).sum(axis=(1, 2))[seen] / weights[seen] for shape in ((1, 16, 1), (1, 1, 16)))
    gone = np.hypot(rows - 3, columns - 8)
    assert seen.any() and low <= gone.min() and 0.5 * high < gone.max() <= high + 0.5


def test_what_belongs_together_goes_together():
    both = random_affine(KEY, jnp.concatenate([IMAGES, IMAGES], axis=3), flip=0.5, turn=90.0, shift=0.2, zoom=0.5)
    np.testing.assert_array_equal(both[..., :2], both[..., 2:])
    assert np.abs(both[..., :2] - IMAGES).max() > 0.1


def test_colours():
    found = np.asarray(random_colour(KEY, jnp.ones((500, 2, 2, 3)), brightness=0.2))
    assert 0.15 < np.abs(found - 1).max() <= 0.2 and np.ptp(found, axis=(1, 2)).max() == 0.0
    factors = np.asarray(random_colour(KEY, IMAGES, contrast=0.5)).std(axis=(1, 2)) / np.asarray(IMAGES).std(axis=(1, 2))
    assert (factors > 0.5).all() and (factors < 1.5).all() and np.ptp(factors) > 0.05


def test_only_square_images():
    with pytest.raises(ValueError, match=r"expected square images \[N, S, S, C\], found \(1, 4, 5, 1\)"):
        random_affine(KEY, jnp.zeros((1, 4, 5, 1)))
