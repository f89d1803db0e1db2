import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.unet import PAPER, features_for, unet

X = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (2, 8, 16, 3)), jnp.float32)


@pytest.fixture(scope="module")
def tiny():
    network = unet(1, (4, 8, 8), noisy=2)
    return network, jax.jit(network.init)(jax.random.key(0), X)[0]


def test_noise_is_drawn_where_a_key_is_given(tiny):
    network, params = tiny
    apply = jax.jit(lambda key: network.apply(params, {}, X, key=key)[0])
    plain, again, noisy, other = apply(None), apply(None), apply(jax.random.key(0)), apply(jax.random.key(1))
    assert plain.shape == (2, 8, 16, 1) and jnp.abs(plain).max() <= 1
    np.testing.assert_array_equal(plain, again)
    assert len({x.tobytes() for x in map(np.asarray, (plain, noisy, other))}) == 3


def test_styles_are_noise_of_the_last_layers():
    network = unet(1, (4, 8, 8, 8), noisy=0, styles=3)
    images = jnp.tile(X[:1], (1, 2, 1, 1))
    params, _ = jax.jit(network.init)(jax.random.key(0), images)
    apply = jax.jit(lambda key: network.apply(params, {}, images, key=key)[0])
    plain, noisy, other = apply(None), apply(jax.random.key(0)), apply(jax.random.key(1))
    assert len({x.tobytes() for x in map(np.asarray, (plain, noisy, other))}) == 3
    assert [name for name, leaf in params.items() if "style" in leaf] == ["up_norm_1", "up_norm_2"]


def test_an_image_alone_is_translated_as_in_company(tiny):
    network, params = tiny
    apply = jax.jit(lambda x: network.apply(params, {}, x)[0])
    np.testing.assert_allclose(apply(X)[1:], apply(X[1:]), atol=1e-5)


def test_every_parameter_counts(tiny):
    network, params = tiny
    gradients = jax.jit(jax.grad(lambda p: jnp.sum(network.apply(p, {}, X)[0] ** 2)))(params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        assert np.abs(leaf).max() > 0, jax.tree_util.keystr(path)


def test_the_paper_s_network():
    params, _ = jax.eval_shape(unet(3).init, jax.random.key(0), jnp.zeros((1, 256, 256, 3)))
    assert params["down_7"]["kernel"].shape == (4, 4, 512, 512)
    # CD512-CD1024-CD1024-C1024-C1024-C512-C256-C128: what each layer of the decoder sees, its own and the skipped channels.
    seen = [params[f"up_{i}"]["kernel"].shape[3] for i in range(7)] + [params["image"]["kernel"].shape[3]]
    assert seen == [512, 1024, 1024, 1024, 1024, 512, 256, 128]


@pytest.mark.parametrize("size, levels", [(256, 8), (64, 6), (48, 4), (12, 2)])
def test_levels(size, levels):
    assert len(features_for(size)) == levels and features_for(size) == PAPER[:levels]


def test_half_precision():
    network = unet(3, (4, 8), dtype=jnp.bfloat16)
    found, _ = jax.eval_shape(lambda key: network.apply(network.init(key, X)[0], {}, X), jax.random.key(0))
    assert found.dtype == jnp.float32


@pytest.mark.parametrize("shape", [(1, 12, 16, 3), (1, 16, 20, 3)])
def test_sizes_that_do_not_halve(shape):
    with pytest.raises(ValueError, match="multiples of 8 pixels"):
        jax.eval_shape(unet(3, (4, 8, 8)).init, jax.random.key(0), jnp.zeros(shape))
    with pytest.raises(ValueError, match="halves at least twice"):
        features_for(shape[1] // 2 + 1)
