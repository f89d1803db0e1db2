"""Penalties and constraints on weights."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jgan import penalties
from jgan.types import Network

KEY = jax.random.key(0)


def draw_params():
    random = np.random.default_rng(0)
    shapes = {"conv": (3, 3, 2, 4), "dense": (6, 3), "bias": (3,), "gain": ()}
    return {name: jnp.asarray(random.normal(size=shape), jnp.float32) for name, shape in shapes.items()}


def spectral_norms(params):
    return [np.linalg.norm(np.asarray(params[name]).reshape(-1, params[name].shape[-1]), 2) for name in ("conv", "dense")]


def test_orthogonal_filters_are_free_whatever_their_length():
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(18, 4)))[0] * np.array([1.0, 2.0, 3.0, 4.0])
    assert penalties.orthogonal({"conv": jnp.asarray(basis.reshape(3, 3, 2, 4), jnp.float32), "bias": jnp.ones(4)}) < 1e-8
    w = np.asarray(draw_params()["dense"])
    products = w.T @ w
    expected = np.square(products - np.diag(np.diag(products))).sum()
    np.testing.assert_allclose(penalties.orthogonal([w, np.ones(3)]), expected, rtol=1e-5)
    assert penalties.orthogonal({"bias": jnp.ones(3)}) == 0.0


def train_once(transform, params, rate=1.0):
    optimizer = optax.chain(optax.sgd(rate), transform)
    gradients = jax.tree.map(lambda p: -jnp.ones_like(p), params)
    updates, _ = jax.jit(optimizer.update)(gradients, optimizer.init(params), params)
    return optax.apply_updates(params, updates)


def test_clipping_holds_after_the_step():
    params = draw_params()
    clipped = train_once(penalties.clip_weights(0.3), params)
    for name, before in params.items():
        np.testing.assert_allclose(clipped[name], np.clip(np.asarray(before) + 1.0, -0.3, 0.3), atol=1e-6)


def test_spectral_clipping_bounds_matrices_and_leaves_the_rest():
    params = draw_params()
    clipped = train_once(penalties.clip_spectral_norm(KEY, limit=0.5, iterations=60), params)
    np.testing.assert_allclose(spectral_norms(clipped), [0.5, 0.5], rtol=1e-3)
    np.testing.assert_allclose(clipped["bias"], params["bias"] + 1.0, rtol=1e-6)
    free = train_once(penalties.clip_spectral_norm(KEY, limit=100.0, iterations=5), params)
    np.testing.assert_allclose(free["dense"], params["dense"] + 1.0, rtol=1e-5)


def test_normalization_converges_over_steps_and_leaves_vectors_alone():
    params = draw_params()
    normalization = penalties.spectral_normalization(KEY)
    state = normalization.init(params)
    apply = jax.jit(normalization.apply)
    for _ in range(60):
        normalized, state = apply(params, state)
    np.testing.assert_allclose(spectral_norms(normalized), [1.0, 1.0], rtol=1e-3)
    np.testing.assert_array_equal(normalized["bias"], params["bias"])
    assert jax.tree.structure(state) == jax.tree.structure(params)


def test_gradient_through_the_normalization_is_orthogonal_to_the_weights():
    """W / sigma(W) does not change with the length of W (eq. 10 of Miyato et al.)."""
    params = draw_params()
    normalization = penalties.spectral_normalization(KEY, iterations=60)
    state = normalization.init(params)
    slope = jax.jit(jax.grad(lambda p: jnp.sum(jnp.sin(normalization.apply(p, state)[0]["dense"]))))(params)["dense"]
    assert jnp.max(jnp.abs(slope)) > 0.01
    np.testing.assert_allclose(jnp.sum(slope * params["dense"]), 0.0, atol=1e-5)


def test_a_network_with_spectral_normalization_carries_its_vectors():
    def apply(params, state, x, key=None, train=False):
        return x @ params["dense"], {"calls": state["calls"] + 1}

    plain = Network(lambda key, x: (draw_params(), {"calls": 0}), apply)
    network, x = penalties.spectrally_normalized(plain, iterations=3), jnp.eye(6)
    params, state = network.init(KEY, x)
    for _ in range(20):
        output, state = network.apply(params, state, x, train=True)
    assert state["network"]["calls"] == 20
    np.testing.assert_allclose(np.linalg.norm(output, 2), 1.0, rtol=1e-3)
    _, after = network.apply(params, state, x)
    jax.tree.map(np.testing.assert_array_equal, after["vectors"], state["vectors"])


def test_a_matrix_of_zeros_stays_and_is_normalized_once_it_is_not():
    normalization, zeros = penalties.spectral_normalization(KEY), {"bias": jnp.zeros((1, 4))}
    before = normalization.init(zeros)
    slope = jax.grad(lambda params: jnp.sum(normalization.apply(params, before)[0]["bias"]))(zeros)
    _, state = normalization.apply(zeros, before)
    np.testing.assert_array_equal(slope["bias"], np.ones((1, 4)))
    np.testing.assert_array_equal(state["bias"], before["bias"])
    normalized, _ = normalization.apply({"bias": jnp.full((1, 4), 1e-3)}, state)
    np.testing.assert_allclose(normalized["bias"], np.full((1, 4), 0.5), rtol=1e-5)


def test_spectral_clipping_holds_after_steps_that_leave_zeros():
    clip, zeros = penalties.clip_spectral_norm(KEY), jnp.zeros((3, 3))
    _, state = clip.update(zeros, clip.init(zeros), zeros)
    updates, _ = clip.update(5.0 * jnp.eye(3), state, zeros)
    np.testing.assert_allclose(updates, np.eye(3), rtol=1e-5)


def test_the_gradient_of_orthogonality_is_added():
    params = draw_params()
    add = penalties.add_orthogonal(0.1)
    zeros = jax.tree.map(jnp.zeros_like, params)
    found, _ = add.update(zeros, add.init(params), params)
    expected = jax.grad(lambda params: 0.1 * penalties.orthogonal(params))(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), found, expected)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float64])
def test_the_precision_of_parameters_and_vectors_stays(dtype, double_precision):
    params = jax.tree.map(lambda p: p.astype(dtype), draw_params())
    normalization, clip = penalties.spectral_normalization(KEY), penalties.clip_spectral_norm(KEY)
    for changed, state in (normalization.apply(params, normalization.init(params)), clip.update(params, clip.init(params), params)):
        assert {p.dtype for p in jax.tree.leaves(changed)} == {jnp.dtype(dtype)}
        assert {v.dtype for v in jax.tree.leaves(state)} == {jnp.dtype("float32")}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: penalties.clip_weights(0.0), "limit > 0, found 0.0"),
        (lambda: penalties.clip_spectral_norm(KEY, limit=-1.0), "limit > 0, found -1.0"),
        (lambda: penalties.clip_spectral_norm(KEY, iterations=0), "iterations >= 1, found 0"),
        (lambda: penalties.spectral_normalization(KEY, iterations=0), "iterations >= 1, found 0"),
        (lambda: penalties.spectrally_normalized(None, iterations=0), "iterations >= 1, found 0"),
        (lambda: penalties.clip_weights().update({}, (), None), "parameters as third argument"),
        (lambda: penalties.add_orthogonal().update({}, (), None), "parameters as third argument"),
        (lambda: penalties.clip_spectral_norm(KEY).update({}, {}, None), "parameters as third argument"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
