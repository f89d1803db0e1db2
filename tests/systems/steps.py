"""Some steps of a system, outside of a run."""

from typing import Any, NamedTuple

import jax
import numpy as np

from jgan.data import make_feed
from jgan.sharding import compile, data_mesh, run_key

STEPS = 3


class Played(NamedTuple):
    """The states before and after some steps, and the metrics [STEPS]."""

    first: Any
    last: Any
    metrics: dict[str, np.ndarray]


_played: dict[Any, Played] = {}


def play(system, config, devices: int = 1, steps: int = STEPS, start: Any = None) -> Played:
    """Some steps on the data of a configuration, from the state with which `start`, another configuration, begins, if given."""
    which = (system.name, config, devices, steps)
    if which not in _played:
        _played[which] = _play(system, config, devices, steps, start)
    return _played[which]


def _play(system, config, devices, steps, start):
    with jax.numpy_dtype_promotion("standard"):
        source = system.data(config)
        examples = system.training_data(config) if system.training_data else source
        feed, mesh = make_feed(examples, config.batch, 0), data_mesh(jax.devices()[:devices])
        key, items, metrics = run_key(0, mesh), feed.items(0, 1), []
        compiled = compile(system.build(config, source.spec), mesh, feed)
        if start is None and devices == 1:
            first = jax.device_get(compiled.init(key))
        else:
            first = play(system, start or config, steps=steps).first
        state = jax.tree.map(lambda x, a: jax.device_put(x, a.sharding), first, compiled.abstract)
        for _ in range(steps):
            state, new = compiled.step(state, compiled.constants, compiled.put(next(items)), key)
            metrics.append(jax.device_get(new))
    assert compiled.step.__wrapped__._cache_size() == 1
    return Played(first, jax.device_get(state), {name: np.concatenate([m[name] for m in metrics]) for name in metrics[0]})


def moved(before: Any, after: Any) -> bool:
    """Whether any number changed."""
    return any(np.abs(a - b).max() > 0 for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True))


def assert_nearly_same(one: Played, other: Played, rtol: float = 1e-3, atol: float = 1e-4) -> None:
    """Equal but for rounding."""
    for name, values in one.metrics.items():
        np.testing.assert_allclose(other.metrics[name], values, rtol=rtol, atol=atol, err_msg=name)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=10 * rtol, atol=20 * atol), one.last, other.last)
