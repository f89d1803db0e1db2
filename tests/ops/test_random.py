"""The same numbers as those of JAX, for every kind of key."""

import jax
import numpy as np
import pytest

from jgan.ops.random import initial_key, normal, normal_columns
from jgan.sharding import data_mesh


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
@pytest.mark.parametrize("shape", [(), (3,), (4, 0), (2, 3, 5), (70_000, 2)])
@pytest.mark.parametrize("kind", ["threefry2x32", "rbg"])
def test_normal(kind, shape, seed):
    key = jax.random.key(seed, impl=kind)
    for function in (normal, jax.jit(normal, static_argnums=1)):
        np.testing.assert_array_equal(function(key, shape), jax.random.normal(key, shape))


@pytest.mark.parametrize("kind", ["threefry2x32", "rbg"])
def test_normal_columns(kind, optimised):
    key = jax.random.key(5, impl=kind)
    jitted = jax.jit(normal_columns, static_argnums=(1, 2)), jax.jit(jax.random.normal, static_argnums=1)
    for columns, whole in ((normal_columns, jax.random.normal), jitted):
        np.testing.assert_array_equal(np.concatenate(columns(key, 3, (7, 1, 52)), axis=1), whole(key, (3, 60)))


def test_normal_of_many_keys():
    keys = jax.random.split(jax.random.key(1, impl="threefry2x32"), 3)
    ours, theirs = (jax.vmap(lambda key, draw=draw: draw(key, (4, 5)))(keys) for draw in (normal, jax.random.normal))
    np.testing.assert_array_equal(ours, theirs)


def test_normal_of_a_raw_key():
    key = jax.random.PRNGKey(3)
    np.testing.assert_array_equal(normal(key, (4, 5)), jax.random.normal(key, (4, 5)))


def test_normal_in_one_pass():
    key = jax.random.key(0, impl="threefry2x32")
    text = jax.jit(normal, static_argnums=1).lower(key, (4096,)).compile().as_text()
    assert " while(" not in text


@pytest.mark.skipif(jax.__version_info__ < (0, 12), reason="its compiler removes barriers before it makes passes")
def test_bits_are_made_once():
    key = jax.random.key(0, impl="threefry2x32")
    text = jax.jit(lambda key: tuple(normal(key, (2, 4096)))).lower(key).compile().as_text()
    assert text.count(" shift-left(") == 20  # one in every round


def test_normal_over_devices():
    mesh, key = data_mesh(jax.devices()[:4]), jax.random.key(2, impl="threefry2x32")
    spread = jax.jit(lambda key: normal(key, (8, 6)), out_shardings=jax.NamedSharding(mesh, jax.P("data")))(key)
    np.testing.assert_array_equal(spread, jax.random.normal(key, (8, 6)))


@pytest.mark.parametrize("width", [8, 16, 32])
def test_initial_bits_are_uniform(width):
    bits = jax.random.bits(initial_key(jax.random.key(3)), (2**17,), f"uint{width}")
    for first in range(0, width, 8):
        counts = np.bincount((np.asarray(bits) >> first & 255).astype(int), minlength=256)
        assert 150 < np.sum((counts - 512.0) ** 2 / 512) < 380  # chi squared of 255 degrees of freedom: 255 +- 23


def test_initial_numbers_of_two_words():
    with jax.enable_x64(True):
        drawn = np.asarray(jax.random.uniform(initial_key(jax.random.key(3)), (4096,), np.float64))
    assert drawn.dtype == np.float64 and len(np.unique(drawn)) == 4096 and abs(drawn.mean() - 0.5) < 0.03


def test_initial_keys_differ_and_their_numbers_are_independent():
    key = initial_key(jax.random.key(0))
    keys = [*jax.random.split(key, 40), *(jax.random.fold_in(key, i) for i in range(40)), *jax.random.split(jax.random.fold_in(key, 0), 40)]
    assert len({tuple(np.asarray(jax.random.key_data(k))) for k in keys}) == 120
    drawn = np.stack([jax.random.normal(k, (4096,)) for k in keys])
    assert abs(drawn.mean()) < 0.006 and abs(drawn.std() - 1) < 0.005  # four deviations of the mean and of the deviation of 120 * 4096
    across = np.corrcoef(drawn) - np.eye(120)
    assert np.abs(across).max() < 5.5 / 64
    along = np.corrcoef(np.stack([drawn[:, :-1].ravel(), drawn[:, 1:].ravel()]))[0, 1]
    assert abs(along) < 0.006


def test_initial_numbers_do_not_depend_on_the_compiler():
    key = initial_key(jax.random.key(1))
    np.testing.assert_array_equal(jax.jit(lambda k: jax.random.bits(k, (3, 4)))(key), jax.random.bits(key, (3, 4)))
    mapped = jax.vmap(lambda k: jax.random.bits(k, (5,)))(jax.random.split(key, 3))
    np.testing.assert_array_equal(mapped, np.stack([jax.random.bits(k, (5,)) for k in jax.random.split(key, 3)]))
