"""The flow by keypoints, the generator that bends, and the discriminator."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.first_order_motion import bent, dense_motion, discriminator, generator, motions
from jgan.models.keypoints import Keypoints
from jgan.ops.sampling import pixel_places

IMAGES = jax.random.normal(jax.random.key(0), (2, 16, 16, 3))
STILL = Keypoints(jax.random.uniform(jax.random.key(1), (2, 3, 2), minval=-1), jnp.broadcast_to(jnp.eye(2)[None, None], (2, 3, 2, 2)))


def test_points_that_do_not_move_move_nothing():
    np.testing.assert_allclose(motions(STILL, STILL, 4, 4), np.broadcast_to(pixel_places(4, 4)[None, None], (2, 4, 4, 4, 2)), atol=1e-6)
    network = dense_motion(width=2, levels=1)
    params, state = network.init(jax.random.key(2), IMAGES, STILL, STILL)
    (flow, occlusion), _ = network.apply(params, state, IMAGES, STILL, STILL)
    assert flow.shape == (2, 4, 4, 2) and jnp.abs(flow).max() < 1e-6
    assert occlusion.shape == (2, 4, 4, 1) and 0 < occlusion.min() < occlusion.max() < 1


def test_around_a_point_the_motion_is_affine():
    """The Jacobian of the source twice as large: a step in the result is two in the source."""
    source = STILL._replace(place=STILL.place + 0.1, jacobian=2 * STILL.jacobian)
    found = motions(source, STILL, 4, 4)[:, 1:]
    expected = 2 * (pixel_places(4, 4)[None, None] - STILL.place[:, :, None, None]) + source.place[:, :, None, None]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_all_points_moved_alike_move_the_whole_by_the_share_of_their_motions():
    network = dense_motion(width=2, levels=1, occluded=False)
    source = STILL._replace(place=STILL.place + 0.25)
    params, state = network.init(jax.random.key(2), IMAGES, source, STILL)
    (flow, occlusion), _ = network.apply(params, state, IMAGES, source, STILL)
    assert flow.min() > 0 and flow.max() < 0.25 and (occlusion == 1).all()


@pytest.mark.parametrize("halvings", [0, 1, 2])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_a_generator(halvings, dtype):
    network = generator(3, 2, halvings, 1, dtype=dtype)
    flow, occlusion = jnp.zeros((2, 4, 4, 2)), jnp.ones((2, 4, 4, 1))
    params, state = network.init(jax.random.key(0), IMAGES, flow, occlusion)
    image, _ = network.apply(params, state, IMAGES, flow, occlusion)
    assert image.shape == IMAGES.shape and image.dtype == jnp.float32


def test_a_generator_may_keep_the_bent_source():
    network = generator(3, 2, 1, 1)
    flow, occlusion = jnp.zeros((2, 4, 4, 2)).at[..., 0].set(1 / 8), jnp.ones((2, 4, 4, 1))  # by a pixel
    params, state = network.init(jax.random.key(0), IMAGES, flow, occlusion)
    params["kept"] = {"kernel": 0 * params["kept"]["kernel"], "bias": jnp.full(1, 50.0)}
    image, _ = network.apply(params, state, IMAGES, flow, occlusion)
    np.testing.assert_allclose(image[:, :, :-1], IMAGES[:, :, 1:], atol=1e-5)


def test_a_flow_of_nothing_bends_nothing():
    np.testing.assert_allclose(bent(IMAGES, jnp.zeros((2, 4, 4, 2))), IMAGES, atol=1e-5)


def test_a_discriminator_sees_the_points():
    network = discriminator(2, 3)
    params, state = network.init(jax.random.key(0), IMAGES, STILL.place)
    logits, activations = network.apply(params, state, IMAGES, STILL.place)[0]
    assert logits.shape == (2, 3, 3, 1) and len(activations) == 3
    assert (network.apply(params, state, IMAGES, -STILL.place)[0][0] != logits).any()
