"""Batches that are changed on the device before they are trained on: fields drawn, cut or computed of others."""

from typing import Protocol

import jax

from jgan.types import Array, Batch, Key, Training

STREAM = 0x62617463  # of the keys of changes, apart from those of the training


class Change(Protocol):
    """Makes the batch that is trained on of one of the data."""

    def __call__(self, batch: Batch, key: Key, /) -> Batch: ...


def changed_batches(training: Training, change: Change) -> Training:
    """Trains on `change(batch, key)` in place of each batch; `sample` stays.

    >>> import jax.numpy as jnp
    >>> doubling = Training(lambda key, batch: batch["x"], lambda state, batch, key: (state, {"x": batch["x"]}), lambda *_: {})
    >>> changed_batches(doubling, lambda batch, key: {"x": 2 * batch["x"]}).init(jax.random.key(0), {"x": jnp.ones(1)})
    Array([2.], dtype=float32)
    """

    def init(key, batch):
        return training.init(key, change(batch, jax.random.fold_in(key, STREAM)))

    def step(state, batch, key):
        return training.step(state, change(batch, _key(key, state.step)), key)

    return Training(init, step, training.sample)


def _key(key: Key, step: Array) -> Key:
    return jax.random.fold_in(jax.random.fold_in(key, step), STREAM)
