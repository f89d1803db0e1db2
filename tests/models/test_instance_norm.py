import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.instance_norm import InstanceNorm, instance_normalise


def images(*shape):
    return jnp.asarray(np.random.default_rng(0).normal(3.0, 2.0, size=shape), jnp.float32)


def test_each_image_and_channel_by_itself():
    x = images(3, 4, 5, 2)
    found = instance_normalise(x)
    np.testing.assert_allclose(found.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(found.std((1, 2)), 1, rtol=1e-3)
    np.testing.assert_allclose(instance_normalise(x[1:2])[0], found[1], atol=1e-6)
    np.testing.assert_allclose(instance_normalise(x * 7 + 100), found, atol=1e-3)


def test_half_precision_is_normalised_in_float32():
    x = (100 + images(2, 8, 8, 3)).astype(jnp.bfloat16)
    found = instance_normalise(x)
    assert found.dtype == jnp.bfloat16
    np.testing.assert_allclose(found.astype(jnp.float32), instance_normalise(x.astype(jnp.float32)), atol=0.02)


def test_scale_and_shift_are_learned():
    layer, x = InstanceNorm(), images(2, 4, 4, 2)
    params = layer.init(jax.random.key(0), x)["params"]
    np.testing.assert_array_equal(layer.apply({"params": params}, x), instance_normalise(x))
    changed = {"scale": jnp.asarray([2.0, 0.0]), "bias": jnp.asarray([0.0, 5.0])}
    found = layer.apply({"params": changed}, x)
    np.testing.assert_allclose(found[..., 0], 2 * instance_normalise(x)[..., 0], rtol=1e-5)
    np.testing.assert_allclose(found[..., 1], 5)


@pytest.mark.parametrize("shape", [(2, 1, 1, 3), (2, 4, 3)])
def test_nothing_to_normalise_over(shape):
    with pytest.raises(ValueError, match="more than one pixel"):
        instance_normalise(jnp.zeros(shape))
