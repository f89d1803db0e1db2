"""Keypoints: what a detector finds, and how points and Jacobians are calculated with."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.keypoints import Keypoints, gaussians, inverse, keypoint_detector, relative

IMAGES = jax.random.normal(jax.random.key(0), (3, 16, 32, 3))


def detector(**settings):
    network = keypoint_detector(4, width=2, levels=2, **settings)
    return network, *network.init(jax.random.key(1), IMAGES)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_a_detector(dtype):
    network, params, state = detector(dtype=dtype)
    points, after = network.apply(params, state, IMAGES, train=True)
    assert points.place.shape == (3, 4, 2) and points.place.dtype == points.jacobian.dtype == jnp.float32
    assert jnp.abs(points.place).max() <= 1
    np.testing.assert_array_equal(points.jacobian, np.broadcast_to(np.eye(2), (3, 4, 2, 2)))
    assert jax.tree.structure(after) == jax.tree.structure(state)


def test_a_point_is_where_its_map_is_large():
    """A map that sees the first channel alone, with one bright pixel: of 4 x 8 in the network, the third of the second row."""
    network, params, state = detector()
    kernel = jnp.zeros_like(params["maps"]["kernel"]).at[1, 1, -3].set(1.0)
    bright = jnp.zeros((1, 16, 32, 3)).at[:, 4:8, 8:12, 0].set(10.0)
    place = network.apply({**params, "maps": {"kernel": kernel, "bias": jnp.zeros(4)}}, state, bright)[0].place
    np.testing.assert_allclose(place[0], np.tile([[(2 * 2 + 1) / 8 - 1, (2 * 1 + 1) / 4 - 1]], (4, 1)), atol=1e-3)


@pytest.mark.parametrize(("shape", "message"), [((1, 18, 16, 3), "multiples of 4 pixels"), ((1, 24, 16, 3), "sides of 4 pixels or a")])
def test_sides_that_do_not_fit(shape, message):
    with pytest.raises(ValueError, match=message):
        keypoint_detector(4, width=2, levels=2).init(jax.random.key(0), jnp.zeros(shape))


def test_inverses():
    matrices = jnp.eye(2)[None] + 0.3 * jax.random.normal(jax.random.key(0), (20, 2, 2))
    safe = matrices[jnp.abs(jnp.linalg.det(matrices)) > 0.11]
    assert len(safe) > 10
    np.testing.assert_allclose(inverse(safe) @ safe, np.broadcast_to(np.eye(2), safe.shape), atol=1e-5)


@pytest.mark.parametrize("scale", [0.0, 1e-6, -1e-6])
def test_inverses_of_next_to_nothing_are_finite_and_so_are_their_slopes(scale):
    matrix = jnp.diag(jnp.asarray([1.0, scale]))
    value, slope = jax.value_and_grad(lambda m: jnp.sum(jnp.square(inverse(m))))(matrix)
    assert value < 101.0 and jnp.isfinite(slope).all()


def test_gaussians_are_centred():
    x, y = (gaussians(jnp.asarray([[[0.25, -0.5]]]), 8, 8)[0, :, :, 0].sum(axis=axis) for axis in (0, 1))
    middle = (2 * np.arange(8) + 1) / 8 - 1
    np.testing.assert_allclose([(x * middle).sum() / x.sum(), (y * middle).sum() / y.sum()], [0.25, -0.5], atol=5e-3)


def test_relative_motion_of_the_first_frame_is_none():
    a, b = (Keypoints(*(jax.random.normal(jax.random.key(seed), shape) for shape in ((1, 3, 2), (1, 3, 2, 2)))) for seed in (0, 1))
    b = b._replace(jacobian=jnp.eye(2)[None, None] + 0.1 * b.jacobian)
    found = relative(a, b, b)
    np.testing.assert_allclose(found.place, a.place, atol=1e-6)
    np.testing.assert_allclose(found.jacobian, a.jacobian, atol=1e-5)
