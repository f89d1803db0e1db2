import jax
import jax.numpy as jnp
import numpy as np

from jgan.training.pool import Pool, exchange, new_pool

exchange_jit = jax.jit(exchange)


def played(size, steps, n):
    """Images 0, 1, 2, ... given into a pool, n at a time: what came out, and what is in the pool after each step."""
    pool, out, inside = new_pool(size, (1,)), [], []
    for step in range(steps):
        images = jnp.arange(step * n, (step + 1) * n, dtype=jnp.float32)[:, None]
        given, pool = exchange_jit(jax.random.fold_in(jax.random.key(0), step), pool, images)
        out.append(np.asarray(given).ravel())
        inside.append(np.asarray(pool.images).ravel())
    return np.array(out), np.array(inside), pool


def test_a_pool_that_is_not_full_keeps_and_returns():
    out, inside, pool = played(size=6, steps=3, n=2)
    np.testing.assert_array_equal(out.ravel(), np.arange(6))
    np.testing.assert_array_equal(inside[-1], np.arange(6))
    assert pool.filled == 6


def test_after_that_half_of_what_comes_out_is_old_and_nothing_is_lost():
    out, inside, _ = played(size=8, steps=200, n=2)
    new = np.arange(400).reshape(200, 2)
    fresh = out[4:] == new[4:]
    assert 0.4 < fresh.mean() < 0.6
    assert (out[4:][~fresh] < new[4:][~fresh]).all()
    seen = sorted([*out[4:].ravel().tolist(), *inside[-1].tolist()])
    assert seen == sorted([*range(8), *range(8, 400)])  # an image is in the pool or came out, once


def test_a_batch_is_one_image_after_the_other():
    """Within a batch a later image may bring out an earlier one."""
    pool, out = new_pool(1, (1,)), []
    for step in range(40):
        given, pool = exchange_jit(jax.random.key(step), pool, jnp.arange(4.0)[:, None] + 4 * step)
        out.append(np.asarray(given).ravel() - 4 * step)
    assert any(any(o[i] in range(i) for i in range(1, 4)) for o in out)


def test_without_a_pool():
    images = jnp.ones((3, 2, 2, 1))
    found, pool = exchange(jax.random.key(0), new_pool(0, (2, 2, 1)), images)
    assert found is images and isinstance(pool, Pool) and pool.filled == 0
