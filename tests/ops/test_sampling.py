"""Images looked up at places, beside a definition in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jgan.ops.sampling import enlarge, pixel_places, sample_at
from jgan.run.export import export, load_exported


def images(*shape, seed=0):
    return jax.random.normal(jax.random.key(seed), shape)


@pytest.mark.parametrize("shape", [(2, 4, 6, 3), (1, 5, 1, 1)])
def test_at_the_middles_of_the_pixels_are_the_images(shape):
    found = sample_at(images(*shape), jnp.broadcast_to(pixel_places(*shape[1:3])[None], (shape[0], *shape[1:3], 2)))
    np.testing.assert_allclose(found, images(*shape), atol=1e-5)


def test_a_move_by_a_pixel():
    """To the right by one of six pixels: what is seen there lies a third of the width of 2 further."""
    x = images(1, 4, 6, 2)
    found = sample_at(x, pixel_places(4, 6)[None] + jnp.asarray([1 / 3, 0.0])[None, None, None])
    np.testing.assert_allclose(found[:, :, :-1], x[:, :, 1:], atol=1e-5)
    np.testing.assert_allclose(found[:, :, -1], x[:, :, -1], atol=1e-5)


def test_between_four_pixels_and_beyond_the_edge():
    x = images(1, 2, 2, 1)
    found = sample_at(x, jnp.asarray([[[[0.0, 0.0], [-9.0, 9.0]]]])).ravel()
    np.testing.assert_allclose(found, [float(x.mean()), float(x[0, 1, 0, 0])], rtol=1e-5)


def test_derivatives():
    places = jax.random.uniform(jax.random.key(1), (2, 3, 2, 2), minval=-0.9, maxval=0.9)
    check_grads(lambda x: sample_at(x, places), (images(2, 4, 5, 2),), order=1, modes=["rev"])
    inner = jnp.asarray([[[[0.13, -0.21], [0.5, 0.33]]]])  # between the same pixels within the step of the difference
    check_grads(lambda at: sample_at(images(1, 4, 5, 2), at), (inner,), order=1, modes=["rev"], eps=1e-3, rtol=1e-2)


def test_places_beyond_the_edge_have_no_slope():
    slope = jax.grad(lambda at: sample_at(images(1, 4, 4, 1), at).sum())(jnp.full((1, 1, 1, 2), 3.0))
    assert not slope.any()


@pytest.mark.parametrize("shapes", [((1, 4, 4), (1, 2, 2, 2)), ((1, 4, 4, 3), (2, 2, 2, 2)), ((1, 4, 4, 3), (1, 2, 2, 3))])
def test_shapes_that_do_not_fit(shapes):
    with pytest.raises(ValueError, match="expected images"):
        sample_at(*map(jnp.zeros, shapes))


def test_places_enlarged_are_places():
    """Within the outermost middles: beyond, an image goes on as it ends."""
    found = enlarge(pixel_places(4, 4)[None], 8, 8)
    np.testing.assert_allclose(found[:, 1:-1, 1:-1], pixel_places(8, 8)[None, 1:-1, 1:-1], atol=1e-6)


def test_exported_for_every_platform_with_any_number_of_images(tmp_path):
    shapes = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((4, 6, 2), (3, 3, 2))]
    export(sample_at, tmp_path / "sampler", *shapes)
    places = jax.random.uniform(jax.random.key(1), (3, 3, 3, 2), minval=-1)
    found = load_exported(tmp_path / "sampler")(images(3, 4, 6, 2), places)
    np.testing.assert_allclose(found, sample_at(images(3, 4, 6, 2), places), atol=1e-6)
