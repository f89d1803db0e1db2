"""Losses of conditional networks: class labels, latent codes. All return one unitless loss per example, [N], in float32.

Labels are integers [N]; embeddings are [N, D] and normalised to unit length here. ValueError at trace time for other shapes.
"""

import math

import jax
import jax.numpy as jnp

from jgan.losses._checks import has_rank, lift, one_label_per_row, same_shape, unit
from jgan.types import Array


def _at_label(logits, label) -> Array:
    return jnp.take_along_axis(logits, label[:, None], axis=1)[:, 0]


def auxiliary_classifier(class_logits, label) -> Array:
    """Computes the cross-entropy -log softmax(class_logits)[label]; class_logits: [N, K].

    Both players minimise it: the discriminator on real (and, in the paper, fake) images, the generator on its own.

    Odena et al., 2016, eq. 3, https://arxiv.org/abs/1610.09585 (AC-GAN).

    >>> auxiliary_classifier(jnp.zeros((1, 4)), jnp.array([2]))
    Array([1.3862944], dtype=float32)
    """
    has_rank(2, "[N, K]", class_logits=class_logits)
    one_label_per_row(label, class_logits=class_logits)
    logits = lift(class_logits)
    return jax.nn.logsumexp(logits, axis=1) - _at_label(logits, label)


def twin_auxiliary_classifier(class_logits, twin_logits, label) -> Array:
    """Returns the generator's side with a twin classifier: cross-entropy of the classifier minus the cross-entropy of the twin; both logits
    [N, K].

    The discriminator's side is `auxiliary_classifier` on the class logits of real images plus the same on the twin logits of fake
    ones: the twin learns how fakes of the classes differ, and the generator removes that difference.

    Gong et al., 2019, section 3, https://arxiv.org/abs/1907.02690 (TAC-GAN).

    >>> twin_auxiliary_classifier(jnp.zeros((1, 4)), jnp.zeros((1, 4)), jnp.array([2]))
    Array([0.], dtype=float32)
    """
    same_shape(class_logits=class_logits, twin_logits=twin_logits)
    return auxiliary_classifier(class_logits, label) - auxiliary_classifier(twin_logits, label)


def multi_hinge(class_logits, label) -> Array:
    """Computes multi-class hinge max(0, 1 - s_label + max over k != label of s_k); class_logits s: [N, K].

    Crammer and Singer, 2001, https://jmlr.org/papers/v2/crammer01a.html; in GANs Kavalerov et al., 2019, section 3,
    https://arxiv.org/abs/1912.04216, with a class K for fakes: real images have their label, fake ones the label K.

    >>> multi_hinge(jnp.array([[2.0, 1.5, 0.0]]), jnp.array([0]))
    Array([0.5], dtype=float32)
    """
    has_rank(2, "[N, K]", class_logits=class_logits)
    one_label_per_row(label, class_logits=class_logits)
    logits = lift(class_logits)
    is_label = jnp.arange(logits.shape[1], dtype=jnp.int32)[None, :] == label.astype(jnp.int32)[:, None]
    best_other = jnp.max(jnp.where(is_label, -jnp.inf, logits), axis=1)
    return jax.nn.relu(1.0 - _at_label(logits, label) + best_other)


def contrastive_2c(embedding, proxy, label, temperature: float = 1.0) -> Array:
    """Computes the conditional contrastive loss; embedding: [N, D] of the images, proxy: [N, D] of their labels, label: [N].

    -log of [exp(e_i.p_i / t) + sum over k != i of the same label of exp(e_i.e_k / t)] / [exp(e_i.p_i / t) + sum over k != i of
    exp(e_i.e_k / t)], with e and p of unit length and t the temperature.

    Kang and Park, 2020, section 3.2, https://arxiv.org/abs/2006.12681 (ContraGAN).

    >>> print(contrastive_2c(jnp.eye(2), jnp.eye(2), jnp.array([0, 1])))
    [0.3132... 0.3132...]
    """
    same_label, to_proxy, to_others = _similarities(embedding, proxy, label)
    to_proxy, to_others = to_proxy / temperature, to_others / temperature
    itself = jnp.eye(label.shape[0], dtype=bool)
    positives = jnp.where(same_label & ~itself, to_others, -jnp.inf)
    return _log_sum(to_proxy, jnp.where(itself, -jnp.inf, to_others)) - _log_sum(to_proxy, positives)


