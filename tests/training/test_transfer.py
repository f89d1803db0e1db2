"""Parameters of another run: what fits is taken, what does not is named, optimizers and counters are begun anew."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan.leaves import by_name
from jgan.training import Player, new_player
from jgan.training.transfer import listing, transfer


class State(NamedTuple):
    step: jax.Array
    generator: Player
    average: dict
    strength: jax.Array


def state(value, classes=3):
    adam = optax.adam(0.1)
    params = {"kernel": jnp.full((2, 2), value), "label": jnp.full((classes, 2), value)}
    return State(jnp.asarray(int(value)), new_player(params, {"mean": jnp.full(2, value)}, adam), params, jnp.asarray(value))


def leaves(tree):
    return {name: np.asarray(leaf) for name, leaf in by_name(tree).items()}


def test_what_fits_is_taken():
    moved = state(7.0)
    moved = moved._replace(generator=moved.generator._replace(optimizer=jax.tree.map(lambda x: x + 1, moved.generator.optimizer)))
    after, taken, left = transfer(leaves(moved), state(0.0))
    assert left == {} and set(taken) == {
        "generator/params/kernel", "generator/params/label", "generator/state/mean", "average/kernel", "average/label"
    }  # fmt: skip
    expected = leaves(state(0.0)) | {name: leaves(moved)[name] for name in taken}
    for name, value in leaves(after).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_what_does_not_fit_is_named():
    before = leaves(state(7.0, classes=5))
    del before["generator/state/mean"]
    after, taken, left = transfer(before, state(0.0))
    assert left == {
        "generator/params/label": "(5, 2) there, (3, 2) here",
        "generator/state/mean": "not there",
        "average/label": "(5, 2) there, (3, 2) here",
    }
    assert (after.generator.params["kernel"] == 7).all() and (after.generator.params["label"] == 0).all()
    lines = listing(taken, left)
    assert lines[:2] == ["generator: 1 arrays taken", "average: 1 arrays taken"] and len(lines) == 5
