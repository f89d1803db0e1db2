import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.augment.crop import random_crop


def test_each_image_at_a_place_of_its_own_and_all_places_occur():
    rows, columns = jnp.meshgrid(jnp.arange(5), jnp.arange(6), indexing="ij")
    images = jnp.broadcast_to(jnp.stack([rows, columns], axis=2)[None], (200, 5, 6, 2))
    found = np.asarray(jax.jit(random_crop, static_argnums=(2, 3))(jax.random.key(0), images, 3, 4))
    corners = found[:, :1, :1]
    np.testing.assert_array_equal(found, corners + np.asarray(images)[:, :3, :4])
    assert {tuple(c) for c in corners.reshape(-1, 2).tolist()} == {(y, x) for y in range(3) for x in range(3)}


def test_the_whole_image():
    images = jnp.ones((2, 4, 4, 1), jnp.uint8)
    assert random_crop(jax.random.key(0), images, 4, 4) is images
    with pytest.raises(ValueError, match="at least 5 x 4 pixels"):
        random_crop(jax.random.key(0), images, 5, 4)
