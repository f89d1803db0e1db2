"""Policy gradients, against sums over all sequences."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import losses


@pytest.mark.parametrize("discount", [0.0, 0.23, 1.0])
def test_returns(discount):
    rewards = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    expected = [[sum(discount ** (s - t) * row[s] for s in range(t, 5)) for t in range(5)] for row in rewards]
    np.testing.assert_allclose(losses.discounted_returns(rewards, discount), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.discounted_returns(jnp.ones((2, 3)), 1.5), "expected a discount from 0 to 1, found 1.5"),
        (lambda: losses.discounted_returns(jnp.ones((3,))), r"expected rewards of shape \[N, T\]"),
        (lambda: losses.policy_gradient(jnp.ones((2, 3)), jnp.ones((2, 2))), "expected .* of one shape|same shape"),
    ],
)
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("baseline", [0.0, 0.7])
def test_its_expectation_is_the_gradient_of_the_expected_reward(baseline):
    """Of sequences of two tokens, the second of which depends on the first, over all of them."""
    rewards = jnp.asarray([[0.3, -1.0], [0.8, 0.1]])  # of the token drawn, first and second
    params = jnp.asarray([[0.2, -0.4], [0.5, 0.1], [-0.3, 0.6]])
    sequences = jnp.asarray(list(itertools.product(range(2), repeat=2)))

    def log_probabilities(params):
        first = jax.nn.log_softmax(params[0])[sequences[:, 0]]
        second = jax.nn.log_softmax(params[1:], axis=1)[sequences[:, 0], sequences[:, 1]]
        return jnp.stack([first, second], axis=1)

    given = jnp.stack([rewards[0][sequences[:, 0]], rewards[1][sequences[:, 1]]], axis=1)
    weights = jnp.exp(jnp.sum(log_probabilities(params), axis=1))

    def expected_reward(params):
        return jnp.sum(jnp.exp(jnp.sum(log_probabilities(params), axis=1)) * jnp.sum(given, axis=1))

    def surrogate(params):
        advantages = losses.discounted_returns(given) - baseline
        return jnp.sum(weights[:, None] * losses.policy_gradient(log_probabilities(params), advantages))

    np.testing.assert_allclose(-jax.grad(surrogate)(params), jax.grad(expected_reward)(params), rtol=1e-4, atol=1e-6)
