import jax
import jax.numpy as jnp
import numpy as np

from jgan.ops.frames import fold, successive, unfold


def test_successive_frames_make_a_convolution_in_three_dimensions():
    x, kernel = (jax.random.normal(jax.random.key(seed), shape) for seed, shape in enumerate([(2, 6, 5, 5, 3), (3, 2, 2, 3, 4)]))
    expected = jax.lax.conv_general_dilated(x, kernel, (1, 1, 1), "VALID", dimension_numbers=("NDHWC", "DHWIO", "NDHWC"))
    flat = kernel.transpose(1, 2, 0, 3, 4).reshape(2, 2, 9, 4)
    frames = fold(successive(x, 3))
    found = jax.lax.conv_general_dilated(frames, flat, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    np.testing.assert_allclose(unfold(found, 2), expected, atol=1e-4)


def test_folding_keeps_clips_together():
    x = jnp.arange(24.0).reshape(2, 3, 4)
    assert fold(x).shape == (6, 4)
    np.testing.assert_array_equal(fold(x)[3], x[1, 0])
    np.testing.assert_array_equal(unfold(fold(x), 2), x)
