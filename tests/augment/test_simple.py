"""Mirror images."""

import jax
import jax.numpy as jnp

from jgan.augment import flip


def test_flip_mirrors_the_share_asked_for():
    images = jnp.broadcast_to(jnp.arange(3.0).reshape(1, 1, 3, 1), (4000, 1, 3, 1))
    for strength in (0.0, 0.3, 1.0):
        result = jax.jit(flip)(jax.random.key(0), images, strength)[:, 0, :, 0]
        mirrored = (result == jnp.array([[2.0, 1.0, 0.0]])).all(axis=1)
        assert (mirrored | (result == jnp.array([[0.0, 1.0, 2.0]])).all(axis=1)).all()
        assert abs(mirrored.mean() - strength) < 0.03
