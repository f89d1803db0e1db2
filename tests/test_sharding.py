"""One game on one device, on several, in several parts and in several processes."""

import functools
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec
from tests import tiny_game
from tests.tiny_game import BATCH, STEPS, feed, game, play

from jgan import sharding

PROGRAM = Path(tiny_game.__file__)
ROOT = PROGRAM.parents[1]


@pytest.fixture
def played(adam):
    """(number of devices, settings) -> compiled game, last state, metrics; each is played once per session."""
    return functools.partial(_played, adam)


_ONCE = {}


def _played(adam, devices, steps_per_call=1, fsdp=False, **settings):
    setting = (devices, steps_per_call, fsdp, *sorted(settings.items()))
    if setting not in _ONCE:
        _ONCE[setting] = play(game(adam(1e-2), **settings), jax.devices()[:devices], steps_per_call, fsdp)
    return _ONCE[setting]


def assert_close(actual, expected, tolerance=1e-5):
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=tolerance, atol=tolerance), actual, expected)


EQUAL = {  # settings that must not change what is computed, each against one device
    "2 devices": (dict(devices=2), {}),
    "8 devices": (dict(devices=8), {}),
    "8 devices, sharded": (dict(devices=8, fsdp=True), {}),
    "8 devices, 2 microbatches": (dict(devices=8), dict(microbatches=2)),
}


@pytest.mark.parametrize("name", EQUAL)
def test_losses_are_those_of_one_device(name, played):
    settings, both = EQUAL[name]
    one, many = played(1, **both), played(**settings, **both)
    assert all(v.shape == (STEPS,) for v in many[2].values())
    assert np.ptp(one[2]["discriminator/loss"]) > 1e-3
    assert_close(many[2], one[2])


@pytest.mark.slow
def test_steps_of_one_call_are_those_of_single_calls_to_the_bit(adam, optimised):
    single, several = (play(game(adam(1e-2)), jax.devices(), steps) for steps in (1, 3))
    jax.tree.map(np.testing.assert_array_equal, single[1:], several[1:])


def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(played):
    compiled, last, _ = played(8)
    key, items = sharding.run_key(0, sharding.data_mesh()), feed().items(0, 1)
    state = compiled.init(key)
    for step in range(STEPS):
        if step == 2:
            host = jax.device_get(state)
            state = jax.tree.map(lambda x, a: jax.device_put(x, a.sharding), host, compiled.abstract)
        state, _ = compiled.step(state, compiled.constants, compiled.put(next(items)), key)
    jax.tree.map(np.testing.assert_array_equal, state, last)


@pytest.mark.parametrize("settings", [dict(devices=8), dict(devices=8, fsdp=True)])
def test_placement_is_pinned_and_the_state_donated_in_one_compilation(settings, played):
    compiled, last, _ = played(**settings)
    assert all(x.sharding.is_equivalent_to(a.sharding, x.ndim) for x, a in pairs(last, compiled.abstract))
    key = sharding.run_key(0, sharding.data_mesh())
    state = compiled.init(key)
    assert all(x.sharding.is_equivalent_to(a.sharding, x.ndim) for x, a in pairs(state, compiled.abstract))
    assert all((x.shape, x.dtype) == (a.shape, a.dtype) for x, a in pairs(state, compiled.abstract))
    compiled.step(state, compiled.constants, compiled.put(next(feed().items(0, 1))), key)
    assert all(x.is_deleted() for x in jax.tree.leaves(state.generator.params) + jax.tree.leaves(state.discriminator.optimizer))
    assert compiled.step.__wrapped__._cache_size() == 1


def test_onednn_changes_no_more_than_rounding(played, adam, request):
    without = played(1)
    request.getfixturevalue("with_onednn")
    many = play(game(adam(1e-2)), jax.devices()[:4])
    assert_close(many[2], without[2], 1e-4)
    text = program(many[0], 4).as_text()
    assert "__onednn$convolution" in text and " convolution(" not in text and not collectives(text, "all-gather")


def pairs(*trees):
    return zip(*map(jax.tree.leaves, trees), strict=True)


