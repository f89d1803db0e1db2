"""One update of one player: its value, its microbatches, its guard, its lazy form."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec

from jgan.training import check_guards, every, new_player, update
from jgan.training.update import PATIENCE, lazy_adam, prefixed

SGD = optax.sgd(0.5)


def squared_distance(params, state, examples, *others):
    distance = jnp.mean((examples - params["mean"][None]) ** 2)
    return distance, (jax.tree.map(lambda x: x + 1, state), {"distance": distance})


def test_one_step_of_gradient_descent():
    player = new_player({"mean": jnp.asarray([1.0, 2.0])}, {"calls": jnp.zeros(())}, SGD)
    player, metrics = update(squared_distance, SGD)(player, jnp.asarray([[3.0, 2.0], [5.0, 0.0]]))
    np.testing.assert_allclose(player.params["mean"], [2.5, 1.5])  # gradients -3 and 1
    assert float(player.state["calls"]) == 1
    assert set(metrics) == {"distance", "loss", "gradient_norm", "skipped"}
    assert float(metrics["loss"]) == float(metrics["distance"]) == (4 + 0 + 16 + 4) / 4
    assert float(metrics["gradient_norm"]) == pytest.approx(10**0.5)
    assert all(m.shape == () for m in metrics.values())


def test_others_reach_the_loss_as_they_are():
    def loss(params, state, examples, opponent, weight):
        return weight * jnp.mean(examples) * opponent.params * params, (state, {})

    player, opponent = (new_player(jnp.asarray(x), {}, SGD) for x in (1.0, 3.0))
    player, metrics = update(loss, SGD, microbatches=2)(player, jnp.ones((4,)), opponent, 2.0)
    assert float(metrics["loss"]) == 6
    assert float(player.params) == 1 - 0.5 * 6


def group_deviation(groups):
    """Examples n, n + groups, ... form a group, as in the minibatch standard deviation of StyleGAN."""

    def loss(params, state, examples):
        h = jnp.tanh(examples["x"] @ params["w"])
        deviation = jnp.std(h.reshape(-1, groups, h.shape[1]), axis=0)
        value = jnp.mean(deviation) + jnp.mean((h[:, 0] - examples["y"]) ** 2)
        return value, ({"mean": 0.9 * state["mean"] + 0.1 * jnp.mean(h, axis=0), "calls": state["calls"] + 1}, {"first": jnp.mean(h[:, 0])})

    return loss


def run(loss, optimizer, microbatches, steps=3):
    keys = jax.random.split(jax.random.key(0), 3)
    examples = {"x": jax.random.normal(keys[0], (8, 5)), "y": jax.random.normal(keys[1], (8,))}
    state = {"mean": jnp.zeros((3,)), "calls": jnp.zeros((), jnp.int32)}
    player = new_player({"w": jax.random.normal(keys[2], (5, 3))}, state, optimizer)
    step = jax.jit(update(loss, optimizer, microbatches=microbatches))
    for _ in range(steps):
        player, metrics = step(player, examples)
    return player, metrics


@pytest.mark.parametrize("microbatches", [2, 4])
def test_microbatches_equal_the_whole_batch(microbatches, adam):
    whole, parts = run(group_deviation(4), adam(0.1), 1), run(group_deviation(4 // microbatches), adam(0.1), microbatches)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), parts, whole)
    assert parts[0].state["calls"] == 3
    assert not np.allclose(parts[1]["loss"], run(group_deviation(2), adam(0.1), 1)[1]["loss"], rtol=1e-3)


@pytest.mark.parametrize("checked", [True, False])
def test_devices_of_a_shard_map_take_the_step_of_the_whole_batch(checked):
    player, examples = new_player({"mean": jnp.zeros(2)}, {}, SGD), jnp.arange(16.0).reshape(8, 2)
    mesh = jax.make_mesh((4,), ("devices",), (jax.sharding.AxisType.Auto,), devices=jax.devices()[:4])
    step = jax.shard_map(
        update(squared_distance, SGD, axis_name="devices"),
        mesh=mesh,
        in_specs=PartitionSpec(),
        out_specs=PartitionSpec(),
        check_vma=checked,
    )
    found, metrics = jax.jit(step)(player, examples)
    expected, of_one = jax.jit(update(squared_distance, SGD))(player, examples)
    np.testing.assert_allclose(found.params["mean"], expected.params["mean"], rtol=1e-6)
    assert float(metrics["gradient_norm"]) == pytest.approx(float(of_one["gradient_norm"]))


def test_the_norm_of_half_precision_gradients_is_finite():
    player = new_player(jnp.zeros((), jnp.float16), {}, SGD)
    _, metrics = update(lambda params, state, x: (jnp.mean(300 * x * params), (state, {})), SGD)(player, jnp.ones(2, jnp.float16))
    assert float(metrics["gradient_norm"]) == 300 and float(metrics["skipped"]) == 0


def test_part_m_holds_the_examples_m_and_every_microbatches_after():
    def loss(params, state, examples):
        return params * examples[0] ** 2, (state, {})  # the first example of each of two parts: 0 and 1, were they strided

    _, metrics = update(loss, SGD, microbatches=2)(new_player(jnp.ones(()), {}, SGD), jnp.arange(4.0))
    assert float(metrics["loss"]) == 0.5


def test_examples_that_do_not_divide():
    player = new_player({"mean": jnp.zeros((1,))}, {}, SGD)
    with pytest.raises(ValueError, match="divides into 3 equal parts, found 4"):
        update(squared_distance, SGD, microbatches=3)(player, jnp.ones((4, 1)))


@jax.custom_jvp
def nothing(x, gradient):
    """0, with the gradient given."""
    return jnp.zeros_like(x)


nothing.defjvp(lambda primals, tangents: (jnp.zeros_like(primals[0]), primals[1] * tangents[0]))


def guarded_step(optimizer):
    """A player and a step whose gradients of a and of b are those given, and whose loss is finite unless they or `offset` are not."""

    def loss(params, state, examples, gradients, offset):
        value = nothing(params["a"], gradients[0]) + nothing(params["b"]["bias"], gradients[1])
        return jnp.mean(examples) + value + offset, (state + 1, {})

    player = new_player({"a": jnp.ones(()), "b": {"bias": jnp.ones(())}}, jnp.zeros(()), optimizer)
    step = jax.jit(update(loss, optimizer))

    def call(player, a=1.0, b=1.0, offset=0.0):
        return step(player, jnp.ones((2,)), jnp.asarray([a, b], jnp.float32), jnp.float32(offset))

    return player, call


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


@pytest.mark.parametrize("bad", [{"offset": np.nan}, {"offset": np.inf}, {"b": np.nan}, {"a": -np.inf}])
def test_a_bad_update_is_skipped_and_counted_and_a_good_one_recovers(bad, adam):
    player, step = guarded_step(adam(0.1))
    player, _ = step(player)
    after, metrics = step(player, **bad)
    assert same(after[:3], player[:3])
    assert (int(after.guard.skipped), int(after.guard.in_a_row)) == (1, 1)
    assert float(metrics["skipped"]) == 1
    recovered, metrics = step(after)
    assert float(recovered.params["a"]) < float(after.params["a"])
    assert (int(recovered.guard.skipped), int(recovered.guard.in_a_row)) == (1, 0)
    assert float(metrics["skipped"]) == 1


NAMES = [({"offset": np.nan}, "the loss"), ({"a": np.nan}, "the gradient of a;"), ({"b": np.inf}, "the gradient of b.bias;")]


@pytest.mark.parametrize("bad, name", NAMES)
def test_bad_updates_in_a_row_freeze_the_player_and_stop_the_run(bad, name, adam):
    player, step = guarded_step(adam(0.1))
    before = player
    for _ in range(PATIENCE):
        check_guards({"game": [player]})
        player, _ = step(player, **bad)
    frozen, _ = step(player, b=1.0)
    assert same(frozen[:3], before[:3])
    assert int(frozen.guard.skipped) == PATIENCE + 1
    with pytest.raises(FloatingPointError, match=f"game.0: {PATIENCE} updates in a row .* first in {name}.*Lower the learning rate"):
        check_guards({"game": [frozen]})


def test_bad_updates_that_are_not_in_a_row_do_not_freeze(adam):
    player, step = guarded_step(adam(0.1))
    for _ in range(PATIENCE):
        player, _ = step(player, offset=np.nan)
        player, _ = step(player)
    check_guards(player)
    assert int(player.guard.skipped) == PATIENCE


def test_every_runs_at_multiples_in_one_program():
    step = jax.jit(every(3, update(squared_distance, SGD)))
    player = new_player({"mean": jnp.zeros((1,))}, {"calls": jnp.zeros(())}, SGD)
    ran = []
    for counter in range(7):
        player, metrics = step(jnp.asarray(counter), player, jnp.ones((4, 1)))
        values = np.array(list(metrics.values()))
        ran.append(bool(np.isfinite(values).all()))
        assert ran[-1] or np.isnan(values).all()
    assert ran == [True, False, False, True, False, False, True]
    assert float(player.state["calls"]) == 3
    assert step._cache_size() == 1


@jax.numpy_dtype_promotion("standard")  # optax promotes implicitly
def test_lazy_adam_is_adam_with_its_constants_to_the_power_c():
    c = 16 / 17
    params = {"w": jnp.asarray([1.0, -2.0])}
    ours, reference = lazy_adam(0.002, 0.5, 0.99, interval=16), optax.adam(0.002 * c, b1=0.5**c, b2=0.99**c, eps=1e-8)
    plain = optax.adam(0.002, b1=0.5, b2=0.99, eps=1e-8)
    states = [o.init(params) for o in (ours, reference, plain)]
    for scale in (1.0, 3.0, -0.5):
        results = [o.update({"w": params["w"] * scale}, s, params) for o, s in zip((ours, reference, plain), states, strict=True)]
        states = [r[1] for r in results]
    assert same(results[0][0], results[1][0])
    assert not np.allclose(results[0][0]["w"], results[2][0]["w"], rtol=1e-3)


@jax.numpy_dtype_promotion("standard")
def test_lazy_adam_keeps_the_memory_of_its_moments_per_iteration():
    optimizer = lazy_adam(0.1, 0.5, 0.9, interval=1)
    state = optimizer.init(jnp.zeros(()))
    _, state = optimizer.update(jnp.ones(()), state)
    for _ in range(2):  # one iteration: two updates
        _, faded = optimizer.update(jnp.zeros(()), state)
        state, before = faded, state
    first = optimizer.update(jnp.ones(()), optimizer.init(jnp.zeros(())))[1]
    assert float(state[0].mu / first[0].mu) == pytest.approx(0.5, rel=1e-6)
    assert float(state[0].nu / first[0].nu) == pytest.approx(0.9, rel=1e-6)
    assert float(before[0].mu) > float(state[0].mu)


def test_prefixed():
    assert prefixed("generator", {"loss": 1, "a/b": 2}) == {"generator/loss": 1, "generator/a/b": 2}
