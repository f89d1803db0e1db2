"""Colour matrices, frequency bands, noise and boxes in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.augment.chain import GATES, NORMALS, UNIFORMS, Draws, colour_chain
from jgan.augment.recolour import add_noise, cut_out, filter_bands, filter_bank, recolour, reflect

RED = np.array([1.0, 0.0, 0.0])


def colour_matrix(name, uniform=0.5, normal=0.0):
    one = jnp.ones((1,), jnp.float32)
    on = {gate: (one if gate == name else 0 * one) > 0 for gate in GATES}
    draws = Draws({}, {key: uniform * one for key in UNIFORMS}, {key: normal * one for key in NORMALS})
    return colour_chain(draws, on)


@pytest.mark.parametrize(
    ("name", "draw", "expected"),
    [
        ("brightness", dict(normal=1.0), [1.2, 0.2, 0.2]),
        ("contrast", dict(normal=2.0), [2.0, 0.0, 0.0]),
        ("lumaflip", dict(uniform=0.4), [1.0, 0.0, 0.0]),
        ("lumaflip", dict(uniform=0.6), [1 / 3, -2 / 3, -2 / 3]),
        ("hue", dict(uniform=5 / 6), [0.0, 1.0, 0.0]),
        ("hue", dict(uniform=1 / 6), [0.0, 0.0, 1.0]),
        ("saturation", dict(normal=1.0), [5 / 3, -1 / 3, -1 / 3]),
    ],
)
def test_red_becomes(name, draw, expected):
    red = jnp.asarray(RED, jnp.float32).reshape(1, 1, 1, 3)
    np.testing.assert_allclose(recolour(red, colour_matrix(name, **draw)).ravel(), expected, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_reflect_is_that_of_numpy(size):
    expected = np.pad(np.arange(size), 3 * size, mode="reflect")
    np.testing.assert_array_equal(reflect(np.arange(-3 * size, 4 * size), size), expected)


def test_bands_split_the_spectrum():
    bank = filter_bank()
    assert bank.shape == (4, 43)
    np.testing.assert_allclose(bank, bank[:, ::-1], atol=1e-12)
    np.testing.assert_allclose(bank.sum(axis=0), np.eye(43)[21], atol=1e-12)
    gain = np.abs(np.fft.rfft(bank, 512, axis=1))
    middles = [0, 3 / 16, 3 / 8, 1]  # of the bands, in units of pi
    at_middle = gain[:, [round(256 * middle) for middle in middles]]
    assert (at_middle.argmax(axis=0) == np.arange(4)).all() and (np.diag(at_middle) > 0.7).all()


def test_filtering_equals_a_convolution_of_the_reflected_image():
    images = jax.random.normal(jax.random.key(0), (2, 6, 9, 2), jnp.float32)
    gains = jnp.array([[1.0, 0.5, 2.0, 0.1], [0.0, 1.0, 0.0, 3.0]])
    result = filter_bands(images, gains)
    for i in range(2):
        expected = np.asarray(images[i], np.float64)
        taps = np.asarray(gains[i]) @ filter_bank()
        for axis in (0, 1):
            padding = [(21, 21) if a == axis else (0, 0) for a in range(3)]
            padded = np.pad(expected, padding, mode="reflect")
            expected = np.apply_along_axis(lambda line, taps=taps: np.convolve(line, taps, mode="valid"), axis, padded)
        np.testing.assert_allclose(result[i], expected, atol=1e-5)


def test_noise_is_added_and_grey_takes_the_first_channel():
    noise = jnp.arange(12, dtype=jnp.float32).reshape(1, 2, 2, 3)
    np.testing.assert_array_equal(add_noise(jnp.ones((1, 2, 2, 3)), noise), 1 + noise)
    np.testing.assert_array_equal(add_noise(jnp.ones((1, 2, 2, 1)), noise), 1 + noise[..., :1])


def test_boxes_are_cut_out_and_an_empty_box_is_none():
    result = cut_out(jnp.ones((2, 4, 6, 1)), jnp.array([[-1.0, 2.0, 3.0, 9.0], [0.0, 0.0, 0.0, 0.0]]))
    expected = np.ones((2, 4, 6, 1))
    expected[0, :2, 3:] = 0
    np.testing.assert_array_equal(result, expected)
