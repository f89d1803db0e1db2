"""Many runs of one training algorithm at once, which differ in seeds and settings: what it takes to give a result error bars."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jgan.ops import onednn
from jgan.sharding import data_mesh, seed_key
from jgan.types import Inputs, Key, Outputs, Training


class Population(NamedTuple):
    """Many runs, the lanes: all are at one `step`, a scalar; every other leaf of their states has the lanes as leading axis."""

    begin: Callable[[Any], Any]  # settings -> states
    advance: Callable[[Any, Any, int], Any]  # (states, settings, number of steps) -> states, donating those given
    # (states, settings, key, inputs) -> outputs [lanes, N, ...], of the same key and inputs in all lanes
    sample: Callable[[Any, Any, Key | None, Inputs], Outputs]


def population(
    make: Callable[[Any], Training],
    examples: Any,
    seeds: Sequence[int],
    batch: int,
    mesh: Mesh | None = None,
    *,
    rows: Any = None,
) -> Population:
    """Returns a training algorithm for all lanes in one program: its step under `jax.vmap`, each lane with its state, batches and keys.

    Devices do not wait for each other, so on a CPU small networks gain most with a device for each core (`jgan.sharding.device_per_core`).
    The convolutions of `jgan.ops.convolution` stay dense under `vmap`, where those of other libraries become grouped ones, which are slow.
    Lazy penalties stay branches, since the lanes count their steps together.

    Args:
      make: setting -> the algorithm, whose state is a NamedTuple. Settings are traced: one program serves all.
      examples: of what a batch is made, {"image": uint8 [N, H, W, C], ...}, all on every device.
      seeds: one per lane, of its initialisation, its batches and everything drawn.
      batch: examples per step and lane, drawn at random.
      mesh: spreads the lanes over its axis `data`; by default over as many devices of this process as share them evenly.
      rows: indices of the examples that each lane learns, int [lanes, n]; by default all learn all.

    Returns:
      A population. Its settings are a pytree of arrays [lanes, ...].

    Raises:
      ValueError: if there are no lanes, they cannot be spread evenly over the mesh, or `rows` are not those of every lane.

    >>> State = NamedTuple("State", [("step", jax.Array), ("sum", jax.Array)])
    >>> def counting(by):
    ...     begin = lambda key, batch: State(jnp.zeros((), jnp.int32), jnp.zeros(()))
    ...     return Training(begin, lambda state, batch, key: (State(state.step + 1, state.sum + by), {}), None)
    >>> counters = population(counting, {"image": jnp.zeros((9, 4, 4, 1), jnp.uint8)}, seeds=[0, 1, 2], batch=2)
    >>> by = jnp.asarray([1.0, 10.0, 100.0])
    >>> counters.advance(counters.begin(by), by, 5).sum.tolist()
    [5.0, 50.0, 500.0]
    """
    mesh = mesh_of_lanes(len(seeds)) if mesh is None else mesh
    if not len(seeds) or len(seeds) % mesh.shape["data"]:
        raise ValueError(f"expected one lane or more, a number that divides over {mesh.shape['data']} devices, found {len(seeds)}")
    rows = np.arange(len(jax.tree.leaves(examples)[0]))[None].repeat(len(seeds), axis=0) if rows is None else np.asarray(rows, np.int32)
    if rows.ndim != 2 or len(rows) != len(seeds):
        raise ValueError(f"expected the rows of {len(seeds)} lanes, int [{len(seeds)}, n], found shape {rows.shape}")
    keys = jax.vmap(lambda key: jax.random.split(key, 3))(jnp.stack([seed_key(int(seed)) for seed in seeds]))
    lanes, whole = PartitionSpec("data"), PartitionSpec()
    examples = jax.device_put(examples, NamedSharding(mesh, whole))
    spread = functools.partial(jax.shard_map, mesh=mesh, check_vma=False)

    def begin(settings, keys, examples):
        first = jax.tree.map(lambda x: x[:batch], examples)
        states = jax.vmap(lambda setting, key: make(setting).init(key[0], first))(settings, keys)
        return states._replace(step=states.step[0])

    def advance(states, settings, keys, rows, examples, steps):
        axes = _all_but_step(states, 0, None)

        def one(state, setting, key, rows):
            drawn = jax.random.randint(jax.random.fold_in(key[1], state.step), (batch,), 0, rows.shape[0])
            index = jnp.take(rows, drawn)
            return make(setting).step(state, jax.tree.map(lambda x: jnp.take(x, index, axis=0), examples), key[2])[0]

        every_lane = jax.vmap(one, in_axes=(axes, 0, 0, 0), out_axes=axes)
        return jax.lax.fori_loop(0, steps, lambda _, states: every_lane(states, settings, keys, rows), states)

    def sample(states, settings, key, inputs):
        axes = _all_but_step(states, 0, None)
        return jax.vmap(lambda state, setting: make(setting).sample(state, key, inputs), in_axes=(axes, 0))(states, settings)

    @jax.jit
    def begin_all(settings, keys, examples):
        specs = _all_but_step(jax.eval_shape(begin, settings, keys, examples), lanes, whole)
        return spread(begin, in_specs=(lanes, lanes, whole), out_specs=specs)(settings, keys, examples)

    @onednn.allowed(mesh.devices.flat[0].platform)
    @functools.partial(jax.jit, donate_argnums=0)
    def advance_all(states, settings, keys, rows, examples, steps):
        specs = _all_but_step(states, lanes, whole)
        advance_some = spread(advance, in_specs=(specs, lanes, lanes, lanes, whole, whole), out_specs=specs)
        return advance_some(states, settings, keys, rows, examples, steps)

    @jax.jit
    def sample_all(states, settings, key, inputs):
        specs = _all_but_step(states, lanes, whole)
        return spread(sample, in_specs=(specs, lanes, whole, whole), out_specs=lanes)(states, settings, key, inputs)

    return Population(
        lambda settings: begin_all(settings, keys, examples),
        lambda states, settings, steps: advance_all(states, settings, keys, rows, examples, steps),
        sample_all,
    )


def mesh_of_lanes(lanes: int) -> Mesh:
    """Returns a mesh of the most devices of this process over which the lanes divide evenly.

    >>> mesh_of_lanes(1).shape["data"]
    1
    """
    devices = jax.local_devices()
    return data_mesh(devices[: max(n for n in range(1, len(devices) + 1) if lanes % n == 0)])


def _all_but_step(states, value, of_step):
    """A tree with one value for every leaf but the counter of steps."""
    return jax.tree.map(lambda _: value, states)._replace(step=of_step)
