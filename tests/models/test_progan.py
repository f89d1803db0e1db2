"""Growing networks: exact at both ends of a fade, sizes as published."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.progan import BOX, discriminator, enlarged, first_levels, generator, shrunk
from jgan.models.stylegan2 import plan
from jgan.ops.resample import BINOMIAL, downsample

LEVELS = plan((16, 24), 128, 8)
Z, IMAGES = (jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32) for shape in ((4, 6), (4, 8, 12, 3)))


def alpha(value):
    return jnp.full((4,), value, jnp.float32)


@pytest.fixture(scope="module", params=[BOX, BINOMIAL], ids=["box", "blur"])
def players(request):
    """Small networks and larger ones with the same parameters at all levels of the small ones."""
    small = generator(first_levels(LEVELS, 2)), discriminator(first_levels(LEVELS, 2), taps=request.param)
    large = generator(LEVELS, fades=True), discriminator(LEVELS, True, request.param)
    before = small[0].init(jax.random.key(0), Z, alpha(1))[0], small[1].init(jax.random.key(1), IMAGES, alpha(1))[0]
    after = large[0].init(jax.random.key(2), Z, alpha(1))[0], large[1].init(jax.random.key(3), enlarged(IMAGES), alpha(1))[0]
    assert all(set(old) <= set(new) for old, new in zip(before, after, strict=True))
    return small, large, before, tuple({**new, **old} for new, old in zip(after, before, strict=True))


def test_a_fade_begins_with_the_smaller_networks(players):
    (g, d), (large_g, large_d), (old_g, old_d), (new_g, new_d) = players
    expected = enlarged(g.apply(old_g, {}, Z, alpha(1))[0])
    np.testing.assert_allclose(large_g.apply(new_g, {}, Z, alpha(0))[0], expected, atol=1e-6)
    logits = d.apply(old_d, {}, IMAGES, alpha(1))[0]
    np.testing.assert_allclose(large_d.apply(new_d, {}, enlarged(IMAGES), alpha(0))[0], logits, atol=1e-6)
    assert np.abs(large_g.apply(new_g, {}, Z, alpha(0.5))[0] - expected).max() > 1e-2


def test_a_fade_ends_without_the_smaller_networks(players):
    _, (g, d), _, (new_g, new_d) = players
    of_g = jax.grad(lambda p: jnp.sum(jnp.square(g.apply(p, {}, Z, alpha(1))[0])))(new_g)
    of_d = jax.grad(lambda p: jnp.sum(d.apply(p, {}, enlarged(IMAGES), alpha(1))[0]))(new_d)
    for gradients, name in ((of_g, "to_image"), (of_d, "from_image")):
        sizes = [{float(jnp.abs(x).max()) > 0 for x in jax.tree.leaves(gradients[f"{name}_{level}"])} for level in (1, 2)]
        assert sizes == [{False}, {True}]
    whole = generator(LEVELS), discriminator(LEVELS, taps=BOX)
    same = {name: value for name, value in new_g.items() if name != "to_image_1"}
    np.testing.assert_array_equal(whole[0].apply(same, {}, Z, alpha(0))[0], g.apply(new_g, {}, Z, alpha(1))[0])


def test_as_many_parameters_as_published():
    """Of the networks for 1024 x 1024: 23.1 million each (Karras et al. 2017, table 2); a bias per pixel of the first layer is ours."""
    levels = plan(1024, 16384, 512)
    images, z, shares = (jax.ShapeDtypeStruct(shape, np.float32) for shape in ((4, 1024, 1024, 3), (4, 512), (4,)))
    for network, x in ((generator(levels), z), (discriminator(levels), images)):
        shapes = jax.eval_shape(network.init, jax.random.key(0), x, shares)[0]
        assert sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes)) == pytest.approx(23.1e6, rel=0.003)


def test_images_twice_as_large_and_half():
    np.testing.assert_array_equal(enlarged(IMAGES), np.repeat(np.repeat(IMAGES, 2, 1), 2, 2))
    np.testing.assert_array_equal(shrunk(enlarged(IMAGES, 4), 4), IMAGES)
    blurred = jax.scipy.signal.convolve(IMAGES[..., 0], jnp.outer(*[jnp.asarray([1.0, 2.0, 1.0]) / 4] * 2)[None], "same")
    np.testing.assert_allclose(downsample(IMAGES[..., :1], BINOMIAL)[..., 0], shrunk(blurred[..., None])[..., 0], atol=1e-5)


def test_generated_features_have_unit_length_and_images_none():
    g = generator(LEVELS)
    params, _ = g.init(jax.random.key(0), Z, alpha(1))
    images, _ = g.apply(params, {}, Z, alpha(1))
    assert images.shape == (4, 16, 24, 3) and np.abs(images).max() > 1
    np.testing.assert_allclose(np.mean(np.square(images)), 1, rtol=0.6)
