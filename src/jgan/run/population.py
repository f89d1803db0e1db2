"""Many runs of one training algorithm at once, which differ in their seeds only: what it takes to give a result error bars."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jgan.types import Array, Training


def population(make: Callable[[Any], Training], images: Array, seeds: Sequence[int], batch: int) -> tuple[Callable, Callable]:
    """A training algorithm for all seeds in one program: its step under `jax.vmap`, with states, batches and keys of their own.

    The convolutions of `jgan.ops.convolution` stay dense under `vmap`, where those of other libraries become grouped ones, which are slow.

    Args:
      make: setting -> the algorithm. The setting, a pytree of numbers that all games share, is traced: one program serves all settings.
      images: uint8 [N, H, W, C], all on the device.
      seeds: one per game, of its initialisation, its batches and everything drawn.
      batch: images per step and game, drawn at random.

    Returns:
      (setting) -> states, of which every leaf has the seeds as its leading axis, and (states, setting, steps) -> states, which donates the
      states.

    >>> from typing import NamedTuple
    >>> State = NamedTuple("State", [("step", Array)])
    >>> def counting(by):
    ...     return Training(lambda key, batch: State(jnp.zeros((), jnp.int32)), lambda s, batch, key: (State(s.step + by), {}), None)
    >>> begin, advance = population(counting, jnp.zeros((9, 4, 4, 1), jnp.uint8), [0, 1, 2], batch=2)
    >>> advance(begin(2), 2, 5).step.tolist()
    [10, 10, 10]
    """
    keys = jax.vmap(lambda seed: jax.random.split(jax.random.key(seed, impl="threefry2x32"), 3))(jnp.asarray(seeds))

    @jax.jit
    def begin(setting, keys, images):
        return jax.vmap(lambda key: make(setting).init(key[0], {"image": images[:batch]}))(keys)

    @functools.partial(jax.jit, donate_argnums=0)
    def advance(states, setting, keys, images, steps):
        def one(state, key):
            index = jax.random.randint(jax.random.fold_in(key[1], state.step), (batch,), 0, images.shape[0])
            return make(setting).step(state, {"image": jnp.take(images, index, axis=0)}, key[2])[0]

        return jax.lax.fori_loop(0, steps, lambda _, states: jax.vmap(one)(states, keys), states)

    return lambda setting: begin(setting, keys, images), lambda states, setting, steps: advance(states, setting, keys, images, steps)


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of a success rate by Wilson's score, at 95 % with the default z: it is sound for few trials and rates near 0 and 1.

    (p + z^2 / 2n ± z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)   (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953).

    Raises:
      ValueError: unless 0 <= successes <= trials and trials > 0.

    >>> [round(bound, 3) for bound in wilson(8, 8)]
    [0.676, 1.0]
    """
    if not 0 <= successes <= trials or not trials:
        raise ValueError(f"expected 0 <= successes <= trials and at least one trial, found {successes} of {trials}")
    rate, share = successes / trials, z * z / trials
    half = z * math.sqrt(rate * (1 - rate) / trials + share / (4 * trials))
    low, high = ((rate + share / 2 + side * half) / (1 + share) for side in (-1, 1))
    return max(low, 0.0), min(high, 1.0)
