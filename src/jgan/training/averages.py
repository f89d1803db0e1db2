"""Exponential moving averages of parameters, with half-lives in images."""

import jax
import jax.numpy as jnp

from jgan.types import Array, Params


def average_decay(batch_size: int, images: Array, half_life: float, ramp_up: float | None = None) -> Array:
    """Returns the decay of one step of an average: 0.5 ** (batch_size / h), h = min(half_life, ramp_up images).

    Args:
      batch_size: images per step.
      images: images seen so far, a scalar.
      half_life: images after which half of the average has been renewed.
      ramp_up: keeps the half-life at this share of the images seen, early in training (Karras et al. 2020, https://arxiv.org/abs/2006.06676,
        0.05); None: no ramp.

    >>> float(average_decay(8, jnp.asarray(1000.0), half_life=8))
    0.5
    """
    h = jnp.float32(half_life) if ramp_up is None else jnp.minimum(jnp.float32(half_life), ramp_up * images.astype(jnp.float32))
    return jnp.float32(0.5) ** (batch_size / jnp.maximum(h, 1e-8))


def average(old: Params, new: Params, decay: Array) -> Params:
    """Returns decay old + (1 - decay) new, leaf by leaf.

    >>> float(average(jnp.asarray(0.0), jnp.asarray(1.0), jnp.asarray(0.75)))
    0.25
    """
    return jax.tree.map(lambda a, b: b + (a - b) * decay.astype(b.dtype), old, new)


def follow_average(old: Params, new: Params, step: Array, batch_size: int, half_life: float, ramp_up: float | None = 0.05) -> Params:
    """Returns the average of a network's parameters after one more step of its training: `average` with `average_decay`.

    Args:
      old: the average so far.
      new: the parameters after the step.
      step: number of steps before this one, a scalar.
      batch_size: images per step.
      half_life, ramp_up: as in `average_decay`; here with a ramp by default.

    >>> float(follow_average(jnp.asarray(0.0), jnp.asarray(1.0), jnp.asarray(1000), batch_size=8, half_life=8))
    0.5
    """
    images = step.astype(jnp.float32) * batch_size  # whole numbers would overflow
    return average(old, new, average_decay(batch_size, images, half_life, ramp_up))
