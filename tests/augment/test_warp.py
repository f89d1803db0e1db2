"""The geometric execution, by maps whose result is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.augment.warp import warp

jitted = jax.jit(warp)
SHIFT = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])


def affine(matrix, n):
    return jnp.broadcast_to(jnp.array(matrix, jnp.float32), (n, 3, 3))


def smooth(height, width):
    y, x = np.mgrid[:height, :width]
    pattern = np.sin(2 * np.pi * y / height)[..., None] + np.cos(2 * np.pi * x / width)[..., None] * np.array([1.0, 0.5, -1.0])
    return jnp.asarray(pattern[None], jnp.float32)


@pytest.mark.parametrize(
    ("matrix", "expected", "tolerance"),
    [
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], lambda x: x, 1e-5),
        ([[1, 0, 3], [0, 1, -2], [0, 0, 1]], lambda x: jnp.pad(x, ((0, 0), (2, 0), (0, 3), (0, 0)), mode="reflect")[:, :32, 3:], 1e-5),
        ([[1, 0, 62], [0, 1, 0], [0, 0, 1]], lambda x: x, 1e-5),
        ([[-1, 0, 0], [0, 1, 0], [0, 0, 1]], lambda x: x[:, :, ::-1], 0.04),
        ([[0, 1, 0], [-1, 0, 0], [0, 0, 1]], lambda x: jnp.rot90(x, -1, axes=(1, 2)), 0.04),
    ],
    ids=["identity", "translation", "period", "mirror", "quarter turn"],
)
def test_known_maps(matrix, expected, tolerance):
    images = smooth(32, 32)
    np.testing.assert_allclose(jitted(images, affine(matrix, 1)), expected(images), atol=tolerance)


def test_zoom_shows_the_middle():
    ramp = jnp.broadcast_to(jnp.linspace(-1, 1, 33, dtype=jnp.float32)[None, None, :, None], (1, 16, 33, 1))
    zoomed = jitted(ramp, affine([[0.5, 0, 0], [0, 0.5, 0], [0, 0, 1]], 1))
    np.testing.assert_allclose(zoomed[:, 6:-6, 6:-6], ramp[:, 6:-6, 6:-6] / 2, atol=5e-3)


def test_lookup_and_weight_agree_beside_integers():
    """Maps that land on integers but for rounding: a lookup on one side with a weight of the other would jump."""
    images = jax.random.normal(jax.random.key(0), (3, 10, 14, 2), jnp.float32)
    matrix = np.array([[0.9, -0.7, 2.3], [0.6, 1.2, -1.1], [0, 0, 1]])
    nudged = [jitted(images, affine(matrix + shift * SHIFT, 3)) for shift in (0.0, 1e-4, -1e-4)]
    np.testing.assert_allclose(nudged[0], nudged[1], atol=2e-3)
    np.testing.assert_allclose(nudged[0], nudged[2], atol=2e-3)


def test_adjoint():
    """<A x, y> = <x, A' y> for a map that turns, zooms and shifts."""
    x, y = jax.random.normal(jax.random.key(0), (2, 3, 10, 14, 2), jnp.float32)
    geometry = affine([[0.9, -0.7, 2.3], [0.6, 1.2, -1.1], [0, 0, 1]], 3)
    gradient = jax.jit(jax.grad(lambda images: (warp(images, geometry) * y).sum()))(x)
    np.testing.assert_allclose((jitted(x, geometry) * y).sum(), (x * gradient).sum(), rtol=1e-4, atol=1e-3)


def test_each_image_has_a_map_of_its_own():
    images = jnp.concatenate([smooth(16, 16), 2 * smooth(16, 16)])
    geometry = jnp.stack([jnp.eye(3), jnp.diag(jnp.array([-1.0, 1.0, 1.0]))])
    result = jitted(images, geometry)
    for i in range(2):
        np.testing.assert_allclose(result[i], jitted(images[i : i + 1], geometry[i : i + 1])[0], atol=1e-6)


def test_images_of_one_pixel_are_refused():
    with pytest.raises(ValueError, match="at least 2 x 2 pixels, found 1 x 4"):
        warp(jnp.zeros((1, 1, 4, 3)), affine(np.eye(3), 1))