def data_to_data_cross_entropy(
    embedding, proxy, label, temperature: float = 0.5, positive_margin: float = 0.98, negative_margin: float = 0.02
) -> Array:
    """Computes the data-to-data cross-entropy; embedding: [N, D] of the images, proxy: [N, D] of their labels, label: [N].

    -log of P_i / [P_i + sum over k of another label of exp(max(0, e_i.e_k - negative_margin) / t)] with
    P_i = exp(min(0, e_i.p_i - positive_margin) / t), e and p of unit length and t the temperature: pairs beyond the margins are easy
    and give no gradient.

    Kang et al., 2021, section 3, https://arxiv.org/abs/2111.01118 (ReACGAN). The authors' program gives other numbers: for stability it
    divides the terms of the negatives by the largest of them, but not P_i.

    >>> data_to_data_cross_entropy(jnp.eye(2), jnp.eye(2), jnp.array([0, 1]))
    Array([0.6931472, 0.6931472], dtype=float32)
    """
    same_label, to_proxy, to_others = _similarities(embedding, proxy, label)
    positive = jnp.minimum(to_proxy - positive_margin, 0.0) / temperature
    negatives = jnp.where(same_label, -jnp.inf, jax.nn.relu(to_others - negative_margin) / temperature)
    return _log_sum(positive, negatives) - positive


def _similarities(embedding, proxy, label) -> tuple[Array, Array, Array]:
    """Return same_label [N, N], the cosines of embeddings with their proxies [N], and among themselves [N, N]."""
    has_rank(2, "[N, D]", embedding=embedding, proxy=proxy)
    same_shape(embedding=embedding, proxy=proxy)
    one_label_per_row(label, embedding=embedding)
    embedding, proxy = unit(embedding), unit(proxy)
    return label[:, None] == label[None, :], jnp.sum(embedding * proxy, axis=1), embedding @ embedding.T


def _log_sum(first, others) -> Array:
    """Return log(exp(first) + sum over axis 1 of exp(others)); first: [N], others: [N, M]."""
    return jax.nn.logsumexp(jnp.concatenate([first[:, None], others], axis=1), axis=1)


def mutual_information_categorical(code_logits, code) -> Array:
    """Computes the variational bound for a categorical code: -log Q(c | x); code_logits: [N, K], code: int [N]. Minimised by both players.

    Chen et al., 2016, eq. 5, https://arxiv.org/abs/1606.03657 (InfoGAN), without the constant entropy of the code.

    >>> mutual_information_categorical(jnp.zeros((1, 2)), jnp.array([0]))
    Array([0.6931472], dtype=float32)
    """
    return auxiliary_classifier(code_logits, code)


def mutual_information_gaussian(mean, log_variance, code) -> Array:
    """Computes the variational bound for continuous codes: -log N(c; mean, exp(log_variance)), summed over the code; all [N, K].

    Chen et al., 2016, eq. 5 and section 6, https://arxiv.org/abs/1606.03657 (InfoGAN), without the constant entropy of the code.

    >>> mutual_information_gaussian(jnp.zeros((1, 1)), jnp.zeros((1, 1)), jnp.zeros((1, 1)))
    Array([0.9189385], dtype=float32)
    """
    has_rank(2, "[N, K]", mean=mean, log_variance=log_variance, code=code)
    same_shape(mean=mean, log_variance=log_variance, code=code)
    mean, log_variance, code = lift(mean), lift(log_variance), lift(code)
    squares = jnp.square(code - mean) * jnp.exp(-log_variance)
    return 0.5 * jnp.sum(math.log(2.0 * math.pi) + log_variance + squares, axis=1)
