"""Many runs at once: each is the one that it would be alone."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.ops.convolution import convolution
from jgan.population import population
from jgan.sharding import data_mesh
from jgan.training import every
from jgan.types import Array, Training

EXAMPLES = {
    "image": jnp.asarray(np.random.default_rng(0).integers(0, 255, (9, 4, 4, 1)), jnp.uint8),
    "label": jnp.arange(9, dtype=jnp.float32),
}
SEEDS, RATES = [3, 5, 5, 8], jnp.asarray([0.1, 0.1, 0.2, 0.0])


class State(NamedTuple):
    step: Array
    kernel: Array
    lazy: Array


def make(rate):
    """A kernel that drifts with what it sees, at a rate that is traced, and a sum that is added to at every third step."""

    def init(key, batch):
        return State(jnp.zeros((), jnp.int32), jax.random.normal(key, (3, 3, 1, 1)), jnp.zeros(()))

    def step(state, batch, key):
        seen = convolution(batch["image"].astype(jnp.float32) / 255.0, state.kernel)
        noise = jax.random.normal(jax.random.fold_in(key, state.step), state.kernel.shape)
        lazy, _ = every(3, lambda total: (total + jnp.mean(batch["label"]), {}))(state.step, state.lazy)
        return State(state.step + 1, state.kernel + rate * (jnp.mean(seen) + 0.1 * noise), lazy), {}

    return Training(init, step, lambda state, key, inputs: {"image": jnp.sum(state.kernel) * inputs["z"]})


def trained(seeds, rates, steps, devices=1):
    runs = population(make, EXAMPLES, seeds, 4, data_mesh(jax.devices()[:devices]))
    begun = runs.begin(rates)
    kernels = np.array(begun.kernel)
    return kernels, runs.advance(begun, rates, steps), runs


@pytest.fixture(scope="module")
def together():
    return trained(SEEDS, RATES, 6)


@pytest.mark.parametrize("lane", range(4))
def test_a_run_among_others_is_the_run_alone(together, lane):
    alone = trained(SEEDS[lane : lane + 1], RATES[lane : lane + 1], 6)
    np.testing.assert_array_equal(together[0][lane], alone[0][0])
    assert int(together[1].step) == int(alone[1].step) == 6
    for ours, theirs in zip(together[1][1:], alone[1][1:], strict=True):
        np.testing.assert_allclose(ours[lane], theirs[0], rtol=1e-5)


def test_seeds_and_settings_matter(together):
    begun, state, _ = together
    np.testing.assert_array_equal(state.kernel[3], begun[3])
    np.testing.assert_array_equal(begun[1], begun[2])
    assert all(np.abs(state.kernel[1] - state.kernel[other]).max() > 0.01 for other in (0, 2))
    assert np.all(np.asarray(state.lazy) > 0)


def test_parts_are_the_whole():
    runs = population(make, EXAMPLES, SEEDS, 4)
    whole = runs.advance(runs.begin(RATES), RATES, 5)
    parts = runs.advance(runs.advance(runs.begin(RATES), RATES, 2), RATES, 3)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), whole, parts)


def test_lanes_on_two_devices_are_those_on_one(together):
    _, state, runs = trained(SEEDS, RATES, 6, devices=2)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), state, together[1])
    assert {shard.data.shape[0] for shard in state.kernel.addressable_shards} == {2}
    drawn = [r.sample(s, RATES, None, {"z": jnp.ones((2, 1))})["image"] for s, r in ((state, runs), together[1:])]
    assert drawn[0].shape == (4, 2, 1)
    np.testing.assert_allclose(*drawn, rtol=1e-5)


def test_lazy_updates_stay_branches(together):
    assert " cond[" in str(jax.make_jaxpr(lambda s: together[2].advance(s, RATES, 3))(together[1]))


@pytest.mark.skipif(jax.device_count() != 8, reason="counts on eight devices")
@pytest.mark.parametrize("lanes, devices", [(1, 1), (3, 3), (8, 8), (9, 3), (12, 6)])
def test_lanes_are_spread_over_as_many_devices_as_share_them_evenly(lanes, devices):
    state = population(make, EXAMPLES, range(lanes), 4).begin(jnp.zeros(lanes))
    assert [shard.data.shape[0] for shard in state.kernel.addressable_shards] == [lanes // devices] * devices


def test_a_lane_learns_its_rows(together):
    """As if it were alone with them."""
    rows = np.asarray([[0, 1, 2], [0, 4, 8], [8, 7, 6], [3, 3, 3]])
    runs = population(make, EXAMPLES, SEEDS, 4, data_mesh(jax.devices()[:2]), rows=rows)
    state = runs.advance(runs.begin(RATES), RATES, 6)
    for lane, chosen in enumerate(rows):
        alone = population(make, {name: values[chosen] for name, values in EXAMPLES.items()}, SEEDS[lane : lane + 1], 4)
        expected = alone.advance(alone.begin(RATES[lane : lane + 1]), RATES[lane : lane + 1], 6)
        for ours, theirs in zip(state[1:], expected[1:], strict=True):
            np.testing.assert_allclose(ours[lane], theirs[0], rtol=1e-5)
    assert np.abs(np.asarray(state.lazy) - np.asarray(together[1].lazy)).max() > 0.1


def test_rows_are_those_of_all_lanes():
    with pytest.raises(ValueError, match=r"expected the rows of 4 lanes, int \[4, n\], found shape \(3, 2\)"):
        population(make, EXAMPLES, SEEDS, 4, rows=np.zeros((3, 2), int))


@pytest.mark.parametrize("seeds", [[], [1, 2, 3]])
def test_lanes_divide_over_the_devices(seeds):
    with pytest.raises(ValueError, match=f"divides over 2 devices, found {len(seeds)}"):
        population(make, EXAMPLES, seeds, 4, data_mesh(jax.devices()[:2]))
