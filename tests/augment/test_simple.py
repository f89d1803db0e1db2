"""Mirror images and quarter turns."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.augment import flip, symmetry


def test_flip_mirrors_the_share_asked_for():
    images = jnp.broadcast_to(jnp.arange(3.0).reshape(1, 1, 3, 1), (4000, 1, 3, 1))
    for strength in (0.0, 0.3, 1.0):
        result = jax.jit(flip)(jax.random.key(0), images, strength)[:, 0, :, 0]
        mirrored = (result == jnp.array([[2.0, 1.0, 0.0]])).all(axis=1)
        assert (mirrored | (result == jnp.array([[0.0, 1.0, 2.0]])).all(axis=1)).all()
        assert abs(mirrored.mean() - strength) < 0.03


def test_all_eight_symmetries():
    images = np.random.default_rng(0).normal(size=(64, 3, 3, 1)).astype(np.float32)
    found = jax.jit(symmetry)(jax.random.key(0), images)
    ways = [np.rot90(side, turns, (1, 2)) for side in (images, images[:, :, ::-1]) for turns in range(4)]
    chosen = [[bool((found[i] == way[i]).all()) for way in ways] for i in range(64)]
    assert np.sum(chosen, axis=1).tolist() == [1] * 64 and np.any(chosen, axis=0).all()


def test_symmetries_of_images_that_are_not_square():
    with pytest.raises(ValueError, match="expected square images"):
        symmetry(jax.random.key(0), jnp.zeros((1, 2, 3, 1)))
