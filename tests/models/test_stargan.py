import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models import stargan

X = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (2, 8, 16, 3)), jnp.float32)
CHANGES = jnp.asarray([[1.0, 0.0], [0.0, -1.0]])


def test_every_parameter_counts_and_images_stay_apart():
    network = stargan.editor(features=4, blocks=1)
    params, state = jax.jit(network.init)(jax.random.key(0), X, CHANGES)
    apply = jax.jit(lambda p, x, changes: network.apply(p, {}, x, changes)[0])
    found = apply(params, X, CHANGES)
    assert found.shape == (2, 8, 16, 4) and found.dtype == jnp.float32 and state == {}
    np.testing.assert_allclose(apply(params, X[:1], CHANGES[:1]), found[:1], atol=1e-5)
    gradients = jax.jit(jax.grad(lambda p: jnp.sum(apply(p, X, CHANGES) ** 2)))(params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        assert np.abs(leaf).max() > 0, jax.tree_util.keystr(path)


def test_a_change_is_heard_in_the_middle_of_an_image():
    """Constant channels of the input would be taken away there by the instance norms."""
    network, images = stargan.editor(features=4, blocks=1), jnp.tile(X[:1], (1, 8, 4, 1))
    params, _ = jax.jit(network.init)(jax.random.key(0), images, CHANGES[:1])
    one, other = (jax.jit(network.apply)(params, {}, images, change)[0] for change in (CHANGES[:1], -CHANGES[:1]))
    assert np.abs(one - other)[:, 24:40, 24:40].mean() > 1e-3


@pytest.mark.parametrize("mask", [0.0, 1.0])
def test_the_mask_chooses_between_copies_and_new_pixels(mask):
    new = -X
    images, found = stargan.blend(X, jnp.concatenate([new, jnp.full((2, 8, 16, 1), mask)], axis=3))
    np.testing.assert_array_equal(images, new if mask else X)
    assert found.shape == (2, 8, 16, 1)


def test_logits_of_patches_and_of_attributes():
    network, attributes = stargan.discriminator(4, 3), jnp.asarray([[1.0, 0.0], [0.0, 0.0]])
    params, _ = jax.jit(network.init)(jax.random.key(0), X, attributes)
    patches, named = jax.jit(network.apply)(params, {}, X, attributes)[0]
    assert [one.shape for one in patches] == [(2, 4, 8, 2), (2, 1, 2, 2)] and named.shape == (2, 2)
    assert params["convolution_1"]["kernel"].shape == (4, 4, 4, 8) and params["attributes"]["kernel"].shape == (2 * 16, 2)
    others, still = jax.jit(network.apply)(params, {}, X, attributes.at[0, 1].set(1.0))[0]
    for one, other in zip(patches, others, strict=True):
        np.testing.assert_array_equal(np.any(one != other, axis=(1, 2)), [[False, True], [False, False]])
    np.testing.assert_array_equal(named, still)


def test_half_precision():
    for network, inputs in ((stargan.editor(4, 1, jnp.bfloat16), (X, CHANGES)), (stargan.discriminator(4, 3, jnp.bfloat16), (X, CHANGES))):
        found = jax.eval_shape(lambda key, n=network, i=inputs: n.apply(n.init(key, *i)[0], {}, *i)[0], jax.random.key(0))
        assert {leaf.dtype for leaf in jax.tree.leaves(found)} == {jnp.dtype(jnp.float32)}


@pytest.mark.parametrize(
    ("network", "inputs", "message"),
    [
        (stargan.editor(4, 1), (jnp.zeros((1, 10, 8, 3)), jnp.zeros((1, 2))), "multiples of 4 pixels"),
        (stargan.discriminator(4, 4), (X, CHANGES), "multiples of 16 pixels"),
    ],
)
def test_sizes_that_do_not_fit(network, inputs, message):
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(network.init, jax.random.key(0), *inputs)
