"""Attention from the hole to what is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.ops import contextual_attention as attention
from jgan.ops.contextual_attention import contextual_attention


def written_out(features, hole):
    """The formula, patch by patch, of one image."""
    height, width, channels = features.shape
    h, w = height // 2, width // 2
    small = np.pad(features[::2, ::2], ((1, 1), (1, 1), (0, 0)))
    mask = np.pad(hole, ((1, 1), (1, 1), (0, 0)))
    keys = np.stack([small[i : i + 3, j : j + 3].ravel() for i in range(h) for j in range(w)])
    keys /= np.maximum(np.linalg.norm(keys, axis=1, keepdims=True), 1e-4)
    hidden = np.asarray([mask[i : i + 3, j : j + 3].max() for i in range(h) for j in range(w)]) > 0
    scores = np.where(hidden[None], -np.inf, attention.SCALE * keys @ keys.T)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights = (weights / weights.sum(axis=1, keepdims=True)).reshape(h, w, h, w)
    for axis in (0, 1):
        padded = np.pad(weights, [(1, 1) if a in (axis, axis + 2) else (0, 0) for a in range(4)])
        size = weights.shape[axis]
        weights = sum(padded.take(range(i, i + size), axis).take(range(i, i + size), axis + 2) for i in range(3))
    weights = weights.reshape(h * w, h * w)
    weights /= weights.sum(axis=1, keepdims=True)
    large = np.pad(features, ((1, 1), (1, 1), (0, 0)))
    values = np.stack([large[2 * i : 2 * i + 4, 2 * j : 2 * j + 4] for i in range(h) for j in range(w)])
    found = np.tensordot(weights, values, axes=1)
    total, counts = np.zeros_like(large), np.zeros_like(large)
    for p in range(h * w):
        i, j = 2 * (p // w), 2 * (p % w)
        total[i : i + 4, j : j + 4] += found[p]
        counts[i : i + 4, j : j + 4] += 1
    return (total / counts)[1:-1, 1:-1]


def random_features(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_the_formula_with_a_mask_per_image():
    features, hole = random_features(3, 8, 12, 5), np.zeros((3, 4, 6, 1), np.float32)
    hole[0, :2, :2], hole[1, 2:, 5:], hole[2, 1, 3] = 1, 1, 1
    found = jax.jit(contextual_attention)(jnp.asarray(features), jnp.asarray(hole))
    expected = np.stack([written_out(*pair) for pair in zip(features, hole, strict=True)])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_what_is_hidden_gives_nothing():
    """Known features are large and positive, hidden ones negative: nothing negative comes out of the hole's own patches."""
    features = np.abs(random_features(1, 16, 16, 3))
    hole = np.zeros((1, 8, 8, 1), np.float32)
    hole[:, 3:5, 3:5] = 1
    features = np.where(hole.repeat(2, axis=1).repeat(2, axis=2) > 0, -features, features)
    assert jax.jit(contextual_attention)(jnp.asarray(features), jnp.asarray(hole)).min() >= 0


def test_where_nothing_is_known_all_is_finite():
    features = jnp.asarray(random_features(2, 8, 8, 3))
    gradient = jax.jit(jax.grad(lambda x, hole: jnp.sum(contextual_attention(x, hole))))
    assert np.isfinite(gradient(features, jnp.ones((2, 4, 4, 1)))).all()
    assert np.isfinite(gradient(jnp.zeros_like(features), jnp.zeros((2, 4, 4, 1)))).all()


def test_half_precision():
    features, hole = jnp.asarray(random_features(1, 8, 8, 3)), jnp.zeros((1, 4, 4, 1))
    attend = jax.jit(contextual_attention)
    half = attend(features.astype(jnp.bfloat16), hole.astype(jnp.bfloat16))
    assert half.dtype == jnp.bfloat16
    np.testing.assert_allclose(half.astype(jnp.float32), attend(features, hole), atol=0.05)


@pytest.mark.parametrize(
    ("features", "hole", "message"),
    [
        ((1, 7, 8, 3), (1, 3, 4, 1), "expected features with even sides"),
        ((1, 8, 8, 3), (1, 8, 8, 1), "expected features with even sides"),
        ((1, 512, 512, 1), (1, 256, 256, 1), "expected at most 16384 patches"),
    ],
)
def test_wrong_shapes(features, hole, message):
    with pytest.raises(ValueError, match=message):
        contextual_attention(jnp.zeros(features), jnp.zeros(hole))
