"""Frozen parameters: they stay to the bit, without moments, and the others learn as they would alone."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jgan.training import frozen, new_player, update


class Pair(NamedTuple):
    kernel: jax.Array
    bias: jax.Array


def layer(seed):
    numbers = np.random.default_rng(seed).normal(size=(2, 4)).astype(np.float32)
    return Pair(*jnp.asarray(numbers))


PARAMS = {"level_2": layer(0), "level_1": [layer(1), layer(2)], "logits": layer(3)}
CHOICES = {  # paths that are frozen, and the number of arrays among them
    "none": (lambda path: False, 0),
    "all": (lambda path: True, 8),
    "a layer": (lambda path: path[0] == "level_2", 2),
    "a layer of a list": (lambda path: path[:2] == ("level_1", "1"), 2),
    "a field": (lambda path: path[-1] == "bias", 4),
}


def loss(params, state, examples):
    return jnp.mean(examples) * sum(jnp.sum(jnp.sin(x)) for x in jax.tree.leaves(params)), (state, {})


def trained(optimizer, steps=3):
    step, player = jax.jit(update(loss, optimizer)), new_player(PARAMS, {}, optimizer)
    for _ in range(steps):
        player, _ = step(player, jnp.ones((2,)))
    return player


@pytest.mark.parametrize("name", CHOICES)
def test_frozen_parameters_stay_and_the_others_learn_as_without(name, adam):
    choice, count = CHOICES[name]
    found, free = trained(frozen(adam(0.1), choice)), trained(adam(0.1))
    stayed = 0
    for path, before in jax.tree_util.tree_leaves_with_path(PARAMS):
        after, alone = (dict(jax.tree_util.tree_leaves_with_path(player.params))[path] for player in (found, free))
        still = choice(tuple(jax.tree_util.keystr((key,), simple=True) for key in path))
        if still:
            np.testing.assert_array_equal(after, before)
        np.testing.assert_allclose(after, before if still else alone, rtol=1e-6)
        assert np.all(alone != before)
        stayed += still
    assert stayed == count


@pytest.mark.parametrize("name", CHOICES)
def test_frozen_parameters_have_no_moments(name):
    choice, count = CHOICES[name]
    state = frozen(optax.adam(0.1), choice).init(PARAMS)
    assert sum(x.shape == (4,) for x in jax.tree.leaves(state)) == 2 * (8 - count)