def test_large_arrays_and_their_moments_and_averages_are_sharded(played):
    _, state, _ = played(8, fsdp=True)
    large = [x for x in jax.tree.leaves(state) if x.size >= sharding.FSDP_SIZE]
    assert sorted(x.shape for x in large) == [(64, 1024)] * 4 + [(1024, 192)] * 4  # parameters, two moments, average
    for x in large:
        axis = x.shape.index(1024)
        assert x.sharding.spec[axis] == "data"
        assert {s.data.shape for s in x.addressable_shards} == {tuple(n // 8 if a == axis else n for a, n in enumerate(x.shape))}
    small = [x for x in jax.tree.leaves(state) if x.size < sharding.FSDP_SIZE]
    assert all(x.sharding.is_fully_replicated for x in small)


FSDP = [  # shape, devices, spec
    ((1024, 64), 8, PartitionSpec("data", None)),
    ((64, 1024), 8, PartitionSpec(None, "data")),
    ((3, 3, 512, 100), 8, PartitionSpec(None, None, "data", None)),
    ((7, 100_003), 8, PartitionSpec()),
    ((256, 255), 8, PartitionSpec()),
    ((), 8, PartitionSpec()),
]


@pytest.mark.parametrize("shape, devices, spec", FSDP)
def test_fsdp_spec(shape, devices, spec):
    assert sharding.fsdp_spec(shape, devices) == spec


def program(compiled, devices):
    """The optimised program of one device."""
    mesh = sharding.data_mesh(jax.devices()[:devices])
    items = compiled.put(next(feed().items(0, 1)))
    with jax.set_mesh(mesh):
        return compiled.step.__wrapped__.lower(compiled.abstract, compiled.constants, items, sharding.run_key(0, mesh)).compile()


def collectives(text, kind):
    """The sizes, in elements, of all results of one kind of collective."""
    results = re.findall(rf"= (.*?) {kind}(?:-start)?\(", text)
    shapes = [shape for result in results for shape in re.findall(r"\[([\d,]*)\]", result)]
    return sorted(int(np.prod([int(n) for n in shape.split(",") if n])) for shape in shapes)


def test_data_parallelism_spreads_the_batch_and_gathers_no_parameters(played):
    compiled, state, _ = played(8)
    step = program(compiled, 8)
    items = compiled.put(next(feed().items(0, 1)))
    assert items["index"].sharding.spec == PartitionSpec(None, "data")
    assert {s.data.shape for s in items["index"].addressable_shards} == {(1, BATCH // 8)}
    assert step.input_shardings[0][2]["index"].is_equivalent_to(items["index"].sharding, 2)
    text = step.as_text()
    assert f"f32[{BATCH // 8},8,8,3]" in text
    assert f"f32[{BATCH},8,8,3]" not in text
    sizes = [x.size for x in jax.tree.leaves((state.generator.params, state.discriminator.params))]
    assert collectives(text, "all-gather") == []
    assert collectives(text, "all-reduce")[-2:] == sorted(sizes)[-2:]


def test_fully_sharded_parallelism_spreads_the_memory(played):
    bytes_of = [program(played(8, fsdp=fsdp)[0], 8).memory_analysis().argument_size_in_bytes for fsdp in (False, True)]
    assert bytes_of[1] < bytes_of[0] / 6


def test_pmap_step_is_the_jit_step_with_as_many_microbatches(played, adam):
    compiled, last, metrics = played(1, microbatches=2)
    mesh, key, source = sharding.data_mesh(jax.devices()[:2]), jax.random.key(0, impl="threefry2x32"), feed()
    step = sharding.pmap_step(game(adam(1e-2), axis_name="data"), mesh)
    state, items = sharding.replicate(compiled.init(sharding.run_key(0, sharding.data_mesh(jax.devices()[:1]))), mesh), source.items(0, 1)
    constants = jax.tree.map(jnp.asarray, source.constants)
    for i in range(STEPS):
        batch = source.lookup(constants, jax.tree.map(lambda x: jnp.asarray(x[0]), next(items)))
        state, new = step(state, batch, key)
        assert_close(new, {name: np.full((2,), v[i]) for name, v in metrics.items()})
    jax.tree.map(lambda x, y: assert_close(x, np.stack([y, y]), 1e-3), state, last)


def test_pmap_step_refuses_a_batch_that_does_not_divide(adam):
    mesh = sharding.data_mesh(jax.devices()[:3])
    training = game(adam(1e-2), axis_name="data")
    batch = {"image": jnp.zeros((4, 8, 8, 3), jnp.uint8)}
    state = sharding.replicate(jax.jit(training.init)(jax.random.key(0), batch), mesh)
    with pytest.raises(ValueError, match="divides into 3 equal parts, found 4"):
        sharding.pmap_step(training, mesh)(state, batch, jax.random.key(0))


def test_compile_refuses_a_batch_that_does_not_divide():
    with pytest.raises(ValueError, match="divides over 8 devices, found 12; change the batch"):
        sharding.compile(game(optax.sgd(0.1)), sharding.data_mesh(), feed(12))


def test_run_key_is_that_of_its_seed_on_all_devices():
    key = sharding.run_key(7, sharding.data_mesh())
    np.testing.assert_array_equal(jax.random.key_data(key), jax.random.key_data(jax.random.key(7, impl="threefry2x32")))
    assert len(key.sharding.device_set) == 8


def test_every_seed_has_a_key_apart():
    seeds = [0, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**40, 2**63 - 1]
    keys = [jax.random.key_data(sharding.run_key(seed, sharding.data_mesh())).tolist() for seed in seeds]
    assert len(set(map(tuple, keys))) == len(seeds)
    assert keys[:3] == [jax.random.key_data(jax.random.key(seed, impl="threefry2x32")).tolist() for seed in seeds[:3]]


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64])
def test_numbers_that_are_no_seeds(seed):
    with pytest.raises(ValueError, match=f"expected a seed from 0 to 9223372036854775807, found {seed}"):
        sharding.run_key(seed, sharding.data_mesh())


@pytest.mark.parametrize("given", [("localhost:1", None, None), (None, 2, None), (None, None, 0), ("localhost:1", 2, None)])
def test_initialize_takes_all_or_nothing(given):
    with pytest.raises(ValueError, match="expected coordinator, processes and process together or none of them, found"):
        sharding.initialize(*given)


def start(*arguments, devices=1):
    """A fresh process with this number of devices, away from any cluster that the test itself may run in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "OMPI", "KUBERNETES"))}
    environment = kept | {"JAX_NUM_CPU_DEVICES": str(devices), "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("count", [0, 1000])
def test_as_many_devices_as_there_are(count):
    assert sharding.first_devices(None) == jax.devices()
    with pytest.raises(ValueError, match=f"expected from 1 to {jax.device_count()} devices, found {count}; JAX_NUM_CPU_DEVICES"):
        sharding.first_devices(count)


@pytest.mark.parametrize(("batches", "expected"), [([64], 8), ([12], 6), ([12, 8], 4), ([7], 7), ([11], 1)])
def test_as_many_devices_as_the_batch_divides_over(batches, expected):
    assert sharding.devices_for(batches, None) == jax.devices()[:expected]
    assert sharding.devices_for(batches, 2) == jax.devices()[:2]  # what was asked for is refused later, if it does not fit


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not tell which cores a process may use")
@pytest.mark.parametrize("devices", [-1, 3])  # -1: as if none were given
def test_every_core_is_a_device_unless_a_number_is_given(devices):
    output, errors = start(
        "-c", "import jax; from jgan import sharding; sharding.device_per_core(); print(jax.device_count())", devices=devices
    ).communicate()
    assert int(output) == (len(os.sched_getaffinity(0)) if devices < 0 else devices), errors


def test_devices_stay_once_there_are_any():
    _, errors = start("-c", "import jax; from jgan import sharding; jax.devices(); sharding.device_per_core()", devices=-1).communicate()
    assert "RuntimeError" in errors


def test_two_processes_train_as_two_devices_of_one(played):
    address = f"localhost:{free_port()}"
    processes = [start(PROGRAM, address, 2, i) for i in range(2)]
    try:
        outputs = [p.communicate(timeout=240) for p in processes]
    finally:
        for process in processes:
            process.kill()
    assert [p.returncode for p in processes] == [0, 0], outputs
    for output, _ in outputs:
        history = json.loads(output.splitlines()[-1])
        assert history.pop("devices") == 2
        assert_close({name: np.array(values) for name, values in history.items()}, played(2)[2])


def test_large_arrays_become_arguments():
    table = jnp.ones((200, 200))
    small = jnp.ones(3)

    def function(x):
        def body(carry, _):
            return carry @ table + small[0], None

        return jax.lax.scan(body, jax.grad(lambda x: jnp.sum(x @ table))(x), None, length=2)[0]

    call, constants = sharding.lift(function, jax.ShapeDtypeStruct((2, 200), jnp.float32))
    assert [c.shape for c in constants] == [(200, 200)]
    np.testing.assert_allclose(call(constants, jnp.ones((2, 200))), function(jnp.ones((2, 200))), rtol=1e-6)
    assert len(jax.jit(call).lower(constants, jnp.ones((2, 200))).as_text()) < table.nbytes
    with pytest.raises(ValueError, match="expected arguments as the function was traced with"):
        call(constants, jnp.ones((3, 200)))


def test_arrays_of_inner_jitted_functions_are_warned_of():
    table = jnp.ones((200, 200))
    inner = jax.jit(lambda x: x @ table)
    with pytest.warns(UserWarning, match="a function within is jitted and closes over 0.2 MiB"):
        sharding.lift(lambda x: jax.lax.cond(x.sum() > 0, inner, lambda x: x, x), jax.ShapeDtypeStruct((2, 200), jnp.float32))
