"""Networks of other libraries as pairs of pure functions."""

import inspect
from collections.abc import Callable, Iterable

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax import nnx

from jgan.types import Network


def from_linen(module: nn.Module, streams: Iterable[str] = ("dropout", "noise")) -> Network:
    """Returns a Linen module as a `Network`: its collection `params`, and as the state all other collections.

    Args:
      module: if its `__call__` has an argument `train`, it is told.
      streams: the random streams that layers draw from in `apply`; each gets another key, made from `key`.

    The state changes only with train=True. Without a key, layers that draw raise flax's error.

    >>> network = from_linen(nn.Sequential([nn.Dense(4), nn.relu, nn.Dense(1)]))
    >>> params, state = network.init(jax.random.key(0), jnp.ones((2, 3)))
    >>> logits, state = network.apply(params, state, jnp.ones((2, 3)), train=True)
    >>> logits.shape, state
    ((2, 1), {})
    """
    streams = tuple(streams)
    told = _takes_train(type(module))

    def init(key, *inputs):
        given = {"train": False} if told else {}
        variables = dict(module.init(key, *inputs, **given))
        return variables.pop("params", {}), variables

    def apply(params, state, *inputs, key=None, train=False):
        given = {"train": train} if told else {}
        rngs = None if key is None else {name: jax.random.fold_in(key, i) for i, name in enumerate(streams)}
        mutable = list(state) if train else []
        output, changed = module.apply({"params": params, **state}, *inputs, rngs=rngs, mutable=mutable, **given)
        return output, {**state, **changed}

    return Network(init, apply)


def from_nnx(factory: Callable[[nnx.Rngs], nnx.Module]) -> Network:
    """Returns an nnx module as a `Network`: its `Param` variables, and as the state all others but the random streams.

    Args:
      factory: makes the module; it is called abstractly here, and once in every `init`. If the module's `__call__` has an argument
        `train`, it is told; dropout and batch norm are switched by nnx's own `train()` and `eval()`.

    Random streams are no state: each is seeded anew from `key` in every `apply`. The state changes only with train=True.

    Raises:
      ValueError: in `apply` with train=True and without a key, if the module has random streams.

    >>> network = from_nnx(lambda rngs: nnx.Linear(3, 1, rngs=rngs))
    >>> params, state = network.init(jax.random.key(0))
    >>> logits, state = network.apply(params, state, jnp.ones((2, 3)), train=True)
    >>> logits.shape, sorted(params), state
    ((2, 1), ['bias', 'kernel'], {})
    """
    parts = (nnx.Param, nnx.RngState, ...)
    abstract = nnx.eval_shape(lambda: factory(nnx.Rngs(0)))
    told = _takes_train(type(abstract))
    graphs = {}
    for train, mode in ((True, abstract.train), (False, abstract.eval)):
        mode()
        graphs[train], _, streams, _ = nnx.split(abstract, *parts)
    streams = nnx.to_pure_dict(streams)

    def init(key, *inputs):
        _, params, _, state = nnx.split(factory(nnx.Rngs(key)), *parts)
        return nnx.to_pure_dict(params), nnx.to_pure_dict(state)

    def apply(params, state, *inputs, key=None, train=False):
        if train and key is None and streams:
            raise ValueError(f"expected a key, since the module draws from the random streams of {sorted(streams)}, found None; pass key=")
        module = nnx.merge(graphs[train], params, _seeded(streams, key), state)
        output = module(*inputs, **({"train": train} if told else {}))
        return output, nnx.to_pure_dict(nnx.split(module, *parts)[3]) if train else state

    return Network(init, apply)


def _takes_train(kind):
    return "train" in inspect.signature(kind.__call__).parameters


def _seeded(streams, key):
    """Keys by folding in their number, counts of 0; without a key, those of key 0, which no layer in evaluation draws from."""
    leaves, structure = jax.tree.flatten(streams)
    key = jax.random.key(0) if key is None else key

    def seed(i, leaf):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.random.split(jax.random.fold_in(key, i), leaf.shape) if leaf.shape else jax.random.fold_in(key, i)
        return jnp.zeros(leaf.shape, leaf.dtype)

    return jax.tree.unflatten(structure, [seed(i, leaf) for i, leaf in enumerate(leaves)])
