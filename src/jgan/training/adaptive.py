"""The values of `jgan.types.Adaptive` parts in a training state: where they begin, what parts are at them, how they follow the training.

Parts are a pytree (of functions, records, numbers) some of whose leaves are `Adaptive`; a value has the last name on its part's path.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from jgan.types import Adaptive, Array, Metrics

T = TypeVar("T")


def scheduled(at: Callable[[Array], T]) -> Adaptive[T]:
    """Makes a part that changes on a schedule: a loss, a penalty or an augmentation of the number of real examples seen, an int32 scalar
    that stays at its largest number.

    >>> from jgan.penalties import on_real, r1
    >>> halved = scheduled(lambda seen: on_real(r1, jnp.where(seen < 100, 10.0, 5.0)))
    >>> seen, _ = halved.update(halved.init(), {}, 64)
    >>> float(halved.at(seen).weight), float(halved.at(seen + 64).weight)
    (10.0, 5.0)
    """
    most = jnp.iinfo(jnp.int32).max
    return Adaptive(lambda: jnp.zeros((), jnp.int32), at, lambda seen, metrics, examples: (seen + jnp.minimum(examples, most - seen), {}))


def begin(parts: Any) -> dict[str, Any]:
    """Returns the first value of every adaptive part.

    >>> begin({"loss": Adaptive(lambda: 0.5, None, None), "penalty": None})
    {'loss': 0.5}
    """
    return {name: part.init() for name, part in _adaptive(parts)}


def current(parts: T, values: dict[str, Any]) -> T:
    """Returns the parts, with every adaptive one as it is at its value.

    >>> current({"loss": Adaptive(None, lambda value: 2 * value, None), "weight": 3}, {"loss": 4})
    {'loss': 8, 'weight': 3}
    """

    def at(path, part):
        return part.at(values[_name(path)]) if isinstance(part, Adaptive) else part

    return jax.tree_util.tree_map_with_path(at, parts, is_leaf=_is_adaptive)


def follow(parts: Any, values: dict[str, Any], metrics: Metrics, examples: int) -> tuple[dict[str, Any], Metrics]:
    """Computes the next values, and what to record of them as NAME/WHAT. A value is kept where its next one is not finite.

    Args:
      parts, values: as in `current`.
      metrics: of the step.
      examples: real examples seen in the step.

    >>> mean = Adaptive(None, None, lambda value, metrics, examples: (metrics["x"], {"value": metrics["x"]}))
    >>> follow({"mean": mean}, {"mean": jnp.zeros(())}, {"x": jnp.float32(2.0)}, 32)[1]
    {'mean/value': Array(2., dtype=float32)}
    """
    after, record = {}, {}
    for name, part in _adaptive(parts):
        value, measured = part.update(values[name], metrics, examples)
        after[name] = _kept_unless_finite(values[name], value)
        record |= {f"{name}/{what}": number for what, number in measured.items()}
    return after, record


def _kept_unless_finite(old, new):
    finite = jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(new)]).all()
    return jax.tree.map(lambda a, b: jnp.where(finite, jnp.asarray(b, jnp.result_type(a)), a), old, new)


def _is_adaptive(part):
    return isinstance(part, Adaptive)


def _adaptive(parts):
    leaves = jax.tree_util.tree_leaves_with_path(parts, is_leaf=_is_adaptive)
    return [(_name(path), part) for path, part in leaves if _is_adaptive(part)]


def _name(path):
    return jax.tree_util.keystr(path[-1:], simple=True)
