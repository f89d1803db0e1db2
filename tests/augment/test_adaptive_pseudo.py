"""Adaptive pseudo augmentation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.augment import pseudo, pseudo_update


def test_pseudo_shows_fakes_as_often_as_asked_and_whole():
    real, fake = jnp.ones((4000, 2, 2, 1)), jnp.zeros((4000, 2, 2, 1))
    for strength in (0.0, 0.3, 1.0):
        result = jax.jit(pseudo)(jax.random.key(0), real, fake, strength)
        assert abs((result == 0).mean() - strength) < 0.03
        np.testing.assert_allclose(result.std(axis=(1, 2, 3)), 0)


def test_pseudo_passes_no_gradient_to_the_fakes():
    gradient = jax.grad(lambda fake: pseudo(jax.random.key(0), jnp.ones((8, 3)), fake, 1.0).sum())(jnp.zeros((8, 3)))
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("fake", [jnp.ones((3, 3)), jnp.ones((2, 3), jnp.uint8)])
def test_pseudo_refuses_what_is_not_alike(fake):
    with pytest.raises(ValueError, match="one fake per real"):
        pseudo(jax.random.key(0), jnp.ones((2, 3)), fake, 0.5)


def test_pseudo_update_follows_the_discriminator():
    assert pseudo_update(jnp.float32(0.1), 0.9, 64) > 0.1 > pseudo_update(jnp.float32(0.1), 0.1, 64)
