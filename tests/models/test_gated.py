"""Gated convolutions and the network made of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models import gated

DIMENSIONS = ("NHWC", "HWIO", "NHWC")


@pytest.mark.parametrize(("dilation", "stride", "size"), [(1, 1, 3), (1, 2, 3), (1, 2, 5), (2, 1, 3), (4, 1, 3), (16, 1, 3)])
def test_a_gated_convolution_is_an_activation_times_a_gate(dilation, stride, size):
    x = jax.random.normal(jax.random.key(0), (2, 12, 10, 3))
    layer = gated.GatedConvolution(4, size, stride, dilation)
    params = jax.tree.map(lambda p: p + 0.1, layer.init(jax.random.key(1), x))
    kernel, bias = params["params"]["kernel"], params["params"]["bias"]
    padding = [(dilation * (size // 2),) * 2] * 2
    y = jax.lax.conv_general_dilated(x, kernel, (stride, stride), padding, rhs_dilation=(dilation,) * 2, dimension_numbers=DIMENSIONS)
    a, b = jnp.split(y + bias[None, None, None], 2, axis=3)
    expected = jnp.where(a > 0, a, jnp.exp(a) - 1) / (1 + jnp.exp(-b))
    found = layer.apply(params, x)
    assert found.shape == (2, 12 // stride, 10 // stride, 4)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_parameters_of_the_paper():
    """Widths of the paper; every convolution has a kernel for its gate, too."""
    network = gated.inpainter(3)
    params, _ = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 64, 64, 4)))
    assert sum(p.size for p in jax.tree.leaves(params)) == 4_244_094
    names = sorted(name for name in params if name.startswith("coarse"))
    assert len(names) == 16 + 2  # and kernel and bias of the image


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_levels(levels):
    network = gated.inpainter(1, 2, levels, (2,))
    masked = jnp.zeros((1, 16, 32, 2))
    params, _ = jax.eval_shape(network.init, jax.random.key(0), masked)
    assert jax.eval_shape(lambda p: network.apply(p, {}, masked)[0], params).shape == (1, 16, 32, 2)
    with pytest.raises(ValueError, match=f"multiples of {2 ** (levels + 1)}"):
        jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 18, 32, 2)))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_gradients_reach_every_parameter(dtype):
    masked = jax.random.normal(jax.random.key(0), (2, 16, 16, 4)).at[..., 3].set(0)
    masked = masked.at[:, 4:9, 4:9, :3].set(0).at[:, 4:9, 4:9, 3].set(1)
    network = gated.inpainter(3, 2, 1, (2,), dtype)
    params, _ = jax.jit(network.init)(jax.random.key(1), masked)

    def loss(params):
        found = network.apply(params, {}, masked)[0]
        return jnp.sum(jnp.square(found)), found

    gradients, found = jax.jit(jax.grad(loss, has_aux=True))(params)
    assert found.dtype == jnp.float32 and (jnp.abs(found) <= 1).all()
    assert all(jnp.abs(g).max() > 0 for g in jax.tree.leaves(gradients))


def test_blocks():
    x = jnp.arange(16.0).reshape(1, 4, 4, 1)
    np.testing.assert_array_equal(gated.doubled(x)[0, :, :, 0], np.arange(16.0).reshape(4, 4).repeat(2, 0).repeat(2, 1))
    np.testing.assert_array_equal(gated.shrunk(x, 2)[0, :, :, 0], [[5, 7], [13, 15]])
