import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.convolutions import Convolution, TransposedConvolution, reflected

LAYERS = {  # layer, the shape that comes of [2, 6, 8, 3]
    "same": (Convolution(5, 3, padding=1), (2, 6, 8, 5)),
    "half": (Convolution(5, 4, 2, 1), (2, 3, 4, 5)),
    "valid": (Convolution(5, 4, use_bias=False), (2, 3, 5, 5)),
    "a filter for every channel": (Convolution(6, 3, padding=1, groups=3), (2, 6, 8, 6)),
    "double, even kernel": (TransposedConvolution(5, 4, 2), (2, 12, 16, 5)),
    "double, odd kernel": (TransposedConvolution(5, 3, 2), (2, 12, 16, 5)),
    "whole": (TransposedConvolution(5, 4, whole=True, use_bias=False), (2, 9, 11, 5)),
}


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("name", LAYERS)
def test_shapes_and_precision(name, dtype):
    layer, shape = LAYERS[name]
    found, variables = jax.eval_shape(lambda: layer.init_with_output(jax.random.key(0), jnp.ones((2, 6, 8, 3), dtype)))
    assert found.shape == shape and found.dtype == dtype
    assert {p.dtype for p in jax.tree.leaves(variables)} == {jnp.dtype(jnp.float32)}
    assert ("bias" in variables["params"]) == layer.use_bias


def test_a_transposed_convolution_is_centred():
    """A point of an upsampled image is spread evenly about the pixels that it becomes."""
    layer, x = TransposedConvolution(1, 4, 2, use_bias=False), jnp.zeros((1, 3, 3, 1)).at[0, 1, 1, 0].set(1.0)
    found = layer.apply({"params": {"kernel": jnp.ones((4, 4, 1, 1))}}, x)[0, :, :, 0]
    np.testing.assert_array_equal(np.nonzero(np.asarray(found).sum(1))[0], [1, 2, 3, 4])


def test_initial_kernels_are_small():
    kernel = Convolution(64, 4).init(jax.random.key(0), jnp.zeros((1, 8, 8, 32)))["params"]["kernel"]
    np.testing.assert_allclose(np.std(kernel), 0.02, rtol=0.05)


def test_reflection_needs_room():
    x = jnp.arange(12.0).reshape(1, 3, 4, 1)
    np.testing.assert_array_equal(reflected(x, 2)[0, :, :, 0], np.pad(np.arange(12.0).reshape(3, 4), 2, mode="reflect"))
    with pytest.raises(ValueError, match="more than 3 x 3 pixels to reflect, found"):
        reflected(x, 3)
