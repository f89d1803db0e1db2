"""Penalties on what networks put out: logits, latent distributions. Elementwise or per example, unweighted, in float32."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jgan.penalties._checks import batched_floats, lift, same_shape
from jgan.types import Array


class LecamAnchors(NamedTuple):
    """Moving averages of the mean logits, two scalars."""

    real: Array
    fake: Array


def lecam_anchors() -> LecamAnchors:
    """Returns anchors at 0, where they start.

    >>> lecam_anchors().real
    Array(0., dtype=float32)
    """
    return LecamAnchors(jnp.zeros((), jnp.float32), jnp.zeros((), jnp.float32))


def update_lecam_anchors(anchors: LecamAnchors, real_logits, fake_logits, decay=0.99) -> LecamAnchors:
    """Returns decay * anchor + (1 - decay) * mean logit, for both; logits of any shape; decay is per update.

    Tseng et al., 2021, the moving averages of eq. 4, https://arxiv.org/abs/2104.03310.

    >>> update_lecam_anchors(lecam_anchors(), jnp.ones(2), jnp.zeros(2), decay=0.5).real
    Array(0.5, dtype=float32)
    """

    def moved(anchor, logits):
        return decay * anchor + (1.0 - decay) * jnp.mean(lift(jax.lax.stop_gradient(logits)))

    return LecamAnchors(moved(anchors.real, real_logits), moved(anchors.fake, fake_logits))


def lecam(real_logits, fake_logits, anchors: LecamAnchors) -> Array:
    """Computes LeCam: max(0, D(x) - a_fake)^2 + max(0, a_real - D(G(z)))^2, of the shape of the logits, in squared logits.

    a_real and a_fake are the anchors, taken as constants. The discriminator pays for holding real logits above where fake ones
    were and fake logits below where real ones were. ValueError where the shapes of the logits differ.

    Tseng et al., 2021, eq. 4, https://arxiv.org/abs/2104.03310. The equation has no max; the authors' program has it, against instability
    early in training (https://github.com/google/lecam-gan/issues/1).

    >>> lecam(jnp.full(1, 2.0), jnp.full(1, -1.0), lecam_anchors())
    Array([5.], dtype=float32)
    """
    same_shape(real_logits=real_logits, fake_logits=fake_logits)
    real_anchor, fake_anchor = jax.lax.stop_gradient(anchors.real), jax.lax.stop_gradient(anchors.fake)
    above_fake = jax.nn.relu(lift(real_logits) - fake_anchor)
    below_real = jax.nn.relu(real_anchor - lift(fake_logits))
    return jnp.square(above_fake) + jnp.square(below_real)


def epsilon_drift(logits) -> Array:
    """Computes D(x)^2, of the shape of the logits (of real images): keeps the logits of a Wasserstein critic near 0.

    Karras et al., 2017, appendix A.1, https://arxiv.org/abs/1710.10196 (its weight is 0.001).

    >>> epsilon_drift(jnp.array([1.0, -2.0]))
    Array([1., 4.], dtype=float32)
    """
    return jnp.square(lift(logits))


def kl_to_normal(mean, log_variance) -> Array:
    """Computes the KL(N(mean, exp(log_variance)) || N(0, I)) = sum (mean^2 + exp(log_variance) - 1 - log_variance) / 2, in nats; [N, ...]
    -> [N].

    Kingma and Welling, 2013, appendix B, https://arxiv.org/abs/1312.6114; conditioning augmentation: Zhang et al., 2016, eq. 2,
    https://arxiv.org/abs/1612.03242 (StackGAN).

    >>> kl_to_normal(jnp.ones((1, 2)), jnp.zeros((1, 2)))
    Array([1.], dtype=float32)
    """
    same_shape(mean=mean, log_variance=log_variance)
    batched_floats(mean=mean)
    mean, log_variance = lift(mean), lift(log_variance)
    terms = jnp.square(mean) + jnp.exp(log_variance) - 1.0 - log_variance
    return 0.5 * jnp.sum(terms, axis=tuple(range(1, mean.ndim)))
