"""Where things live: the mesh, the compiled program of a run, and start-up on several hosts."""

import contextlib
import functools
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from jgan.ops import onednn
from jgan.types import Key, Training

FSDP_SIZE = 2**16  # elements from which an array is worth sharding


class Compiled(NamedTuple):
    """A training algorithm, compiled for a mesh: one program for the whole run."""

    init: Callable  # (key) -> state
    step: Callable  # (state, constants, items, key) -> (state, metrics); the state is donated; leaves of items and metrics are [K, ...]
    constants: Any  # what the feed keeps on the devices
    put: Callable  # (items of this process) -> items of all processes, on the devices
    abstract: Any  # shapes, dtypes and shardings of the state: what a checkpoint is restored to


def initialize(coordinator: str | None = None, processes: int | None = None, process: int | None = None) -> None:
    """Joins the processes of several hosts, before anything else uses JAX.

    Without arguments the cluster is detected by JAX (SLURM, Open MPI, Kubernetes, TPU pods). On plain machines every process names the
    coordinator, "host:port", the number of processes and its own number.

    Raises:
      ValueError: if only some of the three arguments are given, or none and no cluster is detected.
    """
    given = (coordinator, processes, process)
    if any(g is None for g in given) and any(g is not None for g in given):
        raise ValueError(f"expected coordinator, processes and process together or none of them, found {given}")
    jax.distributed.initialize(coordinator, processes, process)


def device_per_core() -> None:
    """Makes every core of the CPU that this process may use a device of its own, before JAX has looked for any.

    For programs that spread work without ties over all devices: cores that share every operation of a small network wait for each other.
    Accelerators stay as they are, and so does a number given by JAX_NUM_CPU_DEVICES.

    Raises:
      RuntimeError: if JAX has its devices already.
    """
    if jax.config.jax_num_cpu_devices < 0:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        jax.config.update("jax_num_cpu_devices", cores)


def data_mesh(devices: list | None = None) -> Mesh:
    """A mesh of all devices, or of those given, with one axis, `data`.

    >>> data_mesh().axis_names
    ('data',)
    """
    devices = jax.devices() if devices is None else devices
    return jax.make_mesh((len(devices),), ("data",), axis_types=(AxisType.Auto,), devices=devices)


def first_devices(count: int | None) -> list:
    """The first so many devices, or all.

    Raises:
      ValueError: if there are fewer.

    >>> len(first_devices(1))
    1
    """
    devices = jax.devices()
    if count is not None and not 1 <= count <= len(devices):
        raise ValueError(f"expected from 1 to {len(devices)} devices, found {count}; JAX_NUM_CPU_DEVICES=N makes more of a CPU")
    return devices[:count]


def run_key(seed: int, mesh: Mesh) -> Key:
    """The key of a run, the same on all devices of the mesh."""
    return jax.jit(lambda: jax.random.key(seed, impl="threefry2x32"), out_shardings=NamedSharding(mesh, PartitionSpec()))()


def fsdp_spec(shape: tuple[int, ...], devices: int, size: int = FSDP_SIZE) -> PartitionSpec:
    """Fully sharded data parallelism: large arrays are split along their largest axis that the devices divide; small ones are replicated.

    >>> tuple(fsdp_spec((3, 3, 512, 256), 8)), tuple(fsdp_spec((512,), 8))
    ((None, None, 'data', None), ())
    """
    divisible = [axis for axis, n in enumerate(shape) if n % devices == 0]
    if int(np.prod(shape)) < size or not divisible:
        return PartitionSpec()
    largest = max(divisible, key=lambda axis: shape[axis])
    return PartitionSpec(*["data" if axis == largest else None for axis in range(len(shape))])


def compile(training: Training, mesh: Mesh, feed: Any, *, steps_per_call: int = 1, fsdp: bool = False) -> Compiled:
    """Compiles a training algorithm for a mesh, over a feed (`jgan.data.Feed`) of batches.

    The batch is spread over the axis `data`, so statistics over it are global by construction. State is replicated, or with `fsdp` its
    large arrays (parameters, moments, averages) are sharded; its placement is pinned and its memory donated. `steps_per_call` steps are
    one dispatch.

    Raises:
      ValueError: if the batch does not divide over the devices.
    """
    devices = mesh.shape["data"]
    whole, spread = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec(None, "data"))
    first = next(feed.items(0, 1))
    _check_batch(first, devices)

    def begin(key, constants, items):
        return training.init(_fast_key(key), feed.lookup(constants, jax.tree.map(lambda x: x[0], items)))

    def steps(state, constants, items, key):
        def one(state, item):
            return training.step(state, feed.lookup(constants, item), key)

        return jax.lax.scan(one, state, items)

    def put(items):
        return jax.tree.map(lambda x: jax.make_array_from_process_local_data(spread, x), items)

    constants = jax.tree.map(lambda x: jax.make_array_from_callback(x.shape, whole, lambda index, x=x: x[index]), feed.constants)
    first = put(first)
    in_mesh = functools.partial(jax.set_mesh, mesh)
    shapes = _within(jax.eval_shape, in_mesh)(begin, jax.random.key(0), constants, first)
    spec = functools.partial(fsdp_spec, devices=devices) if fsdp else lambda shape: PartitionSpec()
    shardings = jax.tree.map(lambda x: NamedSharding(mesh, spec(x.shape)), shapes)
    abstract = jax.tree.map(lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s), shapes, shardings)
    init = jax.jit(begin, out_shardings=shardings)
    step = jax.jit(steps, in_shardings=(shardings, whole, spread, whole), out_shardings=(shardings, whole), donate_argnums=0)
    step = _within(step, in_mesh, functools.partial(onednn.allowed, mesh.devices.flat[0].platform))
    return Compiled(_within(lambda key: init(key, constants, first), in_mesh), step, constants, put, abstract)


def pmap_step(training: Training, mesh: Mesh, axis_name: str = "data") -> Callable:
    """The step for code that is built on `jax.pmap`: (replicated state, batch, key) -> (replicated state, metrics of each device).

    The training must have been made with the same `axis_name` (see `jgan.training.update`). Every device is given the whole batch and
    works on its share of it.
    """
    return jax.pmap(training.step, axis_name=axis_name, in_axes=(0, None, None), devices=mesh.devices.tolist())


def replicate(tree: Any, mesh: Mesh) -> Any:
    """One copy per device of the mesh along a new leading axis, as `pmap_step` expects its state."""
    placed = NamedSharding(mesh, PartitionSpec("data"))
    return jax.tree.map(lambda x: jax.device_put(jnp.broadcast_to(x, (mesh.shape["data"], *x.shape)), placed), tree)


def _fast_key(key):
    """A key of the generator that compiles fast, for the many draws of an initialisation."""
    return jax.random.wrap_key_data(jax.random.bits(key, (4,), jnp.uint32), impl="rbg")


def _within(function, *contexts):
    """The function, called within contexts, which are made anew for every call."""

    @functools.wraps(function)
    def call(*arguments):
        with contextlib.ExitStack() as stack:
            for context in contexts:
                stack.enter_context(context())
            return function(*arguments)

    return call


def _check_batch(items, devices):
    n = jax.tree.leaves(items)[0].shape[1] * jax.process_count()
    if n % devices:
        raise ValueError(f"expected a batch that divides over {devices} devices, found {n}; change the batch or the number of devices")
