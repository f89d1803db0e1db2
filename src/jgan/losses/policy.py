"""Learning by rewards, where samples are tokens and have no gradient: a generator of sequences is a policy."""

import jax
import jax.numpy as jnp

from jgan.losses._checks import has_rank, lift, same_shape
from jgan.types import Array


def discounted_returns(rewards, discount: float = 1.0) -> Array:
    """Computes R_t = sum over s >= t of discount^(s - t) r_s: what follows from the token at t. Rewards and returns are [N, T], float32.

    Sutton, Barto 2018, equation 3.8 (http://incompleteideas.net/book/the-book-2nd.html). Positions behind the end of a sequence need the
    reward 0. Raises ValueError for a discount outside [0, 1].

    >>> discounted_returns(jnp.array([[1.0, 0.0, 2.0]]), 0.5).tolist()
    [[1.5, 1.0, 2.0]]
    """
    if not 0.0 <= discount <= 1.0:
        raise ValueError(f"expected a discount from 0 to 1, found {discount}; 1 counts all later rewards in full")
    has_rank(2, "[N, T]", rewards=rewards)

    def step(later, reward):
        now = reward + discount * later
        return now, now

    rewards = lift(rewards).T
    return jax.lax.scan(step, jnp.zeros_like(rewards[0]), rewards, reverse=True)[1].T


def policy_gradient(log_probabilities, advantages) -> Array:
    """Computes -A log p of every token, [N, T], with A held fixed: its gradient is the policy gradient. Mean over the tokens of all
    sequences.

    Williams 1992 (REINFORCE), section 3, https://doi.org/10.1007/BF00992696. A is a return minus a baseline that does not depend on the
    token, such as the mean of earlier returns, which lowers the variance and leaves the mean.

    >>> float(policy_gradient(jnp.log(jnp.array([[0.5]])), jnp.array([[2.0]]))[0, 0])
    1.3862943649291992
    """
    same_shape(log_probabilities=log_probabilities, advantages=advantages)
    return -jax.lax.stop_gradient(lift(advantages)) * lift(log_probabilities)
