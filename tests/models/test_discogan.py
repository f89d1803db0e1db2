import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models import discogan

X = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (3, 16, 16, 3)), jnp.float32)
NETWORKS = {"translator": discogan.translator(3, (4, 8), 5), "discriminator": discogan.discriminator((4, 8))}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_counts_and_statistics_are_state(name):
    network = NETWORKS[name]
    params, state = jax.jit(network.init)(jax.random.key(0), X)

    def loss(p):
        y, after = network.apply(p, state, X, train=True)
        return jnp.sum(y**2), (y, after)

    (_, (y, after)), gradients = jax.jit(jax.value_and_grad(loss, has_aux=True))(params)
    assert y.shape == (X.shape if name == "translator" else (3,)) and y.dtype == jnp.float32
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        assert np.abs(leaf).max() > 0, jax.tree_util.keystr(path)
    moved = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), state, after)
    assert jax.tree.leaves(moved) and min(jax.tree.leaves(moved)) > 0


def test_the_paper_s_network_and_larger_images():
    network = discogan.translator(3)
    params, state = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 64, 64, 3)))
    assert params["inner"]["kernel"].shape == (4, 4, 512, 100)
    found, _ = jax.eval_shape(network.apply, params, state, jnp.zeros((1, 80, 96, 3)))
    assert found.shape == (1, 80, 96, 3)


def test_half_precision():
    for network in (discogan.translator(3, (4, 8), 5, jnp.bfloat16), discogan.discriminator((4, 8), jnp.bfloat16)):
        found = jax.eval_shape(lambda key, n=network: n.apply(*n.init(key, X), X)[0], jax.random.key(0))
        assert found.dtype == jnp.float32


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("side", [12, 18])
def test_sizes_that_do_not_fit(name, side):
    with pytest.raises(ValueError, match="sides of 16 pixels or more that are multiples of 4"):
        jax.eval_shape(NETWORKS[name].init, jax.random.key(0), jnp.zeros((1, side, side, 3)))
