"""Alternating updates on one pixel: the mean of the samples moves to the mean of the data, and every setting does what it says."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jgan.augment import ada, adaptive_strength, diffaugment, diffusion, flip
from jgan.losses import hinge, matching_aware, multi_scale, non_saturating, relativistic, wasserstein
from jgan.penalties import adaptive_path_length, on_real, on_real_logits, r1
from jgan.training import alternating
from jgan.types import AdversarialLoss, Network, Penalty

LATENT, TARGET, KEY = 2, 0.5, jax.random.key(0)
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


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


def constant(value=0.0) -> Network:
    """A generator that ignores its latents."""
    return Network(lambda key, z: (jnp.float32(value), {}), lambda p, s, z, key=None, train=False: (jnp.full((len(z), 1, 2, 1), p), s))


def linear() -> Network:
    """A discriminator whose logit is the sum of the pixels, plus a parameter."""

    def apply(params, state, x, key=None, train=False):
        return x.sum((1, 2, 3)) + params, state

    return Network(lambda key, *inputs: (jnp.zeros(()), {}), apply)


def images(seed, n=32):
    x = np.random.default_rng(seed).normal([TARGET, -TARGET], 0.1, (n, 1, 2)).clip(-1, 1)
    return {"image": jnp.asarray(np.rint((x + 1) * 127.5)[..., None], jnp.uint8)}


def trained(steps=1, batch=None, networks=None, loss=None, optimizer=None, **settings):
    """All states and metrics of a few steps, with a latent size and gradient descent unless said otherwise."""
    optimizers = optimizer or (optax.sgd(0.1), optax.sgd(0.1))
    networks = networks or (generator(), discriminator())
    training = alternating(*networks, loss or non_saturating(), *optimizers, latent_size=LATENT, **settings)
    batch = batch or images(0)
    step, states, metrics = jit(training.step), [training.init(KEY, batch)], []
    for _ in range(steps):
        state, measured = step(states[-1], batch, KEY)
        states.append(state)
        metrics.append(jax.device_get(measured))
    return states, metrics


def column(metrics, name):
    return np.asarray([m[name] for m in metrics])


def test_the_samples_move_to_the_data(adam):
    optimizer = adam(0.05, b1=0.0, b2=0.9)
    settings = {"latent_size": LATENT, "penalties": [on_real(r1, 0.5)], "half_life": 200}
    training = alternating(generator(), discriminator(), non_saturating(), optimizer, optimizer, **settings)
    step, state = jax.jit(training.step), training.init(KEY, images(0))
    for i in range(150):
        state, metrics = step(state, images(i), KEY)
    samples = training.sample(state, KEY, {"z": jax.random.normal(KEY, (64, LATENT))})["image"]
    assert samples.shape == (64, 1, 2, 1)
    np.testing.assert_allclose(samples.mean((0, 1, 3)), [TARGET, -TARGET], atol=0.15)
    assert int(state.step) == 150
    assert step._cache_size() == 1
    expected = {f"{player}/{name}" for player in ("generator", "discriminator") for name in ("loss", "gradient_norm", "skipped")}
    assert set(metrics) == expected | {f"discriminator/{name}" for name in ("real_logits", "fake_logits", "real_signs", "r1")}
    assert all(v.shape == () for v in metrics.values())


def test_every_forward_pass_in_training_carries_the_players_own_state():
    (_, state), _ = trained()
    assert int(state.generator.state["calls"]) == 1  # not those in the discriminator's update
    assert int(state.discriminator.state["calls"]) == 2  # fake and real


def test_the_penalty_is_weighted_and_reported():
    def always_three(key, critic, real, fake):
        return jnp.full((real.shape[0],), 3.0)

    (plain,), (penalised,) = (trained(penalties=chosen)[1] for chosen in ([], [Penalty(always_three, 0.5)]))
    assert penalised["discriminator/always_three"] == 3
    assert penalised["discriminator/loss"] - plain["discriminator/loss"] == pytest.approx(1.5, rel=1e-5)
    assert penalised["generator/loss"] == pytest.approx(plain["generator/loss"], rel=1e-5)


def test_a_step_depends_on_the_key_and_on_the_counter_alone():
    training = alternating(generator(), discriminator(), non_saturating(), optax.sgd(0.1), optax.sgd(0.1), latent_size=LATENT)
    step, state = jit(training.step), training.init(KEY, images(0))
    state = state._replace(discriminator=state.discriminator._replace(params={"slope": jnp.ones((2,)), "bias": jnp.ones(())}))
    later = state._replace(step=state.step + 1)
    losses = [step(s, images(0), jax.random.key(k))[1]["generator/loss"] for s, k in ((state, 0), (state, 0), (later, 0), (state, 1))]
    assert losses[0] == losses[1]
    assert len({float(x) for x in losses}) == 3


class TestNoise:
    """Networks that draw get another key in every microbatch."""

    @staticmethod
    def noisy():
        def apply(params, state, z, key=None, train=False):
            return jnp.broadcast_to(params["mean"] + 2 + jax.random.uniform(key, (1, 2)), z.shape)[:, None, :, None], state

        return generator()._replace(apply=apply)

    @pytest.mark.parametrize("microbatches", [1, 4])
    def test_in_training(self, microbatches):
        seen = []

        def spy(params, state, x, key=None, train=False):
            jax.debug.callback(lambda pixel: seen.append(float(pixel)), x[0, 0, 0, 0])
            return jnp.sum(x, (1, 2, 3)) * params["bias"], state

        trained(networks=(self.noisy(), discriminator()._replace(apply=spy)), microbatches=microbatches)
        jax.effects_barrier()
        assert len({pixel for pixel in seen if pixel > 1}) == 2 * microbatches  # fakes of both players; no real pixel is above 1

    def test_in_samples(self):
        training = alternating(self.noisy(), discriminator(), non_saturating(), optax.sgd(0.1), optax.sgd(0.1), latent_size=LATENT)
        state, inputs = training.init(KEY, images(0)), {"z": jnp.zeros((3, LATENT))}
        first, second = (training.sample(state, jax.random.key(k), inputs)["image"] for k in (0, 1))
        assert not np.allclose(first, second)


def test_the_samples_are_those_of_the_average_and_truncation_scales_z():
    training = alternating(generator(), discriminator(), non_saturating(), optax.sgd(0.1), optax.sgd(0.1), latent_size=LATENT)
    state = training.init(KEY, images(0))._replace(average={"mean": jnp.full((1, 2), 0.75)})
    z, truncation = jnp.ones((3, LATENT)), jnp.asarray([0.0, 0.5, 1.0])
    np.testing.assert_allclose(training.sample(state, None, {"z": z})["image"], np.full((3, 1, 2, 1), 0.85), rtol=1e-6)
    truncated = training.sample(state, None, {"z": z, "truncation": truncation})["image"]
    np.testing.assert_allclose(truncated[:, 0, 0, 0], [0.75, 0.8, 0.85], rtol=1e-6)


def test_another_field():
    batch = {"point": jnp.ones((4, 1, 2, 1)), "image": None}
    (first, _), _ = trained(batch=batch, field="point")
    training = alternating(generator(), discriminator(), hinge(), optax.sgd(0.1), optax.sgd(0.1), latent_size=LATENT, field="point")
    assert list(training.sample(first, KEY, {"z": jnp.zeros((2, LATENT))})) == ["point"]


class TestRealLogitsOfTheGenerator:
    def test_a_relativistic_loss_gets_them(self):
        batch = {"image": jnp.full((4, 1, 2, 1), 0.5)}
        _, (metrics,) = trained(batch=batch, networks=(constant(0.25), linear()), loss=relativistic(), optimizer=(optax.sgd(0.0),) * 2)
        assert metrics["generator/loss"] == pytest.approx(np.log1p(np.exp(1.0 - 0.5)), rel=1e-5)  # softplus(real - fake)

    def test_others_get_none(self):
        seen = []
        spy = non_saturating()._replace(generator=lambda real, fake: seen.append(real) or -fake)
        trained(loss=spy)
        assert set(seen) == {None}


def slope_of_the_bias(key, critic, real, fake):
    """A penalty whose gradient is 1 for the bias of a discriminator."""
    return critic(jnp.zeros_like(real))


NOTHING = AdversarialLoss(lambda real, fake: 0.0 * real, lambda real, fake: 0.0 * fake)


class TestLazyPenalties:
    def test_are_stronger_on_their_steps_and_absent_on_others(self):
        states, metrics = trained(5, loss=NOTHING, penalties=[Penalty(slope_of_the_bias, 0.5, every=3)])
        biases = [float(state.discriminator.params["bias"]) for state in states]
        np.testing.assert_allclose(np.diff(biases), [-0.15, 0, 0, -0.15, 0], atol=1e-6)  # 0.1 of the optimizer, 0.5 and 3
        name = "discriminator/slope_of_the_bias"
        np.testing.assert_array_equal(np.isfinite(column(metrics, name)), [True, False, False, True, False])
        np.testing.assert_allclose(column(metrics, f"{name}/gradient_norm"), [1.5, np.nan, np.nan, 1.5, np.nan], rtol=1e-5)

    def test_cost_nothing_in_other_steps(self):
        ran = []

        def counted(key, critic, real, fake):
            jax.debug.callback(lambda: ran.append(1))
            return critic(real)

        trained(4, penalties=[Penalty(counted, 1.0, every=4)])
        jax.effects_barrier()
        assert len(ran) == 1

    def test_of_the_generator(self):
        def shift(key, generate, z):
            return generate(z).sum((1, 2, 3))

        states, _ = trained(3, loss=NOTHING, generator_penalties=[Penalty(shift, 1.0, every=2)])
        means = [float(state.generator.params["mean"][0, 0]) for state in states]
        np.testing.assert_allclose(np.diff(means), [-0.2, 0, -0.2], atol=1e-6)

    def test_path_length_keeps_its_mean_where_it_is_not_computed(self):
        states, metrics = trained(3, generator_penalties=[adaptive_path_length(every=2)])
        means = [float(state.adaptive["path_length"]) for state in states]
        assert means[0] == 0 < means[1] == means[2] < means[3]
        np.testing.assert_allclose(column(metrics, "path_length/mean"), [means[1], np.nan, means[3]], rtol=1e-6)


class TestDiscriminatorSteps:
    def test_are_separate_updates_on_equal_parts(self):
        batch = {"image": jnp.linspace(-1.0, 1.0, 12).reshape(6, 1, 2, 1)}
        (_, state), _ = trained(batch=batch, networks=(constant(0.25), discriminator()), discriminator_steps=3)
        params = {"slope": jnp.zeros((2,)), "bias": jnp.zeros(())}

        def loss(params, real):
            logits = (x[:, 0, :, 0] @ params["slope"] + params["bias"] for x in (real, jnp.full(real.shape, 0.25)))
            return jnp.mean(non_saturating().discriminator(*logits))

        for part in range(3):
            slopes = jax.grad(loss)(params, batch["image"][part::3])
            params = jax.tree.map(lambda p, slope: p - 0.1 * slope, params, slopes)
        jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5), state.discriminator.params, params)
        assert int(state.step) == 1

    def test_lazy_penalties_count_them(self):
        penalty = Penalty(slope_of_the_bias, 1.0, every=4)
        states, metrics = trained(3, loss=NOTHING, penalties=[penalty], discriminator_steps=2)
        biases = [float(state.discriminator.params["bias"]) for state in states]
        np.testing.assert_allclose(np.diff(biases), [-0.4, 0, -0.4], atol=1e-6)
        np.testing.assert_array_equal(np.isfinite(column(metrics, "discriminator/slope_of_the_bias")), [True, False, True])

    def test_the_batch_must_divide(self):
        with pytest.raises(ValueError, match="divides into 3 equal parts, found 32"):
            trained(discriminator_steps=3)


def labelled(labels, **fields):
    return {"image": jnp.zeros((len(labels), 1, 2, 1)), "label": jnp.asarray(labels, jnp.int32), **fields}


class TestConditions:
    """A generator that draws its label, and a discriminator that tells how far an image is from its label."""

    @staticmethod
    def draw_label(p, state, z, label, key=None, train=False):
        return jnp.broadcast_to(p * label.astype(jnp.float32)[:, None, None, None], (len(z), 1, 2, 1)), state

    @staticmethod
    def distance(p, state, x, label, key=None, train=False):
        return p + jnp.abs(x[:, 0, 0, 0] - label.astype(jnp.float32)), state

    PLAYERS = (
        Network(lambda key, z, label: (jnp.ones(()), {}), draw_label),
        Network(lambda key, x, label: (jnp.zeros(()), {}), distance),
    )

    def test_reach_both_networks(self):
        _, (metrics,) = trained(batch=labelled([1, 2, 3, 6]), networks=self.PLAYERS, condition="label", optimizer=(optax.sgd(0.0),) * 2)
        assert metrics["discriminator/fake_logits"] == 0  # generated with the labels that the discriminator is given
        assert metrics["discriminator/real_logits"] == 3
        assert metrics["generator/loss"] == pytest.approx(np.log(2), rel=1e-6)

    def test_reach_samples(self):
        training = alternating(*self.PLAYERS, hinge(), optax.sgd(0.1), optax.sgd(0.1), latent_size=LATENT, condition="label")
        state = training.init(KEY, labelled([0, 0]))
        images = training.sample(state, None, {"z": jnp.zeros((3, LATENT)), "label": jnp.asarray([4, 5, 6])})["image"]
        assert images[:, 0, 0, 0].tolist() == [4, 5, 6]

    def test_a_matching_aware_loss_gets_those_of_others(self):
        settings = {"networks": self.PLAYERS, "condition": "label", "optimizer": (optax.sgd(0.0),) * 2}
        _, (metrics,) = trained(batch=labelled([1, 2, 3, 6]), loss=matching_aware(wasserstein()), microbatches=2, **settings)
        assert metrics["discriminator/loss"] == pytest.approx(((0 - 3) + (3 - 3)) / 2)  # a mismatch scores 3 here, too

    MISTAKES = {
        "no condition": ({"loss": matching_aware(hinge())}, "expected a condition for a matching-aware loss"),
        "a condition that the batch lacks": ({"condition": "caption"}, "a batch with the field caption, found image"),
        "a field that the batch lacks": ({"field": "audio"}, "a batch with the field audio, found image"),
        "no update of the discriminator": ({"discriminator_steps": 0}, "discriminator_steps >= 1, found 0"),
        "a penalty that is never due": ({"penalties": [on_real(r1, 1.0, every=0)]}, "expected r1 with every >= 1, found 0"),
    }

    @pytest.mark.parametrize("name", MISTAKES)
    def test_mistakes(self, name):
        settings, message = self.MISTAKES[name]
        with pytest.raises(ValueError, match=message):
            trained(**settings)


class TestAugmentation:
    SETTINGS = {"networks": (constant(0.25), linear()), "loss": wasserstein(), "optimizer": (optax.sgd(0.0),) * 2}

    def test_is_of_real_and_generated_alike(self):
        batch = {"image": jnp.full((4, 1, 2, 1), 0.5)}
        _, (metrics,) = trained(batch=batch, augment=lambda key, x: 10.0 + x, **self.SETTINGS)
        assert metrics["discriminator/real_logits"] == pytest.approx(21)
        assert metrics["discriminator/fake_logits"] == pytest.approx(20.5)
        assert metrics["generator/loss"] == pytest.approx(-20.5)

    def test_is_drawn_for_each(self):
        keys = []

        def spy(key, x):
            jax.debug.callback(lambda data: keys.append(tuple(data.tolist())), jax.random.key_data(key))
            return x

        trained(2, augment=spy, **self.SETTINGS)
        jax.effects_barrier()
        assert len(keys) == len(set(keys)) == 6  # real and fake of the discriminator, fake of the generator

    @pytest.mark.parametrize(
        "augment", [flip, diffaugment, adaptive_strength(diffaugment), adaptive_strength(ada), adaptive_strength(diffusion)]
    )
    def test_those_of_the_library_fit(self, augment):
        players = constant(), linear()
        constant_image = Network(players[0].init, lambda p, s, z, key=None, train=False: (jnp.full((len(z), 8, 8, 3), p), s))
        sgd, batch = optax.sgd(0.1), {"image": jax.ShapeDtypeStruct((4, 8, 8, 3), "uint8")}
        training = alternating(constant_image, players[1], hinge(), sgd, sgd, latent_size=LATENT, augment=augment)
        state = jax.eval_shape(training.init, KEY, batch)
        after, _ = jax.eval_shape(training.step, state, batch, KEY)
        assert jax.tree.map(lambda x: (x.shape, x.dtype), after) == jax.tree.map(lambda x: (x.shape, x.dtype), state)

    def test_of_adaptive_strength(self):
        augment = adaptive_strength(lambda key, x, strength: x + strength, length=80, interval=2)
        batch = {"image": jnp.ones((4, 1, 2, 1))}
        states, metrics = trained(4, batch=batch, augment=augment, **self.SETTINGS)
        np.testing.assert_allclose(column(metrics, "augment/strength"), [0, 0.1, 0.1, 0.2], rtol=1e-6)  # two steps of four in 80
        np.testing.assert_allclose(column(metrics, "discriminator/real_logits"), [2, 2, 2.2, 2.2], rtol=1e-6)


def test_patches_of_several_scales_with_penalties():
    def apply(params, state, x, key=None, train=False):
        return [params * x[..., 0], params * x.mean(2, keepdims=True)], state

    several = Network(lambda key, x: (jnp.ones(()), {}), apply)
    batch = {"image": jnp.full((4, 1, 2, 1), 0.5)}
    _, (metrics,) = trained(
        batch=batch, networks=(constant(0.25), several), loss=multi_scale(hinge()), penalties=[on_real(r1), on_real_logits(jnp.square)]
    )
    assert metrics["discriminator/square"] == pytest.approx(1.0)  # 0.5 of each scale
    assert metrics["discriminator/r1"] == pytest.approx(2.0)  # of the mean of two pixels, twice
    assert metrics["discriminator/real_logits"] == pytest.approx(0.5)


def test_microbatches_change_nothing():
    batch = images(0, 16)
    settings = {"loss": relativistic(), "penalties": [on_real(r1, 0.5), on_real(r1, 0.5, every=2)], "discriminator_steps": 2}
    (_, one), (_, four) = (trained(batch=batch, microbatches=parts, **settings)[0] for parts in (1, 4))
    for a, b in ((one.generator, four.generator), (one.discriminator, four.discriminator)):
        jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-7), a.params, b.params)


def test_schedules_are_those_of_the_optimizer(adam):
    schedule = optax.piecewise_constant_schedule(0.1, {2: 0.0})
    states, _ = trained(4, loss=NOTHING, penalties=[Penalty(slope_of_the_bias)], optimizer=(optax.sgd(0.1), adam(schedule, b1=0.0)))
    biases = [float(state.discriminator.params["bias"]) for state in states]
    np.testing.assert_allclose(np.diff(biases), [-0.1, -0.1, 0, 0], atol=1e-6)
