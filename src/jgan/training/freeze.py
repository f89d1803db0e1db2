"""Frozen layers: an optimizer that leaves some parameters as they are, for a network that goes on from another run."""

from collections.abc import Callable, Hashable

import jax
import optax


def frozen(optimizer: optax.GradientTransformation, is_frozen: Callable[[tuple[str, ...]], bool]) -> optax.GradientTransformation:
    """Returns the optimizer for all parameters but the frozen ones, which stay what they are and have no moments.

    Args:
      optimizer: what the other parameters learn by.
      is_frozen: from the path of a parameter, the names of its keys, fields or positions from the outside in, to whether it is frozen.

    >>> import jax.numpy as jnp
    >>> params = {"first": {"bias": jnp.zeros(2)}, "last": {"bias": jnp.zeros(2)}}
    >>> optimizer = frozen(optax.sgd(1.0), lambda path: path[0] == "first")
    >>> changes, _ = optimizer.update(jax.tree.map(jnp.ones_like, params), optimizer.init(params), params)
    >>> changes["first"]["bias"].tolist(), changes["last"]["bias"].tolist()
    ([0.0, 0.0], [-1.0, -1.0])
    """

    def label(path, _):
        return "frozen" if is_frozen(tuple(jax.tree_util.keystr((key,), simple=True) for key in path)) else "learning"

    transforms: dict[Hashable, optax.GradientTransformation] = {"frozen": optax.set_to_zero(), "learning": optimizer}
    return optax.partition(transforms, lambda params: jax.tree_util.tree_map_with_path(label, params))
