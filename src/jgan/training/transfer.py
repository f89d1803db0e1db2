"""Parameters of one training state in another one."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan.leaves import leaf_name
from jgan.training.update import Player

Shapes = dict[str, tuple[int, ...]]


def transfer(before: Mapping[str, np.ndarray], state: Any) -> tuple[Any, Shapes, dict[str, str]]:
    """Puts parameters of another training into a state, wherever path and shape agree.

    Parameters are the `params` and `state` of every `Player`, and what lies below a field called `average`. Optimizers, guards, counters,
    pools and whatever else a state has stay as they are.

    Args:
      before: leaves of the other state by their path, as "generator/params/kernel".
      state: of this training.

    Returns:
      The state; the shapes of what was taken, by path; and why other parameters were not, by path.

    >>> old, new = {"average/kernel": np.ones((2,)), "step": np.ones(())}, {"average": {"kernel": jnp.zeros((2,))}, "step": jnp.zeros(())}
    >>> after, taken, left = transfer(old, new)
    >>> after["average"]["kernel"].tolist(), after["step"].item(), taken, left
    ([1.0, 1.0], 0.0, {'average/kernel': (2,)}, {})
    """
    players = jax.tree_util.tree_leaves_with_path(state, is_leaf=lambda x: isinstance(x, Player))
    fixed = {leaf_name(path) for path, leaf in players if isinstance(leaf, Player)}
    taken: Shapes = {}
    left: dict[str, str] = {}

    def put(path, leaf):
        name = leaf_name(path)
        if not _is_parameter(name, fixed):
            return leaf
        if name not in before:
            left[name] = "not there"
            return leaf
        if before[name].shape != leaf.shape:
            left[name] = f"{before[name].shape} there, {leaf.shape} here"
            return leaf
        taken[name] = leaf.shape
        return jnp.asarray(before[name], leaf.dtype)

    return jax.tree_util.tree_map_with_path(put, state), taken, left


def listing(taken: Shapes, left: Mapping[str, str]) -> list[str]:
    """Returns lines for people: how many arrays were taken of each network, and each one that was not, with the reason.

    >>> listing({"average/a": (2,), "average/b": (3,)}, {"average/c": "not there"})
    ['average: 2 arrays taken', 'average/c: begun anew, not there']
    """
    networks = [name.rpartition("/params/")[0] or name.rpartition("/state/")[0] or name.split("/")[0] for name in taken]
    lines = [f"{network}: {networks.count(network)} arrays taken" for network in dict.fromkeys(networks)]
    return lines + [f"{name}: begun anew, {reason}" for name, reason in left.items()]


def _is_parameter(name, players):
    player = next((player for player in players if name.startswith(f"{player}/")), None)
    if player is None:
        return name.split("/")[0] == "average"
    return name.removeprefix(f"{player}/").split("/")[0] in ("params", "state")
