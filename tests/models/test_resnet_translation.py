import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.resnet_translation import residual_translator

X = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (2, 12, 16, 3)), jnp.float32)


def test_every_parameter_counts_and_images_stay_apart():
    network = residual_translator(3, features=4, blocks=1)
    params, state = jax.jit(network.init)(jax.random.key(0), X)
    apply = jax.jit(lambda p, x: network.apply(p, {}, x)[0])
    found = apply(params, X)
    assert found.shape == X.shape and found.dtype == jnp.float32 and state == {}
    np.testing.assert_allclose(apply(params, X[:1]), found[:1], atol=1e-5)
    gradients = jax.jit(jax.grad(lambda p: jnp.sum(apply(p, X) ** 2)))(params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        assert np.abs(leaf).max() > 0, jax.tree_util.keystr(path)


def test_the_paper_s_network():
    params, _ = jax.eval_shape(residual_translator(3).init, jax.random.key(0), jnp.zeros((1, 256, 256, 3)))
    assert params["first"]["kernel"].shape == (7, 7, 3, 64) and params["up_1"]["kernel"].shape == (3, 3, 64, 128)
    assert sorted(name for name in params if name.startswith("block")) == [f"block_{i}" for i in range(9)]
    assert sum(np.prod(p.shape) for p in jax.tree.leaves(params)) == pytest.approx(11.4e6, rel=0.01)


def test_half_precision():
    network = residual_translator(1, 4, 1, jnp.bfloat16)
    found = jax.eval_shape(lambda key: network.apply(network.init(key, X)[0], {}, X)[0], jax.random.key(0))
    assert found.dtype == jnp.float32 and found.shape == (2, 12, 16, 1)


@pytest.mark.parametrize("shape", [(1, 10, 12, 3), (1, 4, 8, 3)])
def test_sizes_that_do_not_fit(shape):
    with pytest.raises(ValueError, match="sides of 8 pixels or more that are multiples of 4"):
        jax.eval_shape(residual_translator(3, 4, 1).init, jax.random.key(0), jnp.zeros(shape))
