"""One optimizer step of one player: the block of which every training algorithm is composed."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVarTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import PartitionSpec

from jgan.types import Array, Metrics, Params, State

Others = TypeVarTuple("Others")  # what a loss is given beside the examples
PlayerLoss = Callable[[Params, State, Any, *Others], tuple[Array, tuple[State, Metrics]]]
PATIENCE = 3  # updates with non-finite gradients in a row after which a player is frozen and the run stops


class Guard(NamedTuple):
    """What happened to updates whose loss or gradients were not finite."""

    skipped: Array  # int32: skipped in all
    in_a_row: Array  # int32: skipped since the last good one; at PATIENCE the player is frozen
    first: Array  # int32: the first non-finite quantity of the last skipped one: 0 the loss, i the i-th leaf of the gradients, -1 none


class Player(NamedTuple):
    """A network under training: what one update changes."""

    params: Params
    state: State
    optimizer: optax.OptState
    guard: Guard


def new_player(params: Params, state: State, optimizer: optax.GradientTransformation) -> Player:
    """Returns a player before its first update."""
    zero = jnp.zeros((), jnp.int32)
    return Player(params, state, optimizer.init(params), Guard(zero, zero, zero - 1))


def update(
    loss: PlayerLoss[*Others], optimizer: optax.GradientTransformation, *, microbatches: int = 1, axis_name: str | None = None
) -> Callable[[Player, Any, *Others], tuple[Player, Metrics]]:
    """Makes one optimizer step of one player.

    Args:
      loss: (params, state, examples, *others) -> (scalar, (state, metrics)), a mean over the examples; metrics is a dict of scalars.
      optimizer: an optax transformation.
      microbatches: the number of parts in which the examples are worked through, to save memory. Gradients, state and metrics are means
        over the parts, so the result is as of the whole batch if the loss is a mean of per-example terms. Part m holds the examples
        m, m + microbatches, ...: strided groups (of the minibatch standard deviation) stay together.
      axis_name: the name of an axis of `jax.pmap` or `jax.shard_map`. Every device is then given all examples, works on its own strided
        share, and means are taken over the devices; `jax.shard_map` needs check_vma=False for networks of `jgan.ops`. Under `jax.jit`
        over a mesh leave it None: the examples are spread over its axis `data`.

    Returns:
      (player, examples, *others) -> (player, metrics): `examples` is a pytree whose leaves share their leading axis [N, ...]; `others` go
      to the loss as they are. Metrics are those of the loss and `loss`, `gradient_norm`, `skipped`. If the loss or a gradient is not
      finite, the player stays as it is and its guard counts.

    Raises:
      ValueError: at trace time, if N does not divide into the microbatches.

    >>> loss = lambda params, state, examples: (jnp.mean((examples - params) ** 2), (state, {}))
    >>> sgd = optax.sgd(0.5)
    >>> player, metrics = update(loss, sgd)(new_player(jnp.zeros(()), {}, sgd), jnp.ones((4,)))
    >>> float(player.params), float(metrics["loss"])
    (1.0, 1.0)
    """

    def gradients(player, examples, *others):
        (value, (state, metrics)), grads = jax.value_and_grad(loss, has_aux=True)(player.params, player.state, examples, *others)
        return grads, state, {"loss": value, **metrics}

    def of_parts(player, examples, *others):
        if microbatches == 1:
            return gradients(player, _spread(examples, 0), *others)
        parts = _spread(strided(examples, microbatches), 1)
        return _mean_over(lambda part: gradients(player, part, *others), parts)

    def of_devices(player, examples, *others):
        # Under `jax.shard_map` gradients of what is equal on all devices would come summed over them.
        own = jax.tree.map(lambda x: jax.lax.pcast(x, axis_name, to="varying"), player.params)
        player, devices = player._replace(params=own), jax.lax.axis_size(axis_name)
        shares = strided(examples, devices)
        share = jax.tree.map(lambda x: x[jax.lax.axis_index(axis_name)], shares)
        return jax.tree.map(lambda x: _mean_of_floats(x, axis_name), of_parts(player, share, *others))

    def step(player: Player, examples: Any, *others: *Others) -> tuple[Player, Metrics]:
        # Behind a barrier, since XLA would draw random examples anew wherever they are used.
        examples = jax.lax.optimization_barrier(examples)
        grads, state, metrics = (of_parts if axis_name is None else of_devices)(player, examples, *others)
        changes, optimizer_state = optimizer.update(grads, player.optimizer, player.params)
        new = (optax.apply_updates(player.params, changes), state, optimizer_state)
        squares = [metrics["loss"], *(jnp.sum(jnp.square(g.astype(jnp.float32))) for g in jax.tree.leaves(grads))]
        # Behind a barrier, since XLA would repeat these sums in the update of every parameter.
        squares = jax.lax.optimization_barrier(jnp.stack([s.astype(jnp.float32) for s in squares]))
        finite = jnp.isfinite(squares)
        good = finite.all() & (player.guard.in_a_row < PATIENCE)
        old = (player.params, player.state, player.optimizer)
        params, state, optimizer_state = jax.tree.map(lambda a, b: jnp.where(good, a, b), new, old)
        guard = _count(player.guard, finite, good)
        metrics = {**metrics, "gradient_norm": jnp.sqrt(jnp.sum(squares[1:])), "skipped": guard.skipped.astype(jnp.float32)}
        return Player(params, state, optimizer_state, guard), metrics

    return step


def every(
    interval: int, step: Callable[[Player, *Others], tuple[Player, Metrics]]
) -> Callable[[Array, Player, *Others], tuple[Player, Metrics]]:
    """Returns the lazy form of an update: it runs when the step counter is a multiple of `interval`, in the same compiled program.

    Returns:
      (counter, player, *arguments) -> (player, metrics), where the metrics are NaN if the update did not run.
    """

    def lazily(counter: Array, player: Player, *arguments: *Others) -> tuple[Player, Metrics]:
        def run():
            return step(player, *arguments)

        missing = jax.tree.map(lambda m: jnp.full(m.shape, jnp.nan, m.dtype), jax.eval_shape(run)[1])
        return jax.lax.cond(counter % interval == 0, run, lambda: (player, missing))

    return lazily


def lazy_adam(learning_rate: float, b1: float, b2: float, interval: int, eps: float = 1e-8) -> optax.GradientTransformation:
    """Returns Adam for a player that takes interval + 1 steps where it used to take `interval`: one more for its lazy penalty.

    With c = interval / (interval + 1) the learning rate becomes c learning_rate and the decays b1^c and b2^c, so that moments and
    learning per iteration stay what they were (Karras et al. 2019, appendix B, https://arxiv.org/abs/1912.04958). An interval of 0 is
    the one of a player without a lazy penalty: plain Adam.
    """
    c = interval / (interval + 1) if interval else 1.0
    return optax.adam(learning_rate * c, b1=b1**c, b2=b2**c, eps=eps)


def check_guards(state: Any) -> None:
    """Stops a run whose players were frozen; reads a few numbers from the device.

    Raises:
      FloatingPointError: if a player in `state` skipped PATIENCE updates in a row; it names the first non-finite quantity.
    """
    players = jax.tree_util.tree_leaves_with_path(state, is_leaf=lambda x: isinstance(x, Player))
    for path, player in players:
        if isinstance(player, Player) and int(player.guard.in_a_row) >= PATIENCE:
            raise FloatingPointError(
                f"{jax.tree_util.keystr(path, simple=True, separator='.')}: {PATIENCE} updates in a row were skipped because of "
                f"non-finite numbers, first in {_quantity(player)}; {int(player.guard.skipped)} were skipped in all. The parameters are "
                "those of the last good update. Lower the learning rate or a penalty's weight, or compute in float32"
            )


def prefixed(name: str, metrics: Metrics) -> Metrics:
    """Returns the same metrics under `name/`."""
    return {f"{name}/{key}": value for key, value in metrics.items()}


def strided(examples: Any, parts: int) -> Any:
    """Returns leaves [N, ...] as [parts, N / parts, ...], part m holding the examples m, m + parts, ...

    Raises:
      ValueError: if N does not divide into the parts.

    >>> strided(jnp.arange(6), 2).tolist()
    [[0, 2, 4], [1, 3, 5]]
    """

    def split(x):
        if x.shape[0] % parts:
            raise ValueError(f"expected a number of examples that divides into {parts} equal parts, found {x.shape[0]}")
        return x.reshape(-1, parts, *x.shape[1:]).swapaxes(0, 1)

    return jax.tree.map(split, examples)


def in_turn(examples: Any, others: Any) -> Any:
    """Returns leaves [N, ...] of both as [2 N, ...], an example and another in turn: each stays on its device.

    The groups of `jgan.models.layers.minibatch_deviation` stay as they were, if their size divides N.

    >>> in_turn(jnp.arange(3), -jnp.arange(3)).tolist()
    [0, 0, 1, -1, 2, -2]
    """
    return jax.tree.map(lambda one, other: jnp.stack([one, other], axis=1).reshape(-1, *one.shape[1:]), examples, others)


def _quantity(player):
    index = int(player.guard.first)
    if index <= 0:
        return "the loss"
    path, _ = jax.tree_util.tree_leaves_with_path(player.params)[index - 1]
    return f"the gradient of {jax.tree_util.keystr(path, simple=True, separator='.')}"


def _count(guard, finite, good):
    bad = ~finite.all()
    first = jnp.where(bad & (guard.in_a_row < PATIENCE), jnp.argmin(finite).astype(jnp.int32), guard.first)
    in_a_row = jnp.where(good, jnp.zeros_like(guard.in_a_row), jnp.minimum(guard.in_a_row + 1, PATIENCE))
    return Guard(guard.skipped + (~good).astype(jnp.int32), in_a_row, first)


def _spread(examples, axis):
    """Spreads the examples over the axis `data` of the mesh in context, if there is one."""
    if "data" not in jax.sharding.get_abstract_mesh().auto_axes:
        return examples
    spec = PartitionSpec(*[None] * axis, "data")
    return jax.tree.map(lambda x: jax.lax.with_sharding_constraint(x, spec), examples)


def _mean_over(function, parts):
    """The mean of function(part) over the leading axis, one part at a time; leaves that are no floats are those of the last part."""
    length = jax.tree.leaves(parts)[0].shape[0]

    def add(total, part):
        return jax.tree.map(lambda t, x: t + x if jnp.issubdtype(x.dtype, jnp.floating) else x, total, function(part)), None

    first = jax.eval_shape(function, jax.tree.map(lambda x: x[0], parts))
    total, _ = jax.lax.scan(add, jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), first), parts)
    return jax.tree.map(lambda x: x / length if jnp.issubdtype(x.dtype, jnp.floating) else x, total)


def _mean_of_floats(x, axis_name):
    return jax.lax.pmean(x, axis_name) if jnp.issubdtype(x.dtype, jnp.floating) else x
