"""Convolutional networks: published sizes, padding, batch norm's state, dropout, half precision."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from jgan.models import dcgan
from jgan.models.latents import uniform

PLANS = {"paper": dcgan.paper, "tutorial": dcgan.tutorial, "least_squares": dcgan.least_squares}
Z = jnp.asarray(np.random.default_rng(0).normal(size=(4, 5)), jnp.float32)


def parameters(network, *inputs):
    shapes = jax.eval_shape(network.init, jax.random.key(0), *inputs)[0]
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


def test_as_many_parameters_as_the_tutorial_prints():
    plan = dcgan.tutorial((28, 28, 1))
    assert parameters(dcgan.generator(plan), jnp.zeros((1, 100))) == 2_305_472 + 1  # a bias of the image, which the tutorial has not
    assert parameters(dcgan.discriminator(plan), jnp.zeros((1, 28, 28, 1))) == 212_865


SIZES = {  # plan, shape: the generator's first image, then the channels and strides of its layers, channels of the discriminator
    ("paper", (64, 64, 3)): ((4, 4, 1024), [(512, 2), (256, 2), (128, 2), (3, 2)], [128, 256, 512, 1024]),
    ("paper", (128, 128, 3)): ((4, 4, 1024), [(1024, 2), (512, 2), (256, 2), (128, 2), (3, 2)], [128, 256, 512, 1024, 1024]),
    ("paper", (28, 28, 1)): ((7, 7, 256), [(128, 2), (1, 2)], [128, 256]),
    ("tutorial", (28, 28, 1)): ((7, 7, 256), [(128, 1), (64, 2), (1, 2)], [64, 128]),
    ("least_squares", (112, 112, 3)): ((7, 7, 256), [(256, 2), (256, 1), (256, 2), (256, 1), (128, 2), (64, 2), (3, 1)],
                                       [64, 128, 256, 512]),
    ("least_squares", (28, 28, 1)): ((7, 7, 256), [(128, 2), (64, 2), (1, 1)], [64, 128]),
}  # fmt: skip


@pytest.mark.parametrize("name, shape", SIZES)
def test_published_sizes_and_others(name, shape):
    plan = PLANS[name](shape)
    found = plan.start, [(layer.features, layer.stride) for layer in plan.up], [layer.features for layer in plan.down]
    assert found == SIZES[name, shape]
    params, state = jax.eval_shape(dcgan.generator(plan).init, jax.random.key(0), Z)
    images, _ = jax.eval_shape(dcgan.generator(plan).apply, params, state, Z)
    critic = jax.eval_shape(dcgan.discriminator(plan).init, jax.random.key(0), images)
    logits, _ = jax.eval_shape(dcgan.discriminator(plan).apply, *critic, images)
    assert images.shape == (4, *shape) and logits.shape == (4,)


@pytest.mark.parametrize("shape", [(64, 48), (96, 96), (16, 16), (8, 24)])
def test_other_sizes(shape):
    plan = dcgan.paper((*shape, 3), 8)
    assert plan.start[0] << len(plan.up) == shape[0] and plan.start[1] << len(plan.up) == shape[1] and max(plan.start[:2]) <= 16


@pytest.mark.parametrize("shape", [(100, 100, 3), (7, 7, 1), (9, 9, 1), (8, 64, 3)])
def test_sizes_that_cannot_be_halved(shape):
    with pytest.raises(ValueError, match=f"images of {shape[0]} x {shape[1]} pixels can be halved . times only"):
        dcgan.halvings(shape)


@pytest.mark.parametrize("size, stride", [(5, 2), (3, 2), (4, 2), (5, 1), (3, 1)])
def test_up_is_the_adjoint_of_down(size, stride):
    random = np.random.default_rng(0)
    small, large = (jnp.asarray(random.normal(size=s), jnp.float32) for s in ((2, 3, 4, 5), (2, 3 * stride, 4 * stride, 6)))
    kernel = jnp.asarray(random.normal(size=(size, size, 6, 5)), jnp.float32)
    constant = lambda key, shape: kernel  # noqa: E731
    up = dcgan.Up(dcgan.Layer(6, size, stride), False, constant).apply({"params": {"kernel": kernel}}, small)
    down = dcgan.Down(dcgan.Layer(5, size, stride), False, constant).apply({"params": {"kernel": kernel}}, large)
    np.testing.assert_allclose(jnp.vdot(up, large), jnp.vdot(small, down), rtol=1e-4)
    reference = nn.Conv(5, (size, size), stride, "SAME", use_bias=False).apply({"params": {"kernel": kernel}}, large)
    np.testing.assert_allclose(down, reference, rtol=1e-4, atol=1e-4)


def test_a_pass_of_both_players():
    plan = dcgan.tutorial((8, 8, 1), 4)
    g, d = dcgan.generator(plan, uniform=False), dcgan.discriminator(plan)
    (params, state), (critic, carried) = jax.jit(lambda key: (g.init(key, Z), d.init(key, jnp.zeros((4, 8, 8, 1)))))(jax.random.key(0))
    images, after = jax.jit(lambda z: g.apply(params, state, z, train=True))(Z)
    assert images.shape == (4, 8, 8, 1) and images.dtype == jnp.float32 and jnp.abs(images).max() <= 1
    moved = jax.tree.leaves(jax.tree.map(lambda a, b: bool((np.asarray(a) != b).any()), state, after))
    assert len(moved) == 4 and all(moved)
    judge = jax.jit(lambda seed: d.apply(critic, carried, images, key=jax.random.key(seed), train=True)[0])
    assert carried == {} and judge(0).shape == (4,) and (judge(0) != judge(1)).all()


@pytest.mark.parametrize("normalise, averages", [((True, True), (6, 2)), ((False, True), (0, 2)), ((False, False), (0, 0))])
def test_batch_norm_where_it_is_wanted(normalise, averages):
    plan = dcgan.least_squares((16, 16, 3), 4, normalise)
    _, state = jax.eval_shape(dcgan.generator(plan).init, jax.random.key(0), Z)
    params, carried = jax.eval_shape(dcgan.discriminator(plan).init, jax.random.key(0), jnp.zeros((4, 16, 16, 3)))
    assert (len(jax.tree.leaves(state)), len(jax.tree.leaves(carried))) == averages
    assert ("bias" in params["convolution_1"]) != normalise[1] and "bias" in params["convolution_0"]


def test_half_precision_and_uniform_latents():
    plan = dcgan.paper((8, 8, 3), 8)._replace(deviation=0.2)
    exact, half, normal = dcgan.generator(plan), dcgan.generator(plan, dtype=jnp.bfloat16), dcgan.generator(plan, uniform=False)
    params, state = jax.jit(half.init)(jax.random.key(0), Z)
    assert {p.dtype for p in jax.tree.leaves((params, state))} == {np.dtype("float32")}
    given = ((exact, Z), (half, Z), (normal, uniform(Z)))
    reference, images, same = jax.jit(lambda: [network.apply(params, state, z)[0] for network, z in given])()
    assert images.dtype == jnp.float32 and 0 < jnp.abs(images - reference).max() < 0.05
    np.testing.assert_allclose(same, reference, rtol=1e-5, atol=1e-6)
