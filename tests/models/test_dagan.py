"""The networks of DAGAN."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.dagan import discriminator, generator, halvings

SHAPE = (16, 16, 1)


@pytest.fixture(scope="module")
def given():
    keys = jax.random.split(jax.random.key(1), 3)
    return jax.random.normal(keys[0], (3, 5)), *(jax.random.uniform(key, (3, *SHAPE), minval=-1.0) for key in keys[1:])


@pytest.fixture(scope="module")
def made(given):
    z, images, _ = given
    network = generator(SHAPE, 4)
    params, state = jax.jit(network.init)(jax.random.key(0), z, images)
    return network, params, state


def test_variants_depend_on_the_image_and_on_z(made, given):
    network, params, state = made
    z, images, others = given
    apply = jax.jit(lambda z, images: network.apply(params, state, z, images)[0])
    found = apply(z, images)
    assert found.shape == images.shape and found.dtype == jnp.float32 and np.abs(found).max() <= 1
    for changed in (apply(z.at[1].add(1.0), images), apply(z, images.at[1].set(others[1]))):
        np.testing.assert_array_equal(np.abs(changed - found).max((1, 2, 3)) > 1e-4, [False, True, False])


def test_dropout_is_of_training_alone(made, given):
    network, params, state = made
    z, images, _ = given
    in_training = jax.jit(lambda key: network.apply(params, state, z, images, key=key, train=True)[0])
    afterwards = jax.jit(lambda key: network.apply(params, state, z, images, key=key)[0])
    keys = jax.random.split(jax.random.key(2), 2)
    assert np.abs(in_training(keys[0]) - in_training(keys[1])).max() > 0
    np.testing.assert_array_equal(afterwards(keys[0]), afterwards(keys[1]))


def test_the_discriminator_sees_both_images_of_a_pair(given):
    _, images, others = given
    network = discriminator(SHAPE, 4)
    params, state = jax.jit(network.init)(jax.random.key(0), images, others)
    apply = jax.jit(lambda a, b: network.apply(params, state, a, b)[0])
    found = apply(images, others)
    assert found.shape == (3,) and state == {}
    for changed in (apply(images.at[1].add(0.5), others), apply(images, others.at[1].add(0.5))):
        np.testing.assert_array_equal(np.abs(changed - found) > 1e-4, [False, True, False])


def test_images_that_cannot_be_halved_twice():
    with pytest.raises(ValueError, match="expected images that can be halved twice.*found 30 x 30"):
        halvings((30, 30, 1))
