"""Adversarial losses whose sides compare real with fake: both need the real logits, and most see the batch as a whole.

Sides take (real_logits, fake_logits) of one shape `[N, ...]`, axis 0 being the examples, and return a loss of that shape in float32.
They raise ValueError at trace time where the shapes differ or the real logits are None.
"""

import jax
import jax.numpy as jnp

from jgan.losses._checks import can_wrap
from jgan.losses.adversarial import both
from jgan.types import AdversarialLoss


def relativistic() -> AdversarialLoss:
    """Returns the relativistic pairing logistic loss: L_D = softplus(-(D(x) - D(G(z)))), L_G = softplus(-(D(G(z)) - D(x))).

    Jolicoeur-Martineau, 2018, algorithm 1, https://arxiv.org/abs/1807.00734; the loss of R3GAN (Huang et al., 2024,
    https://arxiv.org/abs/2501.05441). Logits count by their differences: a common shift changes nothing.

    >>> relativistic().generator(jnp.ones(1), jnp.ones(1))
    Array([0.6931472], dtype=float32)
    """
    return AdversarialLoss(
        both(lambda real, fake: jax.nn.softplus(fake - real)),
        both(lambda real, fake: jax.nn.softplus(real - fake)),
        relativistic=True,
    )


def relativistic_average(base: AdversarialLoss) -> AdversarialLoss:
    """Computes the relativistic average of any loss with separate terms for real and fake, such as non_saturating, least_squares or hinge.

    L_D = base_D(D(x) - mean D(G(z)), D(G(z)) - mean D(x)); L_G is the same with the roles of real and fake exchanged.
    The means go over the batch (axis 0). ValueError for a base that is relativistic or matching-aware or takes lists.

    Jolicoeur-Martineau, 2018, algorithm 2, https://arxiv.org/abs/1807.00734, whose RaLSGAN has the targets -1 and 1:
    `relativistic_average(least_squares(a=-1.0, b=1.0))`.

    >>> from jgan.losses import non_saturating
    >>> relativistic_average(non_saturating()).discriminator(jnp.ones(2), jnp.ones(2))
    Array([1.3862944, 1.3862944], dtype=float32)
    """
    can_wrap("relativistic_average", base, "relativistic", "matching", "lists")

    def discriminator(real, fake):
        real_mean, fake_mean = jnp.mean(real, axis=0, keepdims=True), jnp.mean(fake, axis=0, keepdims=True)
        return base.discriminator(real - fake_mean, fake - real_mean)

    return AdversarialLoss(both(discriminator), both(lambda real, fake: discriminator(fake, real)), relativistic=True)


def dual_contrastive() -> AdversarialLoss:
    """Computes the dual contrastive loss: each real logit against all fake ones of the batch, and each fake logit against all real ones.

    L_D,i = log(1 + sum_j exp(D(G(z_j)) - D(x_i))) + log(1 + sum_j exp(D(G(z_i)) - D(x_j))), L_G = -L_D.

    Yu et al., 2021, section 3, https://arxiv.org/abs/2103.16748. A common shift of the logits changes nothing.

    >>> dual_contrastive().discriminator(jnp.zeros(1), jnp.zeros(1))
    Array([1.3862944], dtype=float32)
    """

    def discriminator(real, fake):
        all_fake = jax.nn.logsumexp(fake, axis=0, keepdims=True)
        all_real = jax.nn.logsumexp(-real, axis=0, keepdims=True)
        return jax.nn.softplus(all_fake - real) + jax.nn.softplus(fake + all_real)

    return AdversarialLoss(both(discriminator), both(lambda real, fake: -discriminator(real, fake)), relativistic=True)
