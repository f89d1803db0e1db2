"""Losses of conditional networks, against direct numpy sums."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jgan import losses

LABEL = np.array([0, 2, 1, 2, 0], np.int32)


def draw(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def cross_entropy(logits, label):
    return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(label)), label]


def crammer_singer(logits, label):
    return np.array([max(0.0, 1.0 - row[y] + max(np.delete(row, y))) for row, y in zip(logits, label, strict=True)])


def contrastive(embedding, proxy, label, t=0.7):
    e, p = unit(embedding), unit(proxy)
    result = []
    for i in range(len(label)):
        others = [k for k in range(len(label)) if k != i]
        to_proxy = np.exp(e[i] @ p[i] / t)
        same = sum(np.exp(e[i] @ e[k] / t) for k in others if label[k] == label[i])
        result.append(-np.log((to_proxy + same) / (to_proxy + sum(np.exp(e[i] @ e[k] / t) for k in others))))
    return np.array(result)


def data_to_data(embedding, proxy, label, t=0.5, positive_margin=0.98, negative_margin=0.02):
    e, p = unit(embedding), unit(proxy)
    result = []
    for i in range(len(label)):
        positive = np.exp(min(0.0, e[i] @ p[i] - positive_margin) / t)
        rest = sum(np.exp(max(0.0, e[i] @ e[k] - negative_margin) / t) for k in range(len(label)) if label[k] != label[i])
        result.append(-np.log(positive / (positive + rest)))
    return np.array(result)


def gaussian(mean, log_variance, code):
    return -np.sum(np.log(np.exp(-((code - mean) ** 2) / (2 * np.exp(log_variance))) / np.sqrt(2 * np.pi * np.exp(log_variance))), axis=1)


# name -> (loss, float inputs, the same in numpy); a label is appended to all but the last
TABLE = {
    "auxiliary_classifier": (losses.auxiliary_classifier, (draw((5, 3)),), cross_entropy),
    "twin_auxiliary_classifier": (
        losses.twin_auxiliary_classifier,
        (draw((5, 3)), draw((5, 3), 1)),
        lambda a, b, label: cross_entropy(a, label) - cross_entropy(b, label),
    ),
    "multi_hinge": (losses.multi_hinge, (draw((5, 3)),), crammer_singer),
    "contrastive_2c": (lambda e, p, label: losses.contrastive_2c(e, p, label, 0.7), (draw((5, 4)), draw((5, 4), 1)), contrastive),
    "data_to_data": (losses.data_to_data_cross_entropy, (draw((5, 4)), draw((5, 4), 1)), data_to_data),
    "categorical_code": (losses.mutual_information_categorical, (draw((5, 3)),), cross_entropy),
    "gaussian_code": (
        lambda m, v, c, label: losses.mutual_information_gaussian(m, v, c),
        (draw((5, 3)), draw((5, 3), 1), draw((5, 3), 2)),
        lambda m, v, c, label: gaussian(m, v, c),
    ),
}
every_loss = pytest.mark.parametrize("name", TABLE)


@every_loss
def test_values_follow_the_formula(name):
    loss, inputs, expected = TABLE[name]
    result = jax.jit(loss)(*(jnp.asarray(x, jnp.float32) for x in inputs), jnp.asarray(LABEL))
    assert result.shape == (5,) and result.dtype == jnp.float32
    np.testing.assert_allclose(result, expected(*inputs, LABEL), rtol=1e-5, atol=1e-6)


@every_loss
def test_derivatives(name, double_precision):
    loss, inputs, _ = TABLE[name]
    check_grads(jax.jit(lambda *x: loss(*x, jnp.asarray(LABEL))), tuple(map(jnp.asarray, inputs)), order=1, modes=["fwd", "rev"], rtol=1e-5)


@every_loss
def test_half_precision_gives_float32(name):
    loss, inputs, _ = TABLE[name]
    assert loss(*(jnp.asarray(x, jnp.bfloat16) for x in inputs), jnp.asarray(LABEL)).dtype == jnp.float32


@pytest.mark.parametrize("dtype", [jnp.uint8, jnp.int8])
@pytest.mark.parametrize("loss", [losses.multi_hinge, losses.auxiliary_classifier])
def test_small_integers_label_many_classes(loss, dtype):
    logits = jnp.asarray(draw((5, 300)), jnp.float32).at[:, 261].set(50.0)  # 261 is 5 in eight bits
    np.testing.assert_array_equal(loss(logits, jnp.full(5, 5, dtype)), loss(logits, jnp.full(5, 5, jnp.int32)))


@pytest.mark.parametrize("loss", [losses.contrastive_2c, losses.data_to_data_cross_entropy])
@pytest.mark.parametrize("label", [[1, 1, 1], [0, 1, 2]])
def test_batches_of_one_class_and_of_all_different_ones_have_gradients(loss, label):
    slope = jax.jit(jax.grad(lambda e: jnp.sum(loss(e, jnp.ones((3, 4)), jnp.array(label)))))(jnp.asarray(draw((3, 4)), jnp.float32))
    assert jnp.all(jnp.isfinite(slope))


@pytest.mark.parametrize("loss", [losses.contrastive_2c, losses.data_to_data_cross_entropy])
def test_length_of_embeddings_does_not_matter(loss):
    e, p, label = jnp.asarray(draw((5, 4)), jnp.float32), jnp.asarray(draw((5, 4), 1), jnp.float32), jnp.asarray(LABEL)
    np.testing.assert_allclose(loss(3.0 * e, 0.5 * p, label), loss(e, p, label), rtol=1e-4)


def test_wrong_shapes_are_refused():
    logits, label = jnp.zeros((5, 3)), jnp.asarray(LABEL)
    with pytest.raises(ValueError, match=r"class_logits of shape \[N, K\], found \(5,\)"):
        losses.auxiliary_classifier(logits[:, 0], label)
    with pytest.raises(ValueError, match=r"integers of shape \[N\], found int32 \(5, 1\)"):
        losses.multi_hinge(logits, label[:, None])
    with pytest.raises(ValueError, match="found float32"):
        losses.multi_hinge(logits, label.astype(jnp.float32))
    with pytest.raises(ValueError, match=r"class_logits with 4 rows .* found \(5, 3\)"):
        losses.auxiliary_classifier(logits, label[:4])
    with pytest.raises(ValueError, match="one shape"):
        losses.contrastive_2c(logits, logits[:, :2], label)
    with pytest.raises(ValueError, match=r"code of shape \[N, K\]"):
        losses.mutual_information_gaussian(logits, logits, label)
