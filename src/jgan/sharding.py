"""Where things live: the mesh, the compiled program of a run, and start-up on several hosts."""

import contextlib
import functools
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from jgan.compat import eval_jaxpr
from jgan.ops import onednn
from jgan.ops.random import initial_key
from jgan.types import Array, Batch, Fields, Key, Metrics, Outputs, SampleTraining, Training

LARGEST_SEED = 2**63 - 1
FSDP_SIZE = 2**16  # elements from which an array is worth sharding
LIFTED_BYTES = 2**16  # constants of at least this many bytes are arguments of a program instead of parts of it


class Compiled(NamedTuple):
    """A training algorithm, compiled for a mesh: one program for the whole run."""

    init: Callable[[Key], Any]  # (key) -> state
    # (state, constants, items, key) -> (state, metrics); the state is donated; leaves of items and metrics are [K, ...]
    step: Callable[[Any, Any, Any, Key], tuple[Any, Metrics]]
    constants: Any  # what the feed keeps on the devices, and what the training closes over
    put: Callable[[Any], Any]  # (items of this process) -> items of all processes, on the devices
    abstract: Any  # shapes, dtypes and shardings of the state: what a checkpoint is restored to


class Sampler(Protocol):
    """`Training.sample`, compiled: (state, key or None, inputs on the host or on devices) -> outputs."""

    def __call__(self, state: Any, key: Key | None, inputs: Fields, /) -> Outputs: ...


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
    """Turns every core of the CPU that this process may use into a device, before JAX has looked for any.

    For programs that spread work without ties over all devices: cores that share every operation of a small network wait for each other.
    Accelerators stay as they are, and so does a number given by JAX_NUM_CPU_DEVICES.

    Raises:
      RuntimeError: if JAX has its devices already.
    """
    if jax.config.jax_num_cpu_devices < 0:  # pyright: ignore[reportAttributeAccessIssue]  unknown to the stubs of JAX
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        jax.config.update("jax_num_cpu_devices", cores)


def data_mesh(devices: list | None = None) -> Mesh:
    """Returns a mesh of all devices, or of those given, with one axis, `data`.

    >>> data_mesh().axis_names
    ('data',)
    """
    devices = jax.devices() if devices is None else devices
    return jax.make_mesh((len(devices),), ("data",), axis_types=(AxisType.Auto,), devices=devices)


def first_devices(count: int | None) -> list:
    """Returns the first `count` devices, or all.

    Raises:
      ValueError: if there are fewer.

    >>> len(first_devices(1))
    1
    """
    devices = jax.devices()
    if count is not None and not 1 <= count <= len(devices):
        raise ValueError(f"expected from 1 to {len(devices)} devices, found {count}; JAX_NUM_CPU_DEVICES=N makes more of a CPU")
    return devices[:count]


def devices_for(batches: Sequence[int], count: int | None) -> list:
    """Returns the first `count` devices; without a count all of this machine's, or as many as all batches divide over.

    Several processes use all their devices. Errors as `first_devices`.

    >>> len(devices_for([3, 9], None)) in (1, 3)
    True
    """
    devices = first_devices(count)
    if count is not None or jax.process_count() > 1:
        return devices
    most = next(n for n in range(len(devices), 0, -1) if all(batch % n == 0 for batch in batches))
    return devices[:most]


def run_key(seed: int, mesh: Mesh) -> Key:
    """Returns the key of a run, the same on all devices of the mesh; errors as `seed_key`."""
    return jax.jit(lambda: seed_key(seed), out_shardings=NamedSharding(mesh, PartitionSpec()))()


def seed_key(seed: int) -> Key:
    """Returns the key of a seed, another one for every seed, whatever JAX's default generator is: `jax.random.key(seed)` below 2^32.

    Raises:
      ValueError: unless 0 <= seed < 2^63.

    >>> jax.random.key_data(seed_key(2**32 + 7)).tolist()
    [1, 7]
    """
    return jax.random.wrap_key_data(jnp.asarray(seed_words(seed)), impl="threefry2x32")


def seed_words(seed: int) -> np.ndarray:
    """Returns the high and the low 32 bits of a seed, uint32 [2], which are the data of its key; errors as `seed_key`."""
    check_seed(seed)
    return np.asarray([seed >> 32, seed & (2**32 - 1)], np.uint32)


