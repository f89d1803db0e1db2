"""What all pixel networks have in common: which pixels see which, and that drawing with remembered activations is true to the model."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models import pixels
from jgan.models.pixelcnn import BlockNetwork, ConvolutionBlock, GatedPixelCNN
from jgan.models.pixelrnn import DiagonalBiLSTM, RowLSTM

HEIGHT, WIDTH, CHANNELS, LEVELS = 4, 6, 2, 3
SUBPIXELS = HEIGHT * WIDTH * CHANNELS
SMALL = dict(features=6, head_features=6, channels=CHANNELS, outputs=LEVELS, margin=1)


class Case(NamedTuple):
    network: nn.Module
    sees: Callable  # (rows up, columns to the right, whether it is the last of its row) -> whether that sub-pixel is seen, with margin 1


# The blind spots, as the docstrings of the networks have them.
CASES = {
    "pixelcnn": Case(BlockNetwork(ConvolutionBlock, 2, **SMALL), lambda up, right, last: up <= 1 + 2 and -(1 + 2) <= right <= up),
    "row_lstm": Case(BlockNetwork(RowLSTM, 1, **SMALL), lambda up, right, last: -(1 + up + 1) <= right <= up),
    "diagonal_bilstm": Case(BlockNetwork(DiagonalBiLSTM, 1, **SMALL), lambda up, right, last: not last or up != 1 or right <= 1),
    "gated_pixelcnn": Case(GatedPixelCNN(2, reach=2, **SMALL), lambda up, right, last: True),
}


@functools.cache
def params_of(name):
    network = CASES[name].network
    return jax.jit(network.init)(jax.random.key(0), jnp.zeros((1, HEIGHT, WIDTH, CHANNELS)))["params"]


def influence(name, draws=8):
    """[SUBPIXELS, SUBPIXELS]: the gradient of the logits of each sub-pixel with respect to each, its size summed over some images."""
    network, params = CASES[name].network, params_of(name)

    @jax.jit
    @jax.grad
    def gradient(images):
        logits = network.apply({"params": params}, images)
        own = jnp.sum(logits * jnp.arange(1.0, LEVELS + 1)[None, None, None, None], -1).reshape(draws, SUBPIXELS, SUBPIXELS)
        return jnp.sum(jnp.diagonal(own, axis1=1, axis2=2))  # of copy i of an image the sub-pixel i

    images = jax.random.uniform(jax.random.key(1), (draws, HEIGHT, WIDTH, CHANNELS), minval=-1.0)
    found = gradient(jnp.repeat(images, SUBPIXELS, axis=0)).reshape(draws, SUBPIXELS, SUBPIXELS)
    return np.abs(np.asarray(found)).sum(0)


@pytest.mark.parametrize("name", CASES)
def test_exactly_the_earlier_sub_pixels_within_the_context_are_seen(name):
    row, column, channel = np.unravel_index(np.arange(SUBPIXELS), (HEIGHT, WIDTH, CHANNELS))
    earlier = np.tril(np.ones((SUBPIXELS, SUBPIXELS), bool), -1)
    last = (column == WIDTH - 1) & (channel == CHANNELS - 1)
    sees = np.vectorize(CASES[name].sees)(row[:, None] - row, column - column[:, None], last)
    found = influence(name)
    assert (found[~earlier] == 0).all()
    np.testing.assert_array_equal(found > 0, earlier & sees)


@pytest.mark.parametrize("name", CASES)
def test_what_is_drawn_is_what_the_whole_network_says(name):
    """Each sub-pixel is where its uniform number falls in the distribution that one pass over the finished image gives it; since that
    depends on earlier ones alone, one pass per sub-pixel would draw the same image."""
    network, params = CASES[name].network, params_of(name)
    uniforms = jax.random.uniform(jax.random.key(2), (6, HEIGHT, WIDTH, CHANNELS))
    images = jax.jit(pixels.draw, static_argnums=(0, 3))(network, params, uniforms, LEVELS)
    probabilities = np.exp(pixels.log_probabilities(jax.jit(network.apply)({"params": params}, images)))
    expected = (np.cumsum(probabilities, -1)[..., :-1] <= np.asarray(uniforms)[..., None]).sum(-1)
    np.testing.assert_allclose(images, expected - 1.0, atol=1e-6)
    assert set(np.unique(expected)) == {0, 1, 2}


class Ramp(nn.Module):
    """A pixel network without a network: the upper of two levels, the likelier the brighter the pixel on the left."""

    margin: int = 1

    def above(self, canvas, label, place):
        return None

    def here(self, canvas, above, label=None, place=None):
        return (2 * canvas[:, 1:, :-2] - 1)[..., None]


def drawn(uniforms, **settings):
    return np.asarray(pixels.draw(Ramp(), {}, uniforms, 2, **settings))


def test_drawing_follows_the_distribution():
    uniforms = jax.random.uniform(jax.random.key(0), (2000, 1, 2, 1))
    images = drawn(uniforms)
    first, second = images[:, 0, 0, 0] > 0, images[:, 0, 1, 0] > 0
    of_upper = 1 / (1 + np.exp(-np.array([-1.0, -3.0, 1.0])))  # beside the margin, a lower one, an upper one
    found = [first.mean(), second[~first].mean(), second[first].mean()]
    np.testing.assert_allclose(found, of_upper, atol=0.05)


def test_known_pixels_are_kept_and_seen():
    uniforms = jnp.full((1, 2, 3, 1), 0.6)  # upper exactly on the right of an upper one
    assert (drawn(uniforms) == -1).all()
    given, known = jnp.ones((1, 2, 3, 1)), jnp.asarray([[False, True, False], [False] * 3])
    np.testing.assert_array_equal(drawn(uniforms, given=given, known=known)[0, ..., 0], [[-1, 1, 1], [-1, -1, -1]])


def test_temperature_is_that_of_each_image():
    uniforms = jnp.full((2, 1, 1, 1), 0.9)  # above the probability of the lower level, 0.73, but not at a low temperature
    np.testing.assert_array_equal(drawn(uniforms, temperature=jnp.asarray([1.0, 0.1])).ravel(), [1, -1])


def test_known_pixels_need_images():
    with pytest.raises(ValueError, match="or neither, found only one"):
        drawn(jnp.zeros((1, 2, 2, 1)), known=jnp.ones((2, 2), bool))


def test_likelihoods_of_all_images_sum_to_one():
    network = BlockNetwork(ConvolutionBlock, 1, 4, 4, channels=1, outputs=3, margin=1)
    values = jnp.asarray(np.stack(np.meshgrid(*[np.arange(3)] * 4), -1).reshape(81, 2, 2, 1), jnp.int32)
    images = pixels.scale(values, 3)
    logits, _ = jax.jit(network.init_with_output)(jax.random.key(0), images)
    nats = pixels.negative_log_likelihood(5 * logits, values)
    np.testing.assert_allclose(np.exp(-np.asarray(nats)).sum(), 1, rtol=1e-5)


@pytest.mark.parametrize("levels", [1, 257])
def test_levels_in_a_byte(levels):
    with pytest.raises(ValueError, match=f"expected 2 to 256 levels, found {levels}"):
        pixels.quantise(jnp.zeros((1,), jnp.uint8), levels)


def test_all_levels_of_a_byte_stay_apart():
    bytes_ = jnp.arange(256, dtype=jnp.uint8)
    np.testing.assert_array_equal(pixels.quantise(bytes_, 256), np.arange(256))
    assert np.bincount(pixels.quantise(bytes_, 8)).tolist() == [32] * 8


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_half_precision(name):
    images = jax.random.uniform(jax.random.key(1), (2, HEIGHT, WIDTH, CHANNELS), minval=-1.0)
    network, params = CASES[name].network, params_of(name)
    exact, half = (jax.jit(net.apply)({"params": params}, images) for net in (network, network.clone(dtype=jnp.bfloat16)))
    assert half.dtype == jnp.float32
    np.testing.assert_allclose(half, exact, atol=0.05)
    assert np.abs(half - exact).max() > 0
