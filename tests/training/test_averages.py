"""Half-lives in images, exactly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.training import average, average_decay, follow_average


@pytest.mark.parametrize("batch_size, half_life", [(1, 10), (8, 64), (32, 100)])
def test_after_one_half_life_half_of_the_average_is_renewed(batch_size, half_life):
    decay = average_decay(batch_size, jnp.zeros((), jnp.int32), half_life)
    remaining = float(decay) ** (half_life / batch_size)
    assert remaining == pytest.approx(0.5, rel=1e-5)


def test_the_average_of_a_step_response():
    mean, target = {"w": jnp.zeros((2,))}, {"w": jnp.asarray([1.0, -4.0])}
    decay = average_decay(4, jnp.asarray(0), half_life=32)
    for _ in range(8):
        mean = average(mean, target, decay)
    np.testing.assert_allclose(mean["w"], [0.5, -2.0], rtol=1e-6)


RAMP = [(0, 0.0), (100, 0.5 ** (8 / 5)), (10**6, 0.5 ** (8 / 1000))]  # 5 % of 100 images; beyond 20,000 images the half-life itself


@pytest.mark.parametrize("images, decay", RAMP)
def test_ramp_up(images, decay):
    found = jax.jit(lambda images: average_decay(8, images, half_life=1000, ramp_up=0.05))(jnp.asarray(images))
    assert float(found) == pytest.approx(decay, rel=1e-6)


def test_the_first_step_of_a_ramp_takes_over_the_parameters():
    decay = average_decay(8, jnp.asarray(0), half_life=1000, ramp_up=0.05)
    np.testing.assert_array_equal(average(jnp.ones((3,)), jnp.full((3,), 0.1), decay), np.full((3,), 0.1, np.float32))


def test_without_half_life_there_is_no_average():
    assert float(average_decay(8, jnp.asarray(5), half_life=0)) == 0


def test_dtypes_and_structure_are_those_of_the_parameters():
    tree = {"a": jnp.ones((2,), jnp.bfloat16), "b": [jnp.ones((3,))]}
    mean = average(tree, jax.tree.map(lambda x: 2 * x, tree), jnp.float32(0.5))
    assert jax.tree.map(lambda x: (x.shape, x.dtype), mean) == jax.tree.map(lambda x: (x.shape, x.dtype), tree)
    assert float(mean["b"][0][0]) == 1.5


@pytest.mark.parametrize("step", [2**20 - 1, 2**20, 2**30])
def test_images_beyond_whole_numbers_of_32_bits(step):
    found = follow_average(jnp.zeros(()), jnp.ones(()), jnp.asarray(step, jnp.int32), 2048, half_life=10_000)
    np.testing.assert_allclose(found, 1 - 0.5 ** (2048 / 10_000), rtol=1e-5)
