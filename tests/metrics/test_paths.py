import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.metrics import paths

KEY = jax.random.key(0)


def plane(latents):
    return latents[:, :, None, None]


def squared(a, b):
    return jnp.sum(jnp.square(a - b), axis=(1, 2, 3))


def normal(key, count):
    return jax.random.normal(key, (count, 6))


def on_the_sphere(key, count):
    z = normal(key, count)
    return z / jnp.linalg.norm(z, axis=1, keepdims=True)


@pytest.mark.parametrize("position", [paths.full, paths.end])
def test_length_of_a_linear_generator(position):
    """On a line the squared speed is |b - a|^2, whatever the position: 12 on average for normal latents of dimension 6."""
    distances = paths.path_distances(KEY, plane, squared, 400, draw=normal, interpolate=paths.lerp, position=position, epsilon=1e-2)
    assert distances.shape == (400,) and distances.dtype == np.float64
    assert distances.mean() == pytest.approx(12.0, rel=0.15)


def test_speed_on_the_sphere_is_the_angle():
    """Arcs between points on a sphere have constant speed: the same numbers at the start as anywhere."""
    settings = dict(draw=on_the_sphere, epsilon=2e-2)
    anywhere = paths.path_distances(KEY, plane, squared, 64, position=paths.full, **settings)
    at_the_start = paths.path_distances(KEY, plane, squared, 64, position=paths.end, **settings)
    np.testing.assert_allclose(anywhere, at_the_start, rtol=1e-2)
    assert 0 < anywhere.max() <= np.pi**2


def test_slerp_meets_its_ends_and_keeps_its_length():
    a, b = on_the_sphere(KEY, 50), on_the_sphere(jax.random.key(1), 50)
    np.testing.assert_allclose(paths.slerp(a, b, jnp.zeros(50)), a, atol=1e-6)
    np.testing.assert_allclose(paths.slerp(a, b, jnp.ones(50)), b, atol=1e-6)
    np.testing.assert_allclose(jnp.linalg.norm(paths.slerp(a, b, paths.full(KEY, 50)), axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(paths.slerp(a, a, jnp.full((50,), 0.3)), a, atol=1e-6)


def test_lerp_takes_styles_of_several_layers():
    assert paths.lerp(jnp.zeros((2, 3, 4)), jnp.ones((2, 3, 4)), jnp.array([0.0, 0.5]))[1, 2, 3] == 0.5


def test_outliers_are_left_out_unless_kept():
    def torn(latents):  # a few paths cross a cliff
        return jnp.where(latents[:, :1] > 1.0, 100.0, 0.0)[:, :, None, None] + plane(latents)

    settings = dict(draw=normal, interpolate=paths.lerp, epsilon=0.05)
    whole = paths.perceptual_path_length(KEY, torn, squared, 320, keep=(0.0, 1.0), **settings)
    assert whole == pytest.approx(paths.path_distances(KEY, torn, squared, 320, **settings).mean())
    assert paths.perceptual_path_length(KEY, torn, squared, 320, keep=(0.0, 0.95), **settings) < whole / 3


def test_a_key_gives_the_same_numbers_and_the_crop_is_applied():
    def picture(latents):
        return jnp.broadcast_to(latents[:, None, :1, None], (len(latents), 16, 16, 1))

    first, again = (paths.path_distances(KEY, picture, squared, 5, draw=normal, batch=4, epsilon=0.1) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    cropped = paths.path_distances(KEY, picture, squared, 5, draw=normal, batch=4, epsilon=0.1, crop=paths.face)
    np.testing.assert_allclose(cropped, first / 4, rtol=1e-5)


@pytest.mark.parametrize(("size", "expected"), [(1024, 256), (512, 256), (300, 300), (64, 64)])
def test_large_images_shrink_by_whole_factors(size, expected):
    images = jnp.ones((1, size, size, 1))
    assert paths.shrunk(images).shape == (1, expected, expected, 1) and float(paths.shrunk(images).mean()) == 1.0


def test_shrinking_averages():
    np.testing.assert_allclose(paths.shrunk(jnp.arange(8.0).reshape(1, 2, 4, 1), size=1).ravel(), [2.5, 4.5])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n": 0}, "positive n, batch and epsilon, found 0"),
        ({"epsilon": 0.0}, "epsilon, found 5, 32 and 0.0"),
        ({"keep": (0.5, 0.5)}, "0 <= low < high <= 1"),
        ({"distance": lambda a, b: jnp.mean(a - b)}, r"shape \(\) for a batch of 32"),
        ({"distance": lambda a, b: squared(a, b) * jnp.nan}, "32 of them NaN"),
    ],
)
def test_mistakes(settings, message):
    defaults = {"key": KEY, "generate": plane, "distance": squared, "n": 5, "draw": normal}
    with pytest.raises(ValueError, match=message):
        paths.perceptual_path_length(**(defaults | settings))
