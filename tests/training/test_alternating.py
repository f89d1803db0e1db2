"""The two-player game on one pixel: the mean of the samples moves to that of the data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.losses import non_saturating
from jgan.penalties import r1
from jgan.training import alternating
from jgan.training.alternating import normalise
from jgan.types import Network

LATENT, TARGET = 2, 0.5


def generator() -> Network:
    def init(key, z):
        return {"mean": jnp.zeros((1, 2))}, {"calls": jnp.zeros((), jnp.int32)}

    def apply(params, state, z, key=None, train=False):
        calls = state["calls"] + 1 if train else state["calls"]
        return (params["mean"] + 0.1 * z)[:, None, :, None], {"calls": calls}

    return Network(init, apply)


def discriminator() -> Network:
    def init(key, x):
        return {"slope": jnp.zeros((2,)), "bias": jnp.zeros(())}, {"calls": jnp.zeros((), jnp.int32)}

    def apply(params, state, x, key=None, train=False):
        calls = state["calls"] + 1 if train else state["calls"]
        return x[:, 0, :, 0] @ params["slope"] + params["bias"], {"calls": calls}

    return Network(init, apply)


def images(seed, n=32):
    x = np.random.default_rng(seed).normal([TARGET, -TARGET], 0.1, (n, 1, 2)).clip(-1, 1)
    return {"image": jnp.asarray(np.rint((x + 1) * 127.5)[..., None], jnp.uint8)}


def game(optimizer, **settings):
    return alternating(generator(), discriminator(), non_saturating(), optimizer, optimizer, latent_size=LATENT, **settings)


def test_the_samples_move_to_the_data(adam):
    training = game(adam(0.05, b1=0.0, b2=0.9), penalty=r1, penalty_weight=0.5, half_life=200)
    step, state, key = jax.jit(training.step), training.init(jax.random.key(0), images(0)), jax.random.key(1)
    for i in range(150):
        state, metrics = step(state, images(i), key)
    samples = training.sample(state, key, {"z": jax.random.normal(key, (64, LATENT))})
    assert samples.shape == (64, 1, 2, 1)
    np.testing.assert_allclose(samples.mean((0, 1, 3)), [TARGET, -TARGET], atol=0.15)
    assert int(state.step) == 150
    assert step._cache_size() == 1
    expected = {f"{player}/{name}" for player in ("generator", "discriminator") for name in ("loss", "gradient_norm", "skipped")}
    assert set(metrics) == expected | {f"discriminator/{name}" for name in ("real_logits", "fake_logits", "penalty")}
    assert all(v.shape == () for v in metrics.values())


def test_every_forward_pass_in_training_carries_the_players_own_state(adam):
    training = game(adam(0.1))
    state = training.init(jax.random.key(0), images(0))
    state, _ = jax.jit(training.step)(state, images(0), jax.random.key(0))
    assert int(state.generator.state["calls"]) == 1  # not those in the discriminator's update
    assert int(state.discriminator.state["calls"]) == 2  # fake and real


def test_the_penalty_is_weighted_and_reported(adam):
    def constant(critic, x):
        return jnp.full((x.shape[0],), 3.0)

    first = [
        jax.jit(training.step)(training.init(jax.random.key(0), images(0)), images(0), jax.random.key(0))[1]
        for training in (game(adam(0.1)), game(adam(0.1), penalty=constant, penalty_weight=0.5))
    ]
    assert float(first[1]["discriminator/penalty"]) == 3
    assert float(first[1]["discriminator/loss"] - first[0]["discriminator/loss"]) == pytest.approx(1.5, rel=1e-5)
    assert float(first[1]["generator/loss"]) == pytest.approx(float(first[0]["generator/loss"]), rel=1e-5)


def test_a_step_depends_on_the_key_and_on_the_counter_alone(adam):
    training = game(adam(0.1))
    step, state = jax.jit(training.step), training.init(jax.random.key(0), images(0))
    state = state._replace(discriminator=state.discriminator._replace(params={"slope": jnp.ones((2,)), "bias": jnp.ones(())}))
    later = state._replace(step=state.step + 1)
    losses = [step(s, images(0), jax.random.key(k))[1]["generator/loss"] for s, k in ((state, 0), (state, 0), (later, 0), (state, 1))]
    assert losses[0] == losses[1]
    assert len({float(x) for x in losses}) == 3


class TestNoise:
    """Networks that draw get a key of their own in every microbatch."""

    @staticmethod
    def noisy():
        def apply(params, state, z, key=None, train=False):
            return jnp.broadcast_to(params["mean"] + 2 + jax.random.uniform(key, (1, 2)), z.shape)[:, None, :, None], state

        return generator()._replace(apply=apply)

    @pytest.mark.parametrize("microbatches", [1, 4])
    def test_in_training(self, microbatches, adam):
        seen = []

        def spy(params, state, x, key=None, train=False):
            jax.debug.callback(lambda pixel: seen.append(float(pixel)), x[0, 0, 0, 0])
            return jnp.sum(x, (1, 2, 3)) * params["bias"], state

        players = self.noisy(), discriminator()._replace(apply=spy)
        training = alternating(*players, non_saturating(), adam(0.0), adam(0.0), latent_size=LATENT, microbatches=microbatches)
        state = training.init(jax.random.key(0), images(0))
        jax.block_until_ready(jax.jit(training.step)(state, images(0), jax.random.key(0)))
        jax.effects_barrier()
        assert len({pixel for pixel in seen if pixel > 1}) == 2 * microbatches  # fakes of both players; no real pixel is above 1

    def test_in_samples(self, adam):
        training = alternating(self.noisy(), discriminator(), non_saturating(), adam(0.1), adam(0.1), latent_size=LATENT)
        state = training.init(jax.random.key(0), images(0))
        inputs = {"z": jnp.zeros((3, LATENT))}
        first, second = (training.sample(state, jax.random.key(k), inputs) for k in (0, 1))
        assert not np.allclose(first, second)


def test_the_samples_are_those_of_the_average(adam):
    training = game(adam(0.1))
    state = training.init(jax.random.key(0), images(0))
    state = state._replace(average={"mean": jnp.full((1, 2), 0.75)})
    samples = training.sample(state, jax.random.key(0), {"z": jnp.zeros((5, LATENT))})
    np.testing.assert_array_equal(samples, np.full((5, 1, 2, 1), 0.75))


def test_normalise():
    x = normalise(jnp.asarray([[[[0, 51, 255]]]], jnp.uint8))
    assert x.dtype == jnp.float32
    np.testing.assert_allclose(x[0, 0, 0], [-1, -0.6, 1], atol=1e-6)
