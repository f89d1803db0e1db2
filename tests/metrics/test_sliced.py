import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.metrics import sliced

KEY = jax.random.key(0)


def smooth(seed, n=48, size=32, channels=2):
    """Random images of coarse structure."""
    coarse = np.random.default_rng(seed).normal(size=(n, size // 8, size // 8, channels)).astype(np.float32)
    ramp = np.maximum(1.0 - np.abs(np.arange(size)[:, None] - 8 * np.arange(size // 8)[None] - 4) / 8, 0).astype(np.float32)
    return np.einsum("yi,xj,nijc->nyxc", ramp, ramp, coarse)


def distances(real, fake, **settings):
    return sliced.sliced_wasserstein(KEY, real, fake, **{"patches": 32, "directions": 32} | settings)


def test_levels_tell_at_which_scale_images_differ():
    real, same = smooth(0), smooth(1)
    grain = same + 0.3 * np.random.default_rng(2).normal(size=same.shape).astype(np.float32)
    for_same, for_grain = distances(real, same), distances(real, grain)
    assert list(for_same) == [32, 16]
    assert for_grain[32] > 1.5 * for_same[32]  # fine noise shows at the finest level
    assert for_grain[16] - for_same[16] < 0.2 * (for_grain[32] - for_same[32])


def test_brightness_and_contrast_do_not_matter():
    real, fake = smooth(0), smooth(1)
    np.testing.assert_allclose(list(distances(real, 3.0 * fake + 2.0).values()), list(distances(real, fake).values()), rtol=1e-3)


def test_a_set_against_itself_is_not_far_only_by_its_places():
    real = smooth(0)
    near, far = distances(real, real), distances(real, np.sign(real))
    assert 0 < near[32] < far[32] / 2 and 0 < near[16] < far[16]


def test_places_depend_on_the_key_and_not_on_the_batch():
    images = smooth(0)
    one, other = (sliced.descriptors(KEY, images, patches=32, batch=batch) for batch in (24, 48))
    for level in one:
        np.testing.assert_allclose(one[level], other[level], atol=1e-6)
    assert not np.allclose(one[32], sliced.descriptors(jax.random.key(1), images, patches=32)[32])
    assert distances(images, images[::-1]) == distances(images, images[::-1])


def test_shift_along_one_axis_in_closed_form(monkeypatch):
    """For patches that differ by a constant vector d the distance along a unit direction u is |u.d|."""
    monkeypatch.setattr(sliced, "_normalised", lambda patches: patches)
    real = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    shift = np.array([1.0, 0.0, 0.0, 0.0], np.float32)
    axes = np.asarray(jax.random.normal(KEY, (40, 4), jnp.float32))
    expected = np.abs(axes[:, 0] / np.linalg.norm(axes, axis=1)).mean()
    assert sliced._distance(KEY, real, real + shift, 40) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (28, 64)])
def test_pyramid_adds_up(size):
    images = jnp.asarray(np.random.default_rng(0).normal(size=(1, *size, 2)), jnp.float32)

    @jax.jit
    def there_and_back(images):
        levels = sliced._pyramid(images, 7)
        total = levels[-1]
        for level in reversed(levels[:-1]):
            total = sliced._doubled(total)[:, : level.shape[1], : level.shape[2]] + level
        return levels, total

    levels, total = there_and_back(images)
    np.testing.assert_allclose(total, images, atol=1e-5)
    assert min(levels[-1].shape[1:3]) in range(7, 15)


def test_flat_images_have_no_detail():
    fine, rest = jax.jit(lambda images: sliced._pyramid(images, 16))(jnp.full((1, 32, 32, 1), 0.7))
    np.testing.assert_allclose(fine, 0.0, atol=1e-6)
    np.testing.assert_allclose(rest, 0.7, rtol=1e-6)
    assert distances(np.zeros((48, 32, 32, 2)), np.ones((48, 32, 32, 2)))[16] == 0.0


@pytest.mark.parametrize(
    ("real", "fake", "settings", "message"),
    [
        (np.zeros((4, 32, 32, 3)), np.zeros((5, 32, 32, 3)), {}, "as many real as fake"),
        (np.zeros((4, 32, 32)), np.zeros((4, 32, 32)), {}, r"\[N, H, W, C\]"),
        (np.zeros((4, 12, 32, 3)), np.zeros((4, 12, 32, 3)), {}, r"found \(12, 32\) and 16: lower"),
        (np.zeros((4, 32, 32, 3)), np.zeros((4, 32, 32, 3)), {"lowest": 4}, "at least 7"),
    ],
)
def test_mistakes(real, fake, settings, message):
    with pytest.raises(ValueError, match=message):
        distances(real, fake, **settings)
