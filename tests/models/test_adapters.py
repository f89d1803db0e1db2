"""Linen and nnx modules with batch norm and dropout as pairs of pure functions, under jit, grad and in a game."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jgan.losses import non_saturating
from jgan.models.adapters import from_linen, from_nnx
from jgan.training import alternating

X = jnp.linspace(-1.0, 1.0, 24).reshape(8, 3) ** 3


class Linen(nn.Module):
    rate: float = 0.5

    @nn.compact
    def __call__(self, x, train):
        x = nn.Dense(16)(x)
        x = nn.BatchNorm(use_running_average=not train, momentum=0.9)(x)
        return nn.Dense(2)(nn.Dropout(self.rate, deterministic=not train)(x))


class Nnx(nnx.Module):
    def __init__(self, rngs, rate=0.5):
        self.first, self.last = nnx.List([nnx.Linear(3, 16, rngs=rngs)]), nnx.Linear(16, 2, rngs=rngs)
        self.norm, self.dropout = nnx.BatchNorm(16, momentum=0.9, rngs=rngs), nnx.Dropout(rate, rngs=rngs)

    def __call__(self, x):
        return self.last(self.dropout(self.norm(self.first[0](x))))


ADAPTED = {
    "linen": lambda **settings: from_linen(Linen(**settings)),
    "nnx": lambda **settings: from_nnx(lambda rngs: Nnx(rngs, **settings)),
}
KEYS = [jax.random.key(i) for i in range(3)]


@pytest.fixture(params=ADAPTED)
def adapted(request):
    return ADAPTED[request.param]


@pytest.fixture
def jitted(adapted):
    network = adapted()
    return network._replace(apply=jax.jit(network.apply, static_argnames="train"))


def test_the_state_is_the_batch_statistics_alone(adapted):
    params, state = adapted().init(KEYS[0], X)
    assert sorted(a.size for a in jax.tree.leaves(state)) == [16, 16]
    assert sorted(a.size for a in jax.tree.leaves(params)) == [2, 16, 16, 16, 32, 48]
    assert isinstance(params, dict)
    assert isinstance(state, dict)


def test_training_updates_the_statistics_with_their_momentum(jitted):
    params, state = jitted.init(KEYS[0], X)
    _, after = jitted.apply(params, state, X, key=KEYS[1], train=True)
    kernel = next(a for a in jax.tree.leaves(params) if a.shape == (3, 16))
    expected = [0.1 * (X @ kernel).mean(0), 0.9 + 0.1 * (X @ kernel).var(0)]
    for a, b in zip(jax.tree.leaves(after), expected, strict=True):  # mean, var
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert jax.tree.structure(after) == jax.tree.structure(state)


def test_evaluation_draws_nothing_and_leaves_the_state(jitted):
    params, state = jitted.init(KEYS[0], X)
    outputs = [jitted.apply(params, state, X, key=key) for key in (None, KEYS[1], KEYS[2])]
    for output, after in outputs:
        np.testing.assert_array_equal(output, outputs[0][0])
        jax.tree.map(np.testing.assert_array_equal, after, state)


def test_in_training_the_key_decides_the_draws(jitted):
    params, state = jitted.init(KEYS[0], X)
    first, again, other = (jitted.apply(params, state, X, key=k, train=True)[0] for k in (KEYS[1], KEYS[1], KEYS[2]))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_initial_parameters_depend_on_the_key_alone(jitted):
    first, again, other = (jitted.init(key, X)[0] for key in (KEYS[0], KEYS[0], KEYS[1]))
    jax.tree.map(np.testing.assert_array_equal, first, again)
    assert not all(np.allclose(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(other), strict=True))


def test_both_libraries_compute_the_same():
    """With the parameters of one given to the other."""
    (ours, state), (theirs, other) = (ADAPTED[name](rate=0.0).init(KEYS[0], X) for name in ("linen", "nnx"))
    theirs = {"first": {0: ours["Dense_0"]}, "norm": ours["BatchNorm_0"], "last": ours["Dense_1"]}
    linen = ADAPTED["linen"](rate=0.0).apply(ours, state, X, key=KEYS[1], train=True)
    nnx_ = ADAPTED["nnx"](rate=0.0).apply(theirs, other, X, key=KEYS[1], train=True)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), jax.tree.leaves(linen), jax.tree.leaves(nnx_))


def test_gradient_through_the_opponent(adapted):
    """The generator's gradient through a discriminator that it closes over, which keeps its parameters and gives back a new state."""
    generator, discriminator = adapted(), adapted()
    (params, state), opponent = generator.init(KEYS[0], X), discriminator.init(KEYS[1], X)

    @jax.jit
    def gradient(params, state, opponent):
        def loss(params):
            fake, after = generator.apply(params, state, X, key=KEYS[1], train=True)
            padded = jnp.concatenate([fake, fake[:, :1]], axis=1)
            logits, seen = discriminator.apply(*opponent, padded, key=KEYS[2], train=True)
            return jnp.mean(logits**2), (after, seen)

        return jax.grad(loss, has_aux=True)(params)

    grads, states = gradient(params, state, opponent)
    assert jax.tree.structure(grads) == jax.tree.structure(params)
    assert any(np.any(np.asarray(g) != 0) for g in jax.tree.leaves(grads))
    assert all(np.isfinite(g).all() for g in jax.tree.leaves((grads, states)))


