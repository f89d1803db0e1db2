"""Variational estimates of f-divergences as adversarial losses (f-GAN)."""

import math

import jax
import jax.numpy as jnp

from jgan.losses.adversarial import both, fake_only
from jgan.types import AdversarialLoss

# name -> (output activation g_f(v), conjugate after it f*(g_f(v))), simplified from table 2 of the paper so that nothing overflows early
_DIVERGENCES = {
    "kullback_leibler": (lambda v: v, lambda v: jnp.exp(v - 1.0)),
    "reverse_kullback_leibler": (lambda v: -jnp.exp(-v), lambda v: v - 1.0),
    "pearson": (lambda v: v, lambda v: 0.25 * jnp.square(v) + v),
    "squared_hellinger": (lambda v: -jnp.expm1(-v), jnp.expm1),
    "jensen_shannon": (lambda v: math.log(2.0) - jax.nn.softplus(-v), lambda v: jax.nn.softplus(v) - math.log(2.0)),
    "total_variation": (lambda v: 0.5 * jnp.tanh(v), lambda v: 0.5 * jnp.tanh(v)),
}


def f_divergence(name: str) -> AdversarialLoss:
    """Returns the f-GAN loss: L_D = -g_f(D(x)) + f*(g_f(D(G(z)))), minus a lower bound on the divergence D_f(data || generator); L_G =
    -g_f(D(G(z))).

    name: kullback_leibler, reverse_kullback_leibler, pearson, squared_hellinger, jensen_shannon or total_variation; ValueError for
    others. Sides take (real_logits, fake_logits) of one shape, the raw outputs of the discriminator, and return float32 of that shape.
    The generator's side is the paper's alternative to L_G = -f*(g_f(D(G(z)))), whose gradient does not fade.

    Nowozin et al., 2016, eq. 7, section 3.2 and table 2, https://arxiv.org/abs/1606.00709.

    >>> f_divergence("squared_hellinger").discriminator(jnp.zeros(1), jnp.zeros(1))
    Array([0.], dtype=float32)
    """
    if name not in _DIVERGENCES:
        raise ValueError(f"expected name to be one of {sorted(_DIVERGENCES)}, found {name!r}; pick a divergence from the list")
    activation, conjugate = _DIVERGENCES[name]
    return AdversarialLoss(
        both(lambda real, fake: conjugate(fake) - activation(real)),
        fake_only(lambda fake: -activation(fake)),
    )
