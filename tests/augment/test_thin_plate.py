"""Random smooth maps of the plane."""

import jax
import jax.numpy as jnp
import numpy as np

from jgan.augment.thin_plate import moved, random_plate, seen_through, slopes

PLACES = jax.random.uniform(jax.random.key(1), (2, 7, 2), minval=-1.0)


def test_slopes_are_those_of_differences():
    plate, found, step = random_plate(jax.random.key(0), 2), [], 1e-2
    for axis in jnp.eye(2):
        ahead, behind = (moved(plate, PLACES + sign * step * axis[None, None]) for sign in (1, -1))
        found.append((ahead - behind) / (2 * step))
    np.testing.assert_allclose(slopes(plate, PLACES), jnp.stack(found, axis=-1), atol=5e-3)


def test_a_map_is_bent_and_differs_from_the_next():
    plate = random_plate(jax.random.key(0), 2)
    still = plate._replace(weights=0 * plate.weights)
    assert jnp.abs(moved(plate, PLACES) - moved(still, PLACES)).max() > 1e-3
    assert jnp.abs(plate.affine[0] - plate.affine[1]).max() > 1e-3
    assert 1e-3 < jnp.abs(moved(plate, PLACES) - PLACES).mean() < 0.3


def test_images_are_seen_where_the_map_says():
    """A shift to the right by one of eight pixels."""
    still = random_plate(jax.random.key(0), 1, 0.0, 0.0)
    shift = still._replace(affine=still.affine.at[0, 0, 2].set(0.25))
    images = jax.random.normal(jax.random.key(2), (1, 8, 8, 3))
    np.testing.assert_allclose(seen_through(still, images), images, atol=1e-5)
    np.testing.assert_allclose(seen_through(shift, images)[:, :, :-1], images[:, :, 1:], atol=1e-5)
