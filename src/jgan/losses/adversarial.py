"""Adversarial losses: the two sides of the classical ones, unreduced.

Every factory returns an `AdversarialLoss`; its sides take (real_logits, fake_logits) of one shape (`[N]`, patches `[N, H, W, 1]`)
and return the loss of that shape in float32, unitless. Reduce with `jnp.mean`. A high logit means "looks real", except in `energy.py`.
Sides raise ValueError at trace time where the shapes differ, and where a side that compares with the real logits gets None.
"""

import jax
import jax.numpy as jnp

from jgan.losses._checks import lift, same_shape
from jgan.types import AdversarialLoss


def both(side):
    """Wraps a side that reads both logits: check the shapes and lift to float32."""

    def loss(real_logits, fake_logits):
        if real_logits is None:
            raise ValueError("expected real_logits of the shape of fake_logits, found None; this side of the loss compares the two")
        same_shape(real_logits=real_logits, fake_logits=fake_logits)
        return side(lift(real_logits), lift(fake_logits))

    return loss


def fake_only(side):
    """Wraps a generator side that reads the fake logits alone; the real ones may be None."""

    def loss(real_logits, fake_logits):
        if real_logits is not None:
            same_shape(real_logits=real_logits, fake_logits=fake_logits)
        return side(lift(fake_logits))

    return loss


def _cross_entropy(real, fake):
    return jax.nn.softplus(-real) + jax.nn.softplus(fake)


def minimax() -> AdversarialLoss:
    """Returns the minimax loss: L_D = -log s(D(x)) - log(1 - s(D(G(z)))), L_G = log(1 - s(D(G(z)))), with s the sigmoid.

    Goodfellow et al., 2014, eq. 1, https://arxiv.org/abs/1406.2661. The generator's gradient vanishes where the discriminator is sure.

    >>> minimax().generator(None, jnp.zeros(2))
    Array([-0.6931472, -0.6931472], dtype=float32)
    """
    return AdversarialLoss(both(_cross_entropy), fake_only(lambda fake: -jax.nn.softplus(fake)))


def non_saturating() -> AdversarialLoss:
    """Returns the non-saturating logistic loss: L_D = softplus(-D(x)) + softplus(D(G(z))), L_G = softplus(-D(G(z))).

    Goodfellow et al., 2014, section 3, https://arxiv.org/abs/1406.2661; the loss of DCGAN and StyleGAN.

    >>> non_saturating().discriminator(jnp.zeros(2), jnp.zeros(2))
    Array([1.3862944, 1.3862944], dtype=float32)
    """
    return AdversarialLoss(both(_cross_entropy), fake_only(lambda fake: jax.nn.softplus(-fake)))


def least_squares(a: float = 0.0, b: float = 1.0, c: float = 1.0, scale: float = 1.0) -> AdversarialLoss:
    """Returns the least-squares loss: L_D = scale [(D(x) - b)^2 + (D(G(z)) - a)^2], L_G = scale (D(G(z)) - c)^2.

    Mao et al., 2016, eq. 2, https://arxiv.org/abs/1611.04076. The paper has scale=0.5; the targets are a for fake, b for real,
    c for what the generator wants.

    >>> least_squares(scale=0.5).discriminator(jnp.zeros(1), jnp.ones(1))
    Array([1.], dtype=float32)
    """
    return AdversarialLoss(
        both(lambda real, fake: scale * (jnp.square(real - b) + jnp.square(fake - a))),
        fake_only(lambda fake: scale * jnp.square(fake - c)),
    )


def wasserstein() -> AdversarialLoss:
    """Returns the wasserstein loss: L_D = D(G(z)) - D(x), L_G = -D(G(z)).

    Arjovsky et al., 2017, eq. 2 and algorithm 1, https://arxiv.org/abs/1701.07875. The critic must be kept Lipschitz: see
    `jgan.penalties.gradient_penalty` and `jgan.penalties.clip_weights`.

    >>> wasserstein().discriminator(jnp.ones(1), jnp.full(1, 3.0))
    Array([2.], dtype=float32)
    """
    return AdversarialLoss(both(lambda real, fake: fake - real), fake_only(lambda fake: -fake))


def hinge() -> AdversarialLoss:
    """Returns the hinge loss: L_D = max(0, 1 - D(x)) + max(0, 1 + D(G(z))), L_G = -D(G(z)).

    Lim and Ye, 2017, https://arxiv.org/abs/1705.02894; Miyato et al., 2018, section 4, https://arxiv.org/abs/1802.05957.

    >>> hinge().discriminator(jnp.zeros(1), jnp.full(1, -2.0))
    Array([1.], dtype=float32)
    """
    return AdversarialLoss(
        both(lambda real, fake: jax.nn.relu(1.0 - real) + jax.nn.relu(1.0 + fake)),
        fake_only(lambda fake: -fake),
    )