class LinenGenerator(nn.Module):
    @nn.compact
    def __call__(self, z, train):
        h = nn.Dropout(0.1, deterministic=not train)(nn.BatchNorm(use_running_average=not train)(nn.Dense(16)(z)))
        return jnp.tanh(nn.Dense(12)(h)).reshape(-1, 2, 2, 3)


class NnxDiscriminator(nnx.Module):
    def __init__(self, rngs):
        self.first, self.last = nnx.Linear(12, 16, rngs=rngs), nnx.Linear(16, 1, rngs=rngs)
        self.dropout = nnx.Dropout(0.1, rngs=rngs)

    def __call__(self, images):
        return self.last(self.dropout(jnp.tanh(self.first(images.reshape(-1, 12)))))[:, 0]


def test_networks_of_two_libraries_play_one_game():
    sgd = optax.sgd(0.1)
    training = alternating(from_linen(LinenGenerator()), from_nnx(NnxDiscriminator), non_saturating(), sgd, sgd, latent_size=4)
    batch = {"image": jnp.full((8, 2, 2, 3), 200, jnp.uint8)}
    state = jax.jit(training.init)(KEYS[0], batch)
    after, metrics = jax.jit(training.step)(state, batch, KEYS[1])
    assert all(np.isfinite(v) for v in metrics.values())
    for player, old in ((after.generator, state.generator), (after.discriminator, state.discriminator)):
        assert jax.tree.structure(player) == jax.tree.structure(old)
        assert not np.array_equal(jax.tree.leaves(player.params)[1], jax.tree.leaves(old.params)[1])
    assert not np.array_equal(jax.tree.leaves(after.generator.state)[0], jax.tree.leaves(state.generator.state)[0])


class Streams(nn.Module):
    @nn.compact
    def __call__(self, x):
        return [jax.random.normal(self.make_rng(name), x.shape) for name in ("dropout", "noise")]


def test_streams_are_independent_and_a_module_without_train_is_not_told():
    network = from_linen(Streams())
    dropout, noise = network.apply(*network.init(KEYS[0], X), X, key=KEYS[1], train=True)[0]
    assert abs(np.corrcoef(np.ravel(dropout), np.ravel(noise))[0, 1]) < 0.9


def test_a_stream_of_another_name():
    class Custom(nn.Module):
        @nn.compact
        def __call__(self, x):
            return jax.random.normal(self.make_rng("mixing"), x.shape)

    network = from_linen(Custom(), streams=["mixing"])
    assert network.apply(*network.init(KEYS[0], X), X, key=KEYS[1])[0].shape == X.shape


def test_nnx_modules_with_streams_need_a_key_in_training():
    network = ADAPTED["nnx"]()
    with pytest.raises(ValueError, match=r"expected a key.*\['dropout'\], found None"):
        network.apply(*network.init(KEYS[0]), X, train=True)


def test_nnx_module_that_takes_train():
    class Told(nnx.Module):
        def __init__(self, rngs):
            self.calls = nnx.Variable(jnp.zeros(()))

        def __call__(self, x, train):
            self.calls[...] += 1
            return x + 1 if train else x

    network = from_nnx(Told)
    output, state = network.apply(*network.init(KEYS[0]), X, train=True)
    np.testing.assert_array_equal(output, X + 1)
    assert float(state["calls"]) == 1
    output, state = network.apply({}, state, X)
    np.testing.assert_array_equal(output, X)
    assert float(state["calls"]) == 1
