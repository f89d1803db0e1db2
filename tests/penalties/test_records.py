"""Penalties as records: where each is taken, and what it is called."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import penalties

KEY, REAL, FAKE = jax.random.key(0), jnp.ones((50, 2)), jnp.full((50, 2), 3.0)


def first(critic, x):
    return critic(x)


def drawn(key, critic, x):
    return critic(x) + jax.random.uniform(key, x.shape[:1])


MADE = {  # a constructor, a function for it, bounds of its values where the critic is x[:, 0]
    "on_real": (penalties.on_real, first, 1.0, 1.0),
    "on_fake": (penalties.on_fake, first, 3.0, 3.0),
    "between": (penalties.between, first, 1.0, 3.0),
    "around_real": (penalties.around_real, drawn, 1.0, 2.0),
    "around_fake": (penalties.around_fake, drawn, 3.0, 4.0),
    "on_real_logits": (penalties.on_real_logits, jnp.negative, -1.0, -1.0),
}


@pytest.mark.parametrize("name", MADE)
def test_where_a_penalty_is_taken(name):
    make, function, low, high = MADE[name]
    penalty = make(function, 0.5, every=3)
    assert (penalty.weight, penalty.every, penalty.function.__name__) == (0.5, 3, function.__name__)
    found = penalty.function(KEY, lambda x: x[:, 0], REAL, FAKE)
    assert found.shape == (50,) and low <= found.min() <= found.max() <= high
    assert (low == high) or found.min() < low + 0.2 * (high - low) and found.max() > high - 0.2 * (high - low)


def test_between_is_the_gradient_penalty_of_the_same_key():
    def critic(x):
        return jnp.sum(x**3, axis=1)

    found = penalties.between(penalties.gradient_penalty_at).function(KEY, critic, REAL, FAKE)
    np.testing.assert_allclose(found, penalties.gradient_penalty(KEY, critic, REAL, FAKE), rtol=1e-6)


def test_a_partial_function_keeps_its_name():
    penalty = penalties.around_real(partial(penalties.consistency, augment=lambda key, x: -x))
    assert penalty.function.__name__ == "consistency"


def test_path_length_measures_its_mean():
    adaptive = penalties.adaptive_path_length(rate=0.5)
    penalty = adaptive.at(jnp.float32(1.0))
    values, measured = penalty.function(KEY, lambda z: 2.0 * z[:, None, None, :], jnp.zeros((4, 3)))
    np.testing.assert_allclose(values, penalties.path_length(KEY, lambda z: 2.0 * z[:, None, None, :], jnp.zeros((4, 3)), 1.0), rtol=1e-6)
    after, record = adaptive.update(jnp.float32(1.0), {"generator/path_length/length": measured["length"]}, 4)
    assert float(after) == float(record["mean"]) == pytest.approx((1.0 + float(measured["length"])) / 2)
