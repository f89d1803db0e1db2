"""Penalties and constraints on the weights of a network: any pytree of parameters.

A leaf with two or more axes is a matrix [rest, out]: its last axis counts the outputs, as in HWIO and [in, out] kernels. Other leaves
(biases, gains) are left alone, except by `clip_weights`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp

from jgan.penalties._checks import lift, safe_sqrt
from jgan.types import Array, Key, Network, Params, State

if TYPE_CHECKING:
    from optax import GradientTransformation


def _is_matrix(leaf) -> bool:
    return getattr(leaf, "ndim", 0) >= 2


def _as_matrix(leaf) -> Array:
    return lift(leaf).reshape(-1, leaf.shape[-1])


def orthogonal(params: Params) -> Array:
    """Computes the sum over matrices W of |W^T W * (1 - I)|_F^2: the cosines between filters, not their norms; a scalar.

    Brock et al., 2018, eq. 3, https://arxiv.org/abs/1809.11096 (BigGAN, its weight is 1e-4).

    >>> float(orthogonal({"kernel": jnp.ones((1, 2)), "bias": jnp.ones(2)}))
    2.0
    """

    def off_diagonal(leaf):
        matrix = _as_matrix(leaf)
        products = matrix.T @ matrix
        return jnp.sum(jnp.square(products * (1.0 - jnp.eye(products.shape[0], dtype=products.dtype))))

    penalties = [off_diagonal(leaf) for leaf in jax.tree.leaves(params) if _is_matrix(leaf)]
    return sum(penalties, jnp.zeros((), jnp.float32))


def add_orthogonal(weight: float = 1e-4) -> "GradientTransformation":
    """Returns an optax transform, first in the chain: adds the gradient of weight * orthogonal(params).

    Brock et al., 2018, eq. 3, https://arxiv.org/abs/1809.11096 (BigGAN).

    >>> add, params = add_orthogonal(0.5), {"kernel": jnp.ones((1, 2))}
    >>> add.update({"kernel": jnp.zeros((1, 2))}, add.init(params), params)[0]["kernel"]
    Array([[2., 2.]], dtype=float32)
    """
    from optax import EmptyState, GradientTransformation

    def update(updates, state, params=None):
        _check_params(params)
        gradients = jax.grad(orthogonal)(params)
        return jax.tree.map(lambda step, gradient: step + weight * gradient.astype(step.dtype), updates, gradients), state

    return GradientTransformation(lambda params: EmptyState(), update)


def _check_params(params) -> None:
    if params is None:
        raise ValueError("expected the parameters as third argument, found None; call update(updates, state, params)")


def _check_limit(limit: float) -> None:
    if limit <= 0.0:
        raise ValueError(f"expected limit > 0, found {limit}; it bounds a magnitude")


def clip_weights(limit: float = 0.01) -> "GradientTransformation":
    """Returns an optax transform, last in the chain: after the step every parameter lies in [-limit, limit].

    Arjovsky et al., 2017, algorithm 1, https://arxiv.org/abs/1701.07875 (WGAN). ValueError for limit <= 0.

    >>> clip = clip_weights(0.5)
    >>> updates, _ = clip.update(jnp.ones(1), clip.init(jnp.zeros(1)), jnp.zeros(1))
    >>> updates
    Array([0.5], dtype=float32)
    """
    from optax import EmptyState, GradientTransformation

    _check_limit(limit)

    def update(updates, state, params=None):
        _check_params(params)
        return jax.tree.map(lambda param, step: jnp.clip(param + step, -limit, limit) - param, params, updates), state

    return GradientTransformation(lambda params: EmptyState(), update)


def _initial_vectors(key: Key, params: Params) -> State:
    """Return a random unit vector [out] for each matrix, and a scalar 0 in the place of each other leaf."""
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(key, max(len(leaves), 1))
    vectors = [
        _unit(jax.random.normal(keys[i], leaf.shape[-1:], jnp.float32)) if _is_matrix(leaf) else jnp.zeros((), jnp.float32)
        for i, leaf in enumerate(leaves)
    ]
    return jax.tree.unflatten(structure, vectors)


def _unit(vector, otherwise=0.0) -> Array:
    squares = jnp.sum(jnp.square(vector))
    return jnp.where(squares > 0.0, vector * jax.lax.rsqrt(squares), otherwise)


def _spectral_norm(matrix, vector, iterations: int) -> tuple[Array, Array]:
    """Return |W v|, which becomes sigma(W) and has its gradient, and the right singular vector v [out] after some power iterations."""
    held = jax.lax.stop_gradient(matrix)
    # A matrix of zeros has no direction: the vector stays, for the iteration to find one when the matrix is no longer 0.
    vector = jax.lax.fori_loop(0, iterations, lambda _, v: _unit(held.T @ (held @ v), v), jax.lax.stop_gradient(vector))
    return safe_sqrt(jnp.sum(jnp.square(matrix @ vector))), vector


def _itself_unless_zero(sigma) -> Array:
    return jnp.where(sigma > 0.0, sigma, 1.0)


def _divide_matrices(divisor, params: Params, state: State, iterations: int) -> tuple[Params, State]:
    """Return params with every matrix W divided by divisor(sigma(W)), and the improved vectors."""

    def divided(leaf, vector):
        if not _is_matrix(leaf):
            return leaf, vector
        matrix = _as_matrix(leaf)
        sigma, moved = _spectral_norm(matrix, vector.astype(matrix.dtype), iterations)
        return (lift(leaf) / divisor(sigma)).astype(leaf.dtype), moved.astype(vector.dtype)

    leaves, structure = jax.tree.flatten(params)
    pairs = [divided(leaf, vector) for leaf, vector in zip(leaves, structure.flatten_up_to(state), strict=True)]
    return tuple(jax.tree.unflatten(structure, [pair[i] for pair in pairs]) for i in range(2))


def _check_iterations(iterations: int) -> None:
    if iterations < 1:
        raise ValueError(f"expected iterations >= 1, found {iterations}; one per step is enough in training")


class SpectralNormalization(NamedTuple):
    """Spectral normalization of a parameter tree; its state is one singular vector per matrix."""

    init: Callable  # (params) -> state
    apply: Callable  # (params, state) -> (params with every matrix divided by its spectral norm, next state)


def spectral_normalization(key: Key, iterations: int = 1) -> SpectralNormalization:
    """Normalises weights before a network is applied: W / sigma(W), sigma by power iteration; gradients flow through sigma.

    For a network of any library: `normalized, state = apply(params, state)`, then use the normalized parameters. The vectors are
    constants in the gradient. A matrix of zeros stays as it is. key draws the first vectors. ValueError for iterations < 1.

    Miyato et al., 2018, eq. 8 and algorithm 1, https://arxiv.org/abs/1802.05957.

    >>> normalization = spectral_normalization(jax.random.key(0), iterations=20)
    >>> params = {"kernel": jnp.diag(jnp.array([4.0, 2.0]))}
    >>> normalized, state = normalization.apply(params, normalization.init(params))
    >>> jnp.diag(normalized["kernel"]).round(3)
    Array([1. , 0.5], dtype=float32)
    """
    _check_iterations(iterations)

    def apply(params, state):
        return _divide_matrices(_itself_unless_zero, params, state, iterations)

    return SpectralNormalization(lambda params: _initial_vectors(key, params), apply)


def spectrally_normalized(network: Network, iterations: int = 1) -> Network:
    """Returns the same network with `spectral_normalization` before every call; its state holds the network's own and the vectors.

    The vectors move with calls in training. ValueError for iterations < 1.

    >>> network = Network(lambda key, x: (4.0 * jnp.eye(2), {}), lambda params, state, x, **of_call: (x @ params, state))
    >>> normalized = spectrally_normalized(network)
    >>> normalized.apply(*normalized.init(jax.random.key(0), None), jnp.ones((1, 2)))[0].round(3)
    Array([[1., 1.]], dtype=float32)
    """
    _check_iterations(iterations)

    def init(key, *inputs):
        key_network, key_vectors = jax.random.split(key)
        params, state = network.init(key_network, *inputs)
        return params, {"network": state, "vectors": _initial_vectors(key_vectors, params)}

    def apply(params, state, *inputs, key=None, train=False):
        normalized, vectors = _divide_matrices(_itself_unless_zero, params, state["vectors"], iterations)
        output, after = network.apply(normalized, state["network"], *inputs, key=key, train=train)
        return output, {"network": after, "vectors": vectors if train else state["vectors"]}

    return Network(init, apply)


def clip_spectral_norm(key: Key, limit: float = 1.0, iterations: int = 1) -> "GradientTransformation":
    """Returns an optax transform, last in the chain: after the step every matrix is divided by max(1, sigma(W) / limit).

    sigma(W) by power iteration from the vectors of the last step, the first drawn from key. ValueError for limit <= 0 or iterations < 1.

    Gouk et al., 2018, section 4, https://arxiv.org/abs/1804.04368.

    >>> clip = clip_spectral_norm(jax.random.key(0), limit=1.0, iterations=20)
    >>> params = jnp.diag(jnp.array([4.0, 2.0]))
    >>> updates, _ = clip.update(jnp.zeros((2, 2)), clip.init(params), params)
    >>> jnp.diag(params + updates).round(3)
    Array([1. , 0.5], dtype=float32)
    """
    from optax import GradientTransformation

    _check_iterations(iterations)
    _check_limit(limit)

    def update(updates, state, params=None):
        _check_params(params)
        moved = jax.tree.map(jnp.add, params, updates)
        clipped, state = _divide_matrices(lambda sigma: jnp.maximum(1.0, sigma / limit), moved, state, iterations)
        return jax.tree.map(jnp.subtract, clipped, params), state

    return GradientTransformation(lambda params: _initial_vectors(key, params), update)
