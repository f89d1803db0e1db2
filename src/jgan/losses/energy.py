"""Adversarial losses on energies: the discriminator gives a reconstruction error >= 0, low for real examples.

Sides take (real_energy, fake_energy) of one shape and return a loss of that shape in float32; ValueError where shapes differ.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jgan.losses._checks import lift
from jgan.losses.adversarial import both, fake_only
from jgan.types import Adaptive, AdversarialLoss, Array


def energy_based(margin: float = 1.0) -> AdversarialLoss:
    """Returns the energy-based loss: L_D = D(x) + max(0, margin - D(G(z))), L_G = D(G(z)), with D an energy in the units of the margin.

    Zhao et al., 2016, eqs. 1-2, https://arxiv.org/abs/1609.03126.

    >>> energy_based(margin=2.0).discriminator(jnp.ones(1), jnp.full(1, 0.5))
    Array([2.5], dtype=float32)
    """
    return AdversarialLoss(
        both(lambda real, fake: real + jax.nn.relu(margin - fake)),
        fake_only(lambda fake: fake),
    )


class BoundaryEquilibrium(NamedTuple):
    """BEGAN: its state is one scalar, the weight k in [0, 1] of the fake energies."""

    init: Callable[[], Array]  # () -> k = 0
    loss: Callable  # (k) -> AdversarialLoss of energies
    update: Callable  # (k, real_energy, fake_energy) -> (next k, convergence measure M), both scalars


def boundary_equilibrium(gamma: float = 0.5, rate: float = 1e-3) -> BoundaryEquilibrium:
    """Returns the boundary equilibrium loss: L_D = D(x) - k D(G(z)), L_G = D(G(z)), k <- clip(k + rate (gamma D(x) - D(G(z))), 0, 1).

    gamma is the ratio of fake to real energy that k holds, low for image quality, high for diversity; the convergence measure is
    M = D(x) + |gamma D(x) - D(G(z))|; the update takes means over the batch. ValueError for gamma outside [0, 1].

    Berthelot et al., 2017, section 3.4, https://arxiv.org/abs/1703.10717.

    >>> began = boundary_equilibrium(gamma=0.5, rate=0.1)
    >>> k, convergence = began.update(began.init(), jnp.full(2, 4.0), jnp.full(2, 1.0))
    >>> float(k), float(convergence)
    (0.10000000149011612, 5.0)
    >>> began.loss(k).discriminator(jnp.full(1, 4.0), jnp.full(1, 1.0))
    Array([3.9], dtype=float32)
    """
    if not 0.0 <= gamma <= 1.0:
        raise ValueError(f"expected gamma in [0, 1], found {gamma}; it is the ratio of fake to real energy")

    def loss(k):
        return AdversarialLoss(both(lambda real, fake: real - jax.lax.stop_gradient(k) * fake), fake_only(lambda fake: fake))

    def update(k, real_energy, fake_energy):
        real = jnp.mean(lift(jax.lax.stop_gradient(real_energy)))
        balance = gamma * real - jnp.mean(lift(jax.lax.stop_gradient(fake_energy)))
        return jnp.clip(k + rate * balance, 0.0, 1.0), real + jnp.abs(balance)

    return BoundaryEquilibrium(lambda: jnp.zeros((), jnp.float32), loss, update)


def adaptive_boundary_equilibrium(gamma: float = 0.5, rate: float = 1e-3) -> Adaptive:
    """Makes `boundary_equilibrium` playable by `jgan.training.alternating`, which carries k and records it with the convergence measure.

    >>> loss = adaptive_boundary_equilibrium(gamma=0.5, rate=0.1)
    >>> energies = {"discriminator/real_logits": jnp.asarray(4.0), "discriminator/fake_logits": jnp.asarray(1.0)}
    >>> float(loss.update(loss.init(), energies, 32)[1]["convergence"])
    5.0
    """
    equilibrium = boundary_equilibrium(gamma, rate)

    def update(k, metrics, examples):
        k, convergence = equilibrium.update(k, metrics["discriminator/real_logits"], metrics["discriminator/fake_logits"])
        return k, {"balance": k, "convergence": convergence}

    return Adaptive(equilibrium.init, equilibrium.loss, update)
