"""How the small networks that score are trained on arrays, and kept: weights in an npz file, with their protocol beside it."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan import bounded
from jgan.data.content import hash_of
from jgan.data.source import Source
from jgan.evaluation.gather import npz_of
from jgan.leaves import by_name, leaf_name
from jgan.outputs.files import write_atomic
from jgan.sharding import seed_key
from jgan.types import Array, Key, Params

MOST_OF_PROTOCOL = 1 << 20  # bytes

Loss = Callable[[Params, Any, Array, Key], Array]  # (params, all data, indices of a batch of them, key) -> scalar


def fit(init: Callable[[Key], Params], loss_fn: Loss, data: Any, *, seed: int, steps: int, batch: int) -> Params:
    """Trains by Adam, cosine decay from 2e-3, on batches drawn with replacement.

    Args:
      init: key -> parameters.
      loss_fn: of a batch, from all data, which lie on the device, the indices of the batch and a key.
      data: a pytree of arrays [N, ...].
      seed: for initial weights and batches.
      steps, batch: number of steps and of examples drawn for each.
    """
    optimizer, (init_key, key) = optax.adam(optax.cosine_decay_schedule(2e-3, steps)), jax.random.split(seed_key(seed))
    data = jax.tree.map(jnp.asarray, data)
    count = len(jax.tree.leaves(data)[0])

    @jax.jit
    def step(params, opt_state, data, number):
        step_key = jax.random.fold_in(key, number)
        index, loss_key = jax.random.randint(step_key, (batch,), 0, count), jax.random.fold_in(step_key, 1)
        updates, opt_state = optimizer.update(jax.grad(loss_fn)(params, data, index, loss_key), opt_state, params)
        return optax.apply_updates(params, updates), opt_state

    params = jax.jit(init)(init_key)
    opt_state = optimizer.init(params)
    for number in range(steps):
        params, opt_state = step(params, opt_state, data, number)
    return params


def keep_weights(stem: Path, params: Params, protocol: dict[str, Any]) -> None:
    """Writes STEM.npz and then STEM.json, so that where the second is, both are whole; warns where that cannot be."""
    try:
        write_atomic(stem.with_suffix(".npz"), npz_of(by_name(params)))
        write_atomic(stem.with_suffix(".json"), json.dumps(protocol, indent=2))
    except OSError as error:
        warnings.warn(f"the {stem.name} is not kept: {error}", UserWarning, stacklevel=3)


def kept_weights(stem: Path, init: Callable[[Key], Params], settings: dict[str, Any]) -> tuple[Params, dict[str, Any]] | None:
    """Reads what `keep_weights` wrote: parameters and protocol; None if there are none, or, with a warning, if they are damaged.

    Args:
      stem: the path without an ending.
      init: key -> parameters, whose shapes are expected.
      settings: what the protocol has to say.
    """
    if not stem.with_suffix(".json").exists():
        return None
    try:
        with bounded.open_regular(stem.with_suffix(".json")) as file:
            protocol = json.loads(file.read(MOST_OF_PROTOCOL))
        if not isinstance(protocol, dict) or not settings.items() <= protocol.items():
            raise ValueError("its .json holds another protocol")
        accuracy = protocol.get("held_out_accuracy", "none")
        np.asarray(list(accuracy.values()) if isinstance(accuracy, dict) else accuracy, np.float64)  # ValueError, TypeError
        weights = bounded.read_npz(stem.with_suffix(".npz"))
        like = jax.eval_shape(init, jax.random.key(0))
        return jax.tree.map_with_path(lambda path, leaf: _of_shape(weights, leaf_name(path), leaf), like), protocol
    except (ValueError, TypeError, OSError, RecursionError) as error:
        warnings.warn(f"{stem}, a network that was kept, cannot be read and is trained anew: {error}", UserWarning, stacklevel=3)
        return None


def network_name(kind: str, source: Source, params: Params, field: str = "image") -> str:
    """Returns the name of a network that scores: its kind, the data and resolution of the field it was trained on, the hash
    of its weights.
    """
    weights = by_name(params)
    digest = hash_of(*(np.asarray(weights[name]).tobytes() for name in sorted(weights)))
    data = Path(source.name.replace(":", "-")).name.split(".")[0]
    height, width = source.spec.shape(field)[-3:-1]
    resolution = f"{height}px" if height == width else f"{height}x{width}px"
    return f"{kind}-{data}-{resolution}-{digest}"


def _of_shape(weights, name, expected):
    found = weights.get(name)
    if found is None or found.shape != expected.shape or found.dtype != expected.dtype:
        raise ValueError(f"expected {name} as {expected.dtype} {list(expected.shape)} in its weights")
    return jnp.asarray(found)
