"""An augmentation whose strength follows how well the discriminator knows the training images, for `jgan.training.alternating`."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from jgan.augment.adaptive import ada_update
from jgan.types import Adaptive, Array


class Steering(NamedTuple):
    """The strength, and what has been seen since it last changed."""

    strength: Array  # p in [0, 1]
    signs: Array  # sum over steps of the mean sign of the real logits
    steps: Array  # int32


def adaptive_strength(function: Callable, target: float = 0.6, length: float = 500_000, interval: int = 4) -> Adaptive:
    """Makes an augmentation of (key, x, strength) -> x, such as `ada` or `diffaugment`, with the strength that `ada_update` finds.

    Karras et al. 2020, section 3 (https://arxiv.org/abs/2006.06676).

    Args:
      function: `ada`, `partial(ada, **BLIT)`, `diffaugment` or one of your own.
      target: the mean sign of the real logits at which the strength stays.
      length: real examples in which it can go from 0 to 1.
      interval: steps between two changes of the strength.

    >>> from jgan.augment import ada
    >>> augment = adaptive_strength(ada, length=100, interval=1)
    >>> float(augment.update(augment.init(), {"discriminator/real_signs": jnp.asarray(1.0)}, 10)[1]["strength"])
    0.10000000149011612
    """

    def init():
        zero = jnp.zeros((), jnp.float32)
        return Steering(zero, zero, jnp.zeros((), jnp.int32))

    def update(value, metrics, examples):
        signs, steps = value.signs + metrics["discriminator/real_signs"], value.steps + 1
        due = steps == interval
        strength = jnp.where(due, ada_update(value.strength, signs / interval, examples, target, length, interval), value.strength)
        return Steering(strength, jnp.where(due, 0.0, signs), jnp.where(due, 0, steps)), {"strength": strength}

    return Adaptive(init, lambda value: lambda key, x: function(key, x, value.strength), update)
