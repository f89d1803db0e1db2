import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.pixelrnn import DiagonalBiLSTM, RowLSTM, lstm, skew, unskew


def test_the_cell_forgets_takes_in_and_puts_out():
    closed, opened = -100.0, 100.0
    c = jnp.asarray([[0.5]])

    def step(o, f, i, g):
        return [float(x[0, 0]) for x in lstm(jnp.asarray([[o, f, i, g]]), c)]

    np.testing.assert_allclose(step(opened, opened, closed, 9.0), [np.tanh(0.5), 0.5], rtol=1e-6)
    np.testing.assert_allclose(step(opened, closed, opened, 0.3), [np.tanh(np.tanh(0.3)), np.tanh(0.3)], rtol=1e-6)
    np.testing.assert_allclose(step(closed, opened, closed, 9.0), [0, 0.5], atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 3, 5, 1), (1, 4, 2, 3), (1, 1, 3, 1)])
def test_skewed_rows_move_by_their_number_and_back(shape):
    x = jax.random.normal(jax.random.key(0), shape)
    skewed = np.asarray(skew(x))
    for i in range(shape[1]):
        np.testing.assert_array_equal(skewed[:, i, i : i + shape[2]], x[:, i])
    assert (skewed != 0).sum() == x.size
    np.testing.assert_array_equal(unskew(skewed), x)


@pytest.mark.parametrize("kind", [RowLSTM, DiagonalBiLSTM])
def test_a_block_is_a_residual(kind):
    x = jax.random.normal(jax.random.key(0), (1, 4, 3, 8))
    block = kind(4, 1)
    params = jax.tree.map(lambda p: jnp.ones(p.shape), jax.eval_shape(block.init, jax.random.key(0), x)["params"])
    params["expand"] = jax.tree.map(jnp.zeros_like, params["expand"])
    np.testing.assert_array_equal(jax.jit(block.apply)({"params": params}, x), x)


def test_a_state_lives_as_long_as_the_image():
    """With gates that keep everything, the state of the last row is the sum of what came in above it."""
    x = jnp.zeros((1, 6, 3, 2)).at[0, 0, 1].set(1.0)
    block = RowLSTM(1, 1)
    params = jax.tree.map(lambda p: jnp.zeros(p.shape), jax.eval_shape(block.init, jax.random.key(0), x)["params"])
    params["gates"]["bias"] = jnp.asarray([100.0, 100.0, 100.0, 0.0])  # o, f and i open
    params["gates"]["kernel"] = params["gates"]["kernel"].at[0, 1, 0, 3].set(1.0)  # g is the pixel's first map
    params["expand"]["kernel"] = params["expand"]["kernel"].at[0, 0, 0, 1].set(1.0)
    h = np.asarray(jax.jit(block.apply)({"params": params}, x) - x)[0, ..., 1]
    expected = np.tanh(np.tanh(1.0)) * np.array([[0, 1, 0]] * 6)
    np.testing.assert_allclose(h, expected, rtol=1e-6)
