"""Penalties on logits and latent distributions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import penalties


def draw(seed, shape=(4,)):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


@pytest.mark.parametrize("shape", [(4,), (4, 2, 2, 1)])
def test_lecam_pays_for_logits_beyond_the_anchors(shape):
    real, fake = draw(0, shape), draw(1, shape)
    anchors = penalties.LecamAnchors(jnp.float32(0.5), jnp.float32(-0.25))
    expected = np.maximum(np.asarray(real) + 0.25, 0.0) ** 2 + np.maximum(0.5 - np.asarray(fake), 0.0) ** 2
    np.testing.assert_allclose(penalties.lecam(real, fake, anchors), expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="one shape"):
        penalties.lecam(real, fake[:2], anchors)


def test_anchors_follow_the_means_and_carry_no_gradient():
    real, fake = draw(0), draw(1)
    anchors = penalties.lecam_anchors()
    for _ in range(3):
        anchors = penalties.update_lecam_anchors(anchors, real, fake, decay=0.5)
    np.testing.assert_allclose(anchors, [0.875 * real.mean(), 0.875 * fake.mean()], rtol=1e-5)

    def through_anchors(logits):
        return jnp.sum(penalties.lecam(real, fake, penalties.update_lecam_anchors(anchors, logits, logits)))

    assert np.all(jax.grad(through_anchors)(real) == 0.0)


def test_drift_is_the_square_in_single_precision():
    result = penalties.epsilon_drift(jnp.array([3.0, -2.0], jnp.bfloat16))
    np.testing.assert_array_equal(result, [9.0, 4.0])
    assert result.dtype == jnp.float32


def test_divergence_from_normal_agrees_with_samples():
    mean, log_variance = jnp.array([[0.5, -1.0]]), jnp.array([[0.2, -0.7]])
    x = np.asarray(mean) + np.exp(0.5 * np.asarray(log_variance)) * np.random.default_rng(0).normal(size=(200_000, 2))
    log_ratio = -0.5 * np.asarray(log_variance) - (x - np.asarray(mean)) ** 2 / (2 * np.exp(np.asarray(log_variance))) + x**2 / 2
    np.testing.assert_allclose(penalties.kl_to_normal(mean, log_variance), [log_ratio.sum(axis=1).mean()], rtol=0.02)
    assert np.all(penalties.kl_to_normal(jnp.zeros((3, 2)), jnp.zeros((3, 2))) == 0.0)
    with pytest.raises(ValueError, match="one shape"):
        penalties.kl_to_normal(mean, log_variance[:, :1])
