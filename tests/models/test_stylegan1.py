"""Styles at every layer: what they normalise, noise per channel, mixing, and growth."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models import stylegan1
from jgan.models.progan import enlarged, first_levels
from jgan.models.stylegan2 import draw_noise, plan

LEVELS = plan(16, 128, 8)


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def alpha(value, n=4):
    return jnp.full((n,), value, jnp.float32)


def test_a_style_sets_mean_and_deviation_of_every_channel():
    module, x, w = stylegan1.Styled(), normal(2, 6, 6, 3), normal(2, 5, seed=1)
    params = module.init(jax.random.key(0), x, w, None)["params"]
    y = module.apply({"params": params}, x, w, None)
    scale, shift = (w @ params[name]["kernel"] / np.sqrt(5) + params[name]["bias"][None] for name in ("scale", "shift"))
    np.testing.assert_allclose(y.mean((1, 2)), shift, atol=1e-5)
    np.testing.assert_allclose(y.std((1, 2)), np.abs(scale), rtol=1e-4)
    assert (params["scale"]["bias"] == 1).all() and (params["shift"]["bias"] == 0).all()


def test_noise_has_a_strength_per_channel_before_the_bias():
    module, x, w, noise = stylegan1.Styled(), normal(2, 4, 4, 3), normal(2, 5, seed=1), normal(2, 4, 4, 1, seed=2)
    params = module.init(jax.random.key(0), x, w, noise)["params"]
    plain = module.apply({"params": params}, x, w, None)
    np.testing.assert_array_equal(module.apply({"params": params}, x, w, noise), plain)  # its strength is 0 at first
    noisy = module.apply({"params": {**params, "noise_strength": jnp.asarray([0.0, 1.0, 0.0])}}, x, w, noise)
    np.testing.assert_array_equal(noisy[..., ::2], plain[..., ::2])
    assert np.abs(noisy[..., 1] - plain[..., 1]).max() > 0.1
    shifted = module.apply({"params": params}, x + noise * jnp.asarray([0.0, 1.0, 0.0])[None, None, None], w, None)
    np.testing.assert_allclose(noisy, shifted, atol=1e-5)


@pytest.fixture(scope="module")
def generators():
    """A generator of two levels, one of three, and parameters and states of which the larger ones hold the smaller."""
    small, large = (stylegan1.generator(first_levels(LEVELS, n), 3, n == 3, style_size=6, mapping_layers=2) for n in (2, 3))
    before, after = (stylegan1.mixing(g).init(jax.random.key(seed), normal(4, 5), alpha(1)) for seed, g in enumerate((small, large)))
    params = {"mapping": before[0]["mapping"], "synthesis": {**after[0]["synthesis"], **before[0]["synthesis"]}}
    return small, large, before, (params, after[1])


def test_a_fade_begins_with_the_smaller_generator_and_ends_without_its_image(generators):
    small, large, before, (params, state) = generators
    w = stylegan1.styles(small, *before, normal(4, 5))[0][:, :1]
    ws, noise = jnp.repeat(w, 6, axis=1), draw_noise(jax.random.key(0), 4, LEVELS)
    expected = enlarged(small.synthesis.apply(before[0]["synthesis"], before[1]["synthesis"], ws[:, :4], alpha(1), noise[:2])[0])
    found = large.synthesis.apply(params["synthesis"], state["synthesis"], ws, alpha(0), noise)[0]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    gradients = jax.grad(lambda p: jnp.sum(jnp.square(large.synthesis.apply(p, state["synthesis"], ws, alpha(1), noise)[0])))
    found = gradients(params["synthesis"])
    assert [bool(jnp.abs(found[f"to_image_{level}"]["kernel"]).max() > 0) for level in (1, 2)] == [False, True]


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_mixing_in_training(generators, probability):
    """Without mixing an image belongs to its style; with it no image does."""
    _, g, _, (params, state) = generators
    network, z = stylegan1.mixing(g, probability), normal(4, 5)
    images, after = network.apply(params, state, z, alpha(1), key=jax.random.key(0), train=True)
    plain = stylegan1.synthesise(g, params, state, stylegan1.styles(g, params, state, z)[0], alpha(1))  # the strength of noise is 0
    differences = np.abs(images - plain).max((1, 2, 3))
    assert (differences < 1e-5).all() if probability == 0 else (differences > 1e-3).all()
    w = stylegan1.styles(g, params, state, z)[0][:, 0]
    np.testing.assert_allclose(after["mapping"]["average"]["w"], 0.005 * w.mean(0), rtol=1e-4)
    np.testing.assert_array_equal(after["synthesis"]["noise"]["constant"][2], state["synthesis"]["noise"]["constant"][2])


def test_as_many_parameters_as_published():
    """26.2 million at 1024 x 1024 (Karras et al. 2018, section 2)."""
    g = stylegan1.generator(plan(1024, 16384, 512))
    z, shares = jax.ShapeDtypeStruct((4, 512), np.float32), jax.ShapeDtypeStruct((4,), np.float32)
    params, _ = jax.eval_shape(stylegan1.mixing(g).init, jax.random.key(0), z, shares)
    assert g.layers == 18
    assert sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params)) == pytest.approx(26.2e6, rel=0.003)
