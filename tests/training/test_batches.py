"""Batches changed before they are trained on."""

import types

import jax
import jax.numpy as jnp
import numpy as np

from jgan.training import changed_batches
from jgan.types import Training


def test_each_step_draws_anew_and_the_training_keeps_its_key():
    plain = Training(lambda key, batch: batch, lambda state, batch, key: (state, {**batch, "key": key}), lambda *_: {})
    training = changed_batches(plain, lambda batch, key: {"x": jax.random.normal(key, batch["x"].shape)})
    key, batch = jax.random.key(0), {"x": jnp.zeros(3)}
    states = [types.SimpleNamespace(step=jnp.int32(step)) for step in (0, 1, 0)]
    found = [training.step(state, batch, key)[1] for state in states]
    np.testing.assert_array_equal(found[0]["x"], found[2]["x"])
    assert (found[0]["x"] != found[1]["x"]).all() and found[0]["key"] is key