def fsdp_spec(shape: tuple[int, ...], devices: int, size: int = FSDP_SIZE) -> PartitionSpec:
    """Returns fully sharded data parallelism: large arrays are split along their largest axis that the devices divide; small ones are
    replicated.

    >>> tuple(fsdp_spec((3, 3, 512, 256), 8)), tuple(fsdp_spec((512,), 8))
    ((None, None, 'data', None), ())
    """
    divisible = [axis for axis, n in enumerate(shape) if n % devices == 0]
    if int(np.prod(shape)) < size or not divisible:
        return PartitionSpec()
    largest = max(divisible, key=lambda axis: shape[axis])
    return PartitionSpec(*["data" if axis == largest else None for axis in range(len(shape))])


def compile(training: Training, mesh: Mesh, feed: Any, *, fsdp: bool = False) -> Compiled:
    """Compiles a training algorithm for a mesh, over a feed (`jgan.data.Feed`) of batches.

    The batch is spread over the axis `data`, so statistics over it are global by construction. State is replicated, or with `fsdp` its
    large arrays (parameters, moments, averages) are sharded; its placement is pinned and its memory donated. The items of one call of
    `step` say how many steps it takes.

    Raises:
      ValueError: if the batch does not divide over the devices.
    """
    devices = mesh.shape["data"]
    whole, spread = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec(None, "data"))
    in_mesh = functools.partial(jax.set_mesh, mesh)
    for_training = functools.partial(onednn.allowed, mesh.devices.flat[0].platform)
    items = next(feed.items(0, 1))
    check_batch(jax.tree.leaves(items)[0].shape[1] * jax.process_count(), devices)

    def put(items):
        return jax.tree.map(lambda x: jax.make_array_from_process_local_data(spread, x), items)

    def first_batch(of_feed, items):
        return feed.lookup(of_feed, jax.tree.map(lambda x: x[0], items))

    of_feed = jax.tree.map(lambda x: jax.make_array_from_callback(x.shape, whole, lambda index, x=x: x[index]), feed.constants)
    items, key = put(items), jax.eval_shape(functools.partial(jax.random.key, impl="threefry2x32"), 0)
    batch = jax.eval_shape(first_batch, of_feed, items)
    begin, of_init = _within(lift, in_mesh)(lambda key, batch: training.init(initial_key(key), batch), key, batch)
    shapes = _within(jax.eval_shape, in_mesh)(begin, of_init, key, batch)
    step_once, of_step = _within(lift, in_mesh, for_training)(training.step, shapes, batch, key)

    def init(constants, key, of_feed, items):
        return begin(constants, key, first_batch(of_feed, items))

    def steps(state, constants, items, key):
        def one(state, item):
            return step_once(constants["closed"], state, feed.lookup(constants["feed"], item), key)

        return jax.lax.scan(one, state, items)

    spec = functools.partial(fsdp_spec, devices=devices) if fsdp else lambda shape: PartitionSpec()
    shardings = jax.tree.map(lambda x: NamedSharding(mesh, spec(x.shape)), shapes)
    abstract = jax.tree.map(lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s), shapes, shardings)
    of_init, constants = jax.device_put((of_init, {"feed": of_feed, "closed": of_step}), whole)
    init = jax.jit(init, out_shardings=shardings)
    step = jax.jit(steps, in_shardings=(shardings, whole, spread, whole), out_shardings=(shardings, whole), donate_argnums=0)
    return Compiled(
        _within(lambda key: init(of_init, key, of_feed, items), in_mesh),
        _within(step, in_mesh, for_training),
        constants,
        put,
        abstract,
    )


def lift(function: Callable[..., Any], *arguments: Any) -> tuple[Callable[..., Any], list[Array]]:
    """Makes the large arrays that a function closes over, such as pretrained parameters, into an argument.

    A compiled program holds what it closes over as text, twice. The function is traced once, for arguments of these shapes. Arrays that a
    function inside closes over which is jitted itself are out of reach: a warning says so.

    Args:
      function: pure.
      *arguments: pytrees of arrays, or of their shapes and dtypes.

    Returns:
      (constants, *arguments) -> what the function gives; and the constants, arrays of at least LIFTED_BYTES.

    >>> table = jnp.ones((200, 200))
    >>> call, constants = lift(lambda x: x @ table, jax.ShapeDtypeStruct((2, 200), jnp.float32))
    >>> call(constants, jnp.ones((2, 200))).shape, [c.shape for c in constants]
    ((2, 200), [(200, 200)])
    """
    traced, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
    structure = jax.tree.structure(shapes)
    _warn_of_hidden(traced)
    large = [i for i, constant in enumerate(traced.consts) if constant.nbytes >= LIFTED_BYTES]

    def call(constants, *arguments):
        leaves = jax.tree.leaves(arguments)
        _check_like_traced(leaves, traced.in_avals)
        given = list(traced.consts)
        for i, constant in zip(large, constants, strict=True):
            given[i] = constant
        return jax.tree.unflatten(structure, eval_jaxpr(traced.jaxpr, given, *leaves))

    return call, [traced.consts[i] for i in large]


