"""The contract of the whole library, and its glossary.

Names used everywhere: generator, discriminator, real, fake, `z` (latent), `w` (style), label, logits, params, state, key, step, batch.
Images are [N, H, W, C] in [-1, 1] inside the program and uint8 outside it. A batch is a dict: `image` uint8 [N, H, W, C] and, where
the data has labels, `label` int32 [N].
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

Array = jax.Array
Key = jax.Array
Params = Any  # a pytree of arrays
State = Any  # a pytree of arrays: what the layers of a network carry from call to call
Batch = dict[str, Array]
Metrics = dict[str, Array]  # scalars; NaN where a step did not compute one


class Network(NamedTuple):
    """A network of any library, as two pure functions."""

    init: Callable  # (key, *inputs) -> (params, state)
    apply: Callable  # (params, state, *inputs, key=None, train=False) -> (output, state)


class Training(NamedTuple):
    """A training algorithm, closed over its networks and settings: all that the shell needs to know."""

    init: Callable  # (key, batch) -> train_state, a pytree with an integer field `step`
    step: Callable  # (train_state, batch, key) -> (train_state, metrics)
    sample: Callable  # (train_state, key, inputs) -> images [N, H, W, C] in [-1, 1]


class AdversarialLoss(NamedTuple):
    """The two sides of a game, unreduced: each returns a loss of the shape of the logits."""

    discriminator: Callable  # (real_logits, fake_logits) -> loss
    generator: Callable  # (real_logits, fake_logits) -> loss; real_logits may be None unless the loss is relativistic
