"""Consistency penalties and the clamp of the generator's Jacobian."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import penalties

KEY = jax.random.key(0)
W = jnp.array([0.5, -1.0, 2.0])


def critic(x):
    return jnp.square(x) @ W


def shift(key, x):
    return x + jax.random.normal(key, x.shape[:1])[:, None]


def draw(seed):
    return jnp.asarray(np.random.default_rng(seed).normal(size=(4, 3)), jnp.float32)


def test_consistency_is_the_squared_change_of_the_logit():
    x = draw(0)
    result = penalties.consistency(KEY, critic, x, shift)
    np.testing.assert_allclose(result, np.square(critic(x) - critic(shift(KEY, x))), rtol=1e-5)
    assert np.all(penalties.consistency(KEY, critic, x, lambda key, x: -x) == 0.0)


def test_balanced_consistency_draws_apart_for_real_and_fake():
    x = draw(0)
    real_key, fake_key = jax.random.split(KEY)
    expected = sum(penalties.consistency(key, critic, x, shift) for key in (real_key, fake_key))
    result = penalties.balanced_consistency(KEY, critic, x, x, shift)
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    assert not np.allclose(result, 2.0 * penalties.consistency(real_key, critic, x, shift))


def test_latent_penalties_of_linear_networks_follow_the_closed_form():
    z, gain = jnp.zeros((4096, 3)), 3.0
    consistent = penalties.latent_consistency(KEY, lambda x: x @ W, lambda z: gain * z, z, scale=0.1)
    diverse = penalties.latent_diversity(KEY, lambda z: gain * z, z, scale=0.1)
    np.testing.assert_allclose(jnp.mean(consistent), (0.1 * gain) ** 2 * jnp.sum(jnp.square(W)), rtol=0.1)
    np.testing.assert_allclose(jnp.mean(diverse), -((0.1 * gain) ** 2), rtol=0.1)


@pytest.mark.parametrize(("gain", "expected"), [(0.25, 0.75**2), (1.0, 0.0), (20.0, 0.0), (22.0, 4.0)])
@pytest.mark.parametrize("step", [1.0, 0.1])
def test_jacobian_is_free_between_the_bounds(gain, expected, step):
    result = penalties.jacobian_clamp(KEY, lambda z: gain * z, draw(0), step=step)
    np.testing.assert_allclose(result, np.full(4, expected), atol=2e-3)


@pytest.mark.parametrize(("gain", "expected"), [(4.0, 0.25), (0.01, 1 / 0.01001), (0.0, 1e5)])
def test_mode_seeking_is_distance_of_latents_over_distance_of_images(gain, expected):
    result = penalties.mode_seeking(KEY, lambda z: gain * z, draw(0))
    np.testing.assert_allclose(result, np.full(4, expected), rtol=1e-3)


def test_images_are_driven_apart_up_to_the_bound():
    images, others = jnp.zeros((3, 4)), jnp.asarray([[0.1] * 4, [-0.3] * 4, [0.1, -0.1, 0.2, -0.2]])
    np.testing.assert_allclose(penalties.alikeness(images, others, 0.25), [0.15, 0.0, 0.1], atol=1e-6)
    apart = jax.grad(lambda x: jnp.sum(penalties.alikeness(images, x, 0.25)))(others)
    np.testing.assert_array_equal(jnp.sign(apart), [[-1] * 4, [0] * 4, [-1, 1, -1, 1]])  # down the gradient they move away
    z = draw(0)
    other = jax.random.normal(KEY, z.shape)
    np.testing.assert_array_equal(penalties.diversity_sensitive(KEY, lambda z: z, z, 2.0), penalties.alikeness(z, other, 2.0))


def test_wrong_shapes_are_refused():
    x = draw(0)
    with pytest.raises(ValueError, match=r"\(4, 3\) -> \(4, 3\)"):
        penalties.consistency(KEY, lambda x: x, x, shift)
    with pytest.raises(ValueError, match="augmented"):
        penalties.consistency(KEY, critic, x, lambda key, x: x[:2])
    with pytest.raises(ValueError, match="one shape"):
        penalties.balanced_consistency(KEY, critic, x, x[:2], shift)
    with pytest.raises(TypeError, match="found int32"):
        penalties.jacobian_clamp(KEY, critic, jnp.zeros((4, 3), jnp.int32))
    with pytest.raises(ValueError, match="one shape"):
        penalties.alikeness(x, x[:2], 0.25)
    with pytest.raises(TypeError, match="found int32"):
        penalties.mode_seeking(KEY, critic, jnp.zeros((4, 3), jnp.int32))
