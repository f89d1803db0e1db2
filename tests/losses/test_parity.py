"""Losses and penalties against vectors of published implementations (1e-5 relative)."""

import pathlib

import jax.numpy as jnp
import numpy as np
import pytest

from jgan import losses, penalties

VECTORS = pathlib.Path(__file__).parents[2] / ".." / "shared" / "parity" / "losses.npz"
pytestmark = pytest.mark.skipif(not VECTORS.exists(), reason="needs ../shared/parity/losses.npz")


@pytest.fixture(scope="module")
def vectors():
    with np.load(VECTORS) as file:
        return {
            name: jnp.asarray(file[name].astype(np.int32) if name == "labels" else file[name]) for name in file.files if name != "meta.json"
        }


def agree(result, expected):
    np.testing.assert_allclose(result, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("studiogan.{}_vanilla", losses.non_saturating()),
        ("studiogan.{}_logistic", losses.non_saturating()),
        ("studiogan.{}_ls", losses.least_squares(scale=0.5)),
        ("studiogan.{}_hinge", losses.hinge()),
        ("studiogan.{}_wasserstein", losses.wasserstein()),
        ("relativistic.{}_pair_logistic", losses.relativistic()),
        ("relativistic.{}_average_bce", losses.relativistic_average(losses.non_saturating())),
    ],
)
def test_adversarial(vectors, name, loss):
    logits = vectors["logits.real"], vectors["logits.fake"]
    agree(jnp.mean(loss.discriminator(*logits)), vectors[name.format("d")])
    agree(jnp.mean(loss.generator(*logits)), vectors[name.format("g")])


def test_conditional(vectors):
    label, embedding, proxy = vectors["labels"], vectors["contrastive.embed"], vectors["contrastive.proxy"]
    agree(jnp.mean(losses.multi_hinge(vectors["multi_hinge.logits"], label)), vectors["multi_hinge.crammer_singer"])
    agree(jnp.mean(losses.contrastive_2c(embedding, proxy, label, 0.5)), vectors["contrastive.2c_t0.5"])


def test_data_to_data_cross_entropy(vectors):
    """The program whose number this is divides the terms of the negatives, not of the positive, by the largest of all pairs."""
    label = np.asarray(vectors["labels"])
    e, p = (np.asarray(vectors[f"contrastive.{name}"], np.float64) for name in ("embed", "proxy"))
    e, p = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (e, p))
    pairs, other = (e @ e.T - 0.02) / 0.5, label[:, None] != label[None, :]
    positive = np.minimum(np.sum(e * p, axis=1) - 0.98, 0.0) / 0.5
    negatives = np.sum(other * np.exp(np.maximum(pairs, 0.0)), axis=1)
    largest = np.max(np.where(np.eye(len(label), dtype=bool), -np.inf, pairs), axis=1)
    agree(np.mean(np.log(np.exp(positive) + negatives / np.exp(largest)) - positive), vectors["contrastive.d2dce_t0.5_mp0.98"])
    loss = losses.data_to_data_cross_entropy(vectors["contrastive.embed"], vectors["contrastive.proxy"], vectors["labels"])
    agree(loss, np.log(np.exp(positive) + negatives) - positive)


def test_feature_matching(vectors):
    result = losses.feature_matching_means(vectors["feature_matching.real"], vectors["feature_matching.fake"], jnp.abs)
    agree(result, vectors["feature_matching.l1_of_means"])


def test_lecam(vectors):
    anchors = penalties.LecamAnchors(jnp.float32(0.7), jnp.float32(-0.4))
    result = jnp.mean(penalties.lecam(vectors["logits.real"], vectors["logits.fake"], anchors))
    agree(result, vectors["lecam.ema_real0.7_fake-0.4"])


def test_gradient_penalties(vectors):
    def critic(x):
        return jnp.tanh(x.reshape(x.shape[0], -1) @ vectors["critic.w1"]) @ vectors["critic.w2"]

    real, fake, mix = vectors["critic.real"], vectors["critic.fake"], vectors["critic.eps"]
    between = mix * real + (1.0 - mix) * fake
    agree(penalties.r1(critic, real), vectors["penalty.r1_real_sum_sq"])
    agree(penalties.r2(critic, fake), vectors["penalty.r2_fake_sum_sq"])
    agree(penalties.gradient_penalty_at(critic, between), vectors["penalty.gp_two_sided_at_eps_real_1-eps_fake"])
    agree(penalties.gradient_penalty_at(critic, between, one_sided=True), vectors["penalty.gp_one_sided"])
