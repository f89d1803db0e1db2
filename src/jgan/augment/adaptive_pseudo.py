"""Adaptive pseudo augmentation (APA): fakes shown as reals, as often as the discriminator overfits.

Jiang et al. 2021, "Deceive D: Adaptive Pseudo Augmentation for GAN Training with Limited Data" (https://arxiv.org/abs/2111.06849).
"""

import jax
import jax.numpy as jnp

from jgan.augment.adaptive import ada_update
from jgan.types import Array, Key

pseudo_update = ada_update  # section 3: the same heuristic, E[sign D(real)] against a target of 0.6


def pseudo(key: Key, real: Array, fake: Array, strength: Array) -> Array:
    """Computes reals [N, ...] of which each is replaced by its fake of the same shape with probability `strength`; for the discriminator's
    eyes.

    The fakes are constants here: no gradient flows back to the generator. ValueError for other shapes, and for integers beside floats.

    >>> pseudo(jax.random.key(0), jnp.ones((3, 1)), jnp.zeros((3, 1)), 1.0).ravel().tolist()
    [0.0, 0.0, 0.0]
    """
    floating = [jnp.issubdtype(x.dtype, jnp.floating) for x in (real, fake)]
    if real.shape != fake.shape or floating[0] != floating[1]:
        found = f"{real.dtype}{list(real.shape)} and {fake.dtype}{list(fake.shape)}"
        raise ValueError(f"expected one fake per real, of the same shape and in the same range, found {found}; convert or cut one of them")
    chosen = jax.random.bernoulli(key, strength, (real.shape[0], *(1,) * (real.ndim - 1)))
    return jnp.where(chosen, jax.lax.stop_gradient(fake), real)
