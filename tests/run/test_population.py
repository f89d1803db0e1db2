"""Many games at once: each is the one that it would be alone; the interval of a success rate."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.ops.convolution import convolution
from jgan.run.population import population, wilson
from jgan.types import Array, Training

IMAGES = jnp.asarray(np.random.default_rng(0).integers(0, 255, (9, 4, 4, 1)), jnp.uint8)


class State(NamedTuple):
    step: Array
    kernel: Array


def make(rate):
    """A kernel that drifts with what it sees, at a rate that is traced."""

    def init(key, batch):
        return State(jnp.zeros((), jnp.int32), jax.random.normal(key, (3, 3, 1, 1)))

    def step(state, batch, key):
        seen = convolution(batch["image"].astype(jnp.float32) / 255.0, state.kernel)
        noise = jax.random.normal(jax.random.fold_in(key, state.step), state.kernel.shape)
        return State(state.step + 1, state.kernel + rate * (jnp.mean(seen) + 0.1 * noise)), {}

    return Training(init, step, None)


@pytest.fixture(scope="module")
def together():
    return population(make, IMAGES, [3, 5], batch=4)


def test_a_game_among_others_is_the_game_alone(together):
    (begin, advance), (begin_one, advance_one) = together, population(make, IMAGES, [5], batch=4)
    both, alone = begin(0.1), begin_one(0.1)
    np.testing.assert_array_equal(both.kernel[1], alone.kernel[0])
    both, alone = (jax.device_get(state) for state in (advance(both, 0.1, 6), advance_one(alone, 0.1, 6)))
    assert both.step.tolist() == [6, 6]
    np.testing.assert_allclose(both.kernel[1], alone.kernel[0], rtol=1e-5)
    assert np.abs(both.kernel[0] - both.kernel[1]).max() > 0.1


def test_parts_are_the_whole_and_the_setting_matters(together):
    begin, advance = together
    whole, parts = advance(begin(0.1), 0.1, 5), advance(advance(begin(0.1), 0.1, 2), 0.1, 3)
    np.testing.assert_allclose(whole.kernel, parts.kernel, rtol=1e-6)
    np.testing.assert_array_equal(advance(begin(0.1), 0.0, 5).kernel, begin(0.1).kernel)


INTERVALS = [(0, 8, 0.0, 0.324), (8, 8, 0.676, 1.0), (8, 10, 0.490, 0.943), (50, 100, 0.404, 0.596)]


@pytest.mark.parametrize("successes, trials, low, high", INTERVALS)
def test_intervals(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=6e-4)


@pytest.mark.parametrize("successes, trials", [(-1, 3), (4, 3), (0, 0)])
def test_no_such_rate(successes, trials):
    with pytest.raises(ValueError, match="expected 0 <= successes <= trials"):
        wilson(successes, trials)
