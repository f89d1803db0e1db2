"""The perceptrons of the first GAN: sigmoids, maxout, dropout, initial weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models import perceptrons
from jgan.models.latents import uniform

Z = jnp.asarray(np.random.default_rng(0).normal(size=(5, 4)), jnp.float32)
IMAGES = jnp.tanh(jnp.asarray(np.random.default_rng(1).normal(size=(5, 2, 3, 2)), jnp.float32))


def test_the_generator():
    network = perceptrons.generator((2, 3, 2), (7, 6), spread=2.0)
    params, state = jax.device_get(jax.jit(network.init)(jax.random.key(0), Z))
    images, _ = jax.jit(network.apply, static_argnames="train")(params, state, Z, train=True)
    x = np.asarray(uniform(Z))
    for name in ("hidden_0", "hidden_1"):
        x = np.maximum(x @ params[name]["kernel"] + params[name]["bias"], 0)
    x = x @ params["image"]["kernel"] + params["image"]["bias"]
    np.testing.assert_allclose(images, (2 / (1 + np.exp(-x)) - 1).reshape(5, 2, 3, 2), rtol=1e-4, atol=1e-5)
    kernel = params["hidden_0"]["kernel"]
    assert kernel.min() < -1 and kernel.max() > 1 and np.abs(kernel).max() <= 2 and state == {}


def test_the_discriminator_without_dropout():
    network = perceptrons.discriminator((3, 2), pieces=4, spread=1.0)
    params, state = jax.device_get(jax.jit(network.init)(jax.random.key(0), IMAGES))
    logits, _ = jax.jit(network.apply)(params, state, IMAGES)
    x = np.asarray(IMAGES).reshape(5, 12) / 2 + 0.5
    for name, units in (("maxout_0", 3), ("maxout_1", 2)):
        kernel = np.asarray(params[name]["kernel"])
        x = np.max([x @ kernel[:, piece::4] + params[name]["bias"][piece::4] for piece in range(4)], axis=0)
        assert x.shape == (5, units)
    np.testing.assert_allclose(logits, (x @ params["logit"]["kernel"])[:, 0] + params["logit"]["bias"], rtol=1e-4)


def test_half_precision_is_near():
    for network, dtype, x in ((perceptrons.generator, jnp.bfloat16, Z), (perceptrons.discriminator, jnp.bfloat16, IMAGES)):
        given = {"shape": (2, 3, 2), "hidden": (7, 6)} if x is Z else {"units": (3, 2), "pieces": 4}
        exact, half = network(**given, spread=0.5), network(**given, spread=0.5, dtype=dtype)
        params, state = jax.jit(exact.init)(jax.random.key(0), x)
        expected, found = (np.asarray(jax.jit(each.apply)(params, state, x)[0]) for each in (exact, half))
        assert found.dtype == np.float32 and 0 < np.abs(found - expected).max() < 0.05


@pytest.mark.parametrize("input_dropout, dropout", [(0.5, 0.0), (0.0, 0.5)])
def test_dropout_is_drawn_from_the_key(input_dropout, dropout):
    network = perceptrons.discriminator((30,), 2, input_dropout, dropout, spread=1.0)
    params, state = jax.device_get(jax.jit(network.init)(jax.random.key(0), IMAGES))
    draw = jax.jit(lambda seed: network.apply(params, state, IMAGES, key=jax.random.key(seed), train=True)[0])
    one, again, other = draw(1), draw(1), draw(2)
    still = jax.jit(network.apply)(params, state, IMAGES, key=jax.random.key(1))[0]
    one, again, other, still = map(np.asarray, (one, again, other, still))
    np.testing.assert_array_equal(one, again)
    assert (one != other).all() and (one != still).all()


def test_no_dropout_at_all():
    network = perceptrons.discriminator((30,), 2, 0.0, 0.0)
    params, state = jax.device_get(jax.jit(network.init)(jax.random.key(0), IMAGES))
    apply = jax.jit(network.apply, static_argnames="train")
    trained = apply(params, state, IMAGES, key=jax.random.key(1), train=True)[0]
    np.testing.assert_array_equal(trained, apply(params, state, IMAGES)[0])


def test_the_published_sizes():
    generator, discriminator = perceptrons.generator((28, 28, 1)), perceptrons.discriminator()
    shapes = [
        jax.eval_shape(n.init, jax.random.key(0), x)[0] for n, x in ((generator, jnp.ones((1, 100))), (discriminator, jnp.ones((1, 784))))
    ]
    kernels = [[params[name]["kernel"].shape for name in sorted(params)] for params in shapes]
    assert kernels == [[(100, 1200), (1200, 1200), (1200, 784)], [(240, 1), (784, 1200), (240, 1200)]]
