import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.patch import PAPER, check_size, features_for, patch_discriminator, receptive_field


@pytest.mark.parametrize("layers, side", [(2, 16), (3, 34), (4, 70)])
def test_a_logit_sees_its_patch_and_nothing_else(layers, side):
    """The gradient of a logit in the middle is not 0 in a square of the stated side."""
    network = patch_discriminator((2,) * layers, normalise=False)
    image = jnp.asarray(np.random.default_rng(0).normal(size=(1, 128, 128, 1)), jnp.float32)
    params, _ = jax.jit(network.init)(jax.random.key(0), image)
    params = jax.tree.map(lambda p: 10 * jnp.abs(p), params)  # so that nothing cancels
    logits = lambda x: network.apply(params, {}, x)[0]  # noqa: E731
    middle = jax.eval_shape(logits, image).shape[1] // 2
    seen = np.asarray(jax.jit(jax.grad(lambda x: logits(x)[0, middle, middle, 0]))(image))[0, :, :, 0] != 0
    rows, columns = (np.nonzero(seen.any(axis))[0] for axis in (1, 0))
    assert len(rows) == len(columns) == side == receptive_field(layers)
    assert (np.ptp(rows), np.ptp(columns)) == (side - 1, side - 1) and seen.sum() == side**2


def test_the_paper_s_network():
    network = patch_discriminator()
    params, state = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 256, 256, 6)))
    assert [params[f"convolution_{i}"]["kernel"].shape[3] for i in range(4)] == list(PAPER) == list(features_for(64, 4))
    assert state == {} and receptive_field(len(PAPER)) == 70
    assert "norm_0" not in params and "norm_3" in params


def test_half_precision_gives_logits_in_float32():
    network, x = patch_discriminator((2, 4), dtype=jnp.bfloat16), jnp.ones((3, 16, 16, 2))
    found = jax.eval_shape(lambda key: network.apply(network.init(key, x)[0], {}, x)[0], jax.random.key(0))
    assert found.dtype == jnp.float32 and found.shape == (3, 6, 6, 1)


@pytest.mark.parametrize(("layers", "least"), [(2, 6), (3, 12), (4, 24)])
def test_the_smallest_images(layers, least):
    network, x = patch_discriminator((2,) * layers), jnp.ones((1, least, least, 1))
    assert jax.eval_shape(lambda key: network.apply(network.init(key, x)[0], {}, x)[0], jax.random.key(0)).shape == (1, 1, 1, 1)
    check_size(least, layers)
    with pytest.raises(ValueError, match=f"expected images of {least} pixels or more for {layers} layers of the discriminator, found"):
        check_size(least - 1, layers)
