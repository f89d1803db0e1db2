"""Projection and tuning, on generators in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.control.projection import Projection, autocorrelation, normalised, project, tune

KEY = jax.random.key(0)
SHAPE = (2, 3, 4)  # images, layers, style_size


@pytest.fixture(autouse=True)
def implicit_promotion():
    """optax promotes dtypes implicitly."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def stripes(ws, noise):
    """Images [N, 3, 4, 1] whose row is the style of the layer."""
    return ws[..., None]


def squares(images, targets):
    return jnp.mean(jnp.square(images - targets), axis=(1, 2, 3))


def start(*noise):
    return Projection(jnp.zeros(SHAPE), noise)


def test_one_style_is_the_mean_and_each_layer_the_image():
    targets = jax.random.normal(KEY, (*SHAPE, 1))
    found = project(KEY, targets, start(), stripes, squares, spread=1.0, steps=200)
    np.testing.assert_allclose(found.ws, jnp.broadcast_to(targets[..., 0].mean(axis=1, keepdims=True), SHAPE), atol=0.02)
    each = project(KEY, targets, found, stripes, squares, spread=1.0, steps=200, each_layer=True)
    np.testing.assert_allclose(each.ws, targets[..., 0], atol=0.02)


def test_the_noise_on_styles_falls_to_none():
    """As strong as it is at first, nothing is found; in the last quarter there is none."""
    targets = jnp.ones((*SHAPE, 1))
    after = [project(KEY, targets, start(), stripes, squares, spread=spread, steps=200).ws for spread in (0.0, 5.0)]
    assert 0 < np.abs(after[0] - after[1]).max() < 0.05


def test_noise_maps_stay_noise():
    """Targets ask for smooth maps; their penalty does not let them."""
    smooth = jnp.broadcast_to(jnp.linspace(-2.0, 2.0, 16)[:, None, None], (2, 16, 16, 1))
    begin = start(jax.random.normal(KEY, (2, 16, 16, 1)))
    found = [
        project(KEY, smooth, begin, lambda ws, noise: noise[0], squares, spread=0.0, steps=60, noise_weight=weight).noise[0]
        for weight in (0.0, 1e5)
    ]
    for maps in found:
        np.testing.assert_allclose(maps.mean(axis=(1, 2)), 0, atol=1e-5)
        np.testing.assert_allclose(maps.var(axis=(1, 2)), 1, rtol=1e-4)
    assert autocorrelation(found[1]).max() < 0.05 < 0.5 < autocorrelation(found[0]).min()


@pytest.mark.parametrize(
    ("maps", "expected"),
    [
        (np.tile([[1, -1], [-1, 1]], (4, 4)), 2.0),  # 8 x 8: unlike its neighbours, on one scale
        (np.tile([[1, -1], [-1, 1]], (8, 8)), 2.0),  # 16 x 16: the mean of 2 x 2 is 0
        (np.ones((16, 16)), 2 + 2 * 16),  # twice the mean is 2, whose square is 4
        (np.tile([[1.0], [-1.0]], (3, 9)), 2.0),
    ],
)
def test_autocorrelation(maps, expected):
    np.testing.assert_allclose(autocorrelation(jnp.asarray(maps, jnp.float32)[None, :, :, None]), [expected])


def test_autocorrelation_of_noise_is_next_to_none_and_of_several_maps_the_sum():
    noise = jax.random.normal(KEY, (1, 64, 64, 2))
    each = [autocorrelation(noise[..., channel : channel + 1]) for channel in (0, 1)]
    np.testing.assert_allclose(autocorrelation(noise), each[0] + each[1], rtol=1e-5)
    assert each[0] < 0.1
    np.testing.assert_allclose(normalised(3 * noise + 1), normalised(noise), atol=1e-5)


def test_tuning_reaches_what_styles_cannot():
    targets, pivot = jnp.full((1, 3, 4, 1), 0.1), Projection(jnp.ones((1, 3, 4)), ())

    def generate(params, ws, noise):
        return params["scale"] * ws[..., None]

    found = tune({"scale": jnp.zeros(())}, targets, pivot, generate, squares, steps=400, learning_rate=1e-3)
    np.testing.assert_allclose(found["scale"], 0.1, atol=5e-3)