def sampler(sample: SampleTraining, abstract: Any) -> Sampler:
    """Compiles `Training.sample`: its inputs are spread over the devices of the state, what it closes over are arguments.

    Args:
      sample: (state, key, inputs) -> outputs.
      abstract: the state as shapes and dtypes, with shardings if it is spread over a mesh.
    """
    sharding = getattr(jax.tree.leaves(abstract)[0], "sharding", None)
    mesh = sharding.mesh if isinstance(sharding, NamedSharding) else None
    programs = {}

    def placed(x):
        if mesh is None:
            return jnp.asarray(x)
        divides = x.ndim and x.shape[0] % mesh.shape["data"] == 0
        return jax.device_put(x, NamedSharding(mesh, PartitionSpec("data") if divides else PartitionSpec()))

    def draw(state, key, inputs):
        signature = key is None, tuple((name, x.shape, str(x.dtype)) for name, x in sorted(inputs.items()))
        if signature not in programs:
            call, constants = lift(sample, abstract, key, inputs)
            programs[signature] = (
                jax.jit(call),
                constants if mesh is None else jax.device_put(constants, NamedSharding(mesh, PartitionSpec())),
            )
        program, constants = programs[signature]
        return program(constants, state, key, jax.tree.map(placed, inputs))

    return draw


def pmap_step(training: Training, mesh: Mesh, axis_name: str = "data") -> Callable[[Any, Batch, Key], tuple[Any, Metrics]]:
    """Returns the step for code that is built on `jax.pmap`: (replicated state, batch, key) -> (replicated state, metrics of each device).

    The training must have been made with the same `axis_name` (see `jgan.training.update`). Every device is given the whole batch and
    works on its share of it.
    """
    return jax.pmap(training.step, axis_name=axis_name, in_axes=(0, None, None), devices=mesh.devices.tolist())


def replicate(tree: Any, mesh: Mesh) -> Any:
    """Returns one copy per device of the mesh along a new leading axis, as `pmap_step` expects its state."""
    placed = NamedSharding(mesh, PartitionSpec("data"))
    return jax.tree.map(lambda x: jax.device_put(jnp.broadcast_to(x, (mesh.shape["data"], *x.shape)), placed), tree)


def _within(function, *contexts):
    """The function, called within contexts, which are made anew for every call."""

    @functools.wraps(function)
    def call(*arguments):
        with contextlib.ExitStack() as stack:
            for context in contexts:
                stack.enter_context(context())
            return function(*arguments)

    return call


def _warn_of_hidden(traced):
    """Warns of large arrays that functions close over which are jitted themselves: they cannot be reached, and stay in the program."""
    size = sum(constant.nbytes for inner in _inner(traced) for constant in inner.consts if constant.nbytes >= LIFTED_BYTES)
    if size:
        message = f"a function within is jitted and closes over {size / 2**20:.1f} MiB: take its jax.jit away, the whole is compiled anyway"
        warnings.warn(message, stacklevel=3)


def _inner(traced):
    """All traced programs inside of one."""
    for equation in traced.jaxpr.eqns:
        for value in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda x: hasattr(x, "consts")):
            if hasattr(value, "consts") and hasattr(value, "jaxpr"):
                yield value
                yield from _inner(value)


def _check_like_traced(leaves, avals):
    found = [(x.shape, x.dtype) for x in leaves]
    expected = [(aval.shape, aval.dtype) for aval in avals]
    if found != expected:
        differing = [pair for pair in zip(expected, found, strict=False) if pair[0] != pair[1]]
        raise ValueError(f"expected arguments as the function was traced with, found (expected, found) {differing or (expected, found)}")


def check_seed(seed: int) -> None:
    """Raises ValueError for a number that is no seed."""
    if not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"expected a seed from 0 to {LARGEST_SEED}, found {seed}")


def check_batch(batch: int, devices: int) -> None:
    """Raises ValueError for a batch that does not divide over the devices."""
    if batch % devices:
        raise ValueError(f"expected a batch that divides over {devices} devices, found {batch}; change the batch or the number of devices")
