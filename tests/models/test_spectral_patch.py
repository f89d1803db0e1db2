"""A spectrally normalised discriminator of patches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models import spectral_patch


@pytest.mark.parametrize(("features", "size", "expected"), [(spectral_patch.PAPER, 256, (4, 4, 256)), ((2, 4, 8), 20, (3, 3, 8))])
def test_every_feature_of_every_place_is_a_logit(features, size, expected):
    network = spectral_patch.spectral_patch_discriminator(features)
    x = jnp.zeros((2, size, size, 4))
    params, state = jax.eval_shape(network.init, jax.random.key(0), x)
    assert jax.eval_shape(lambda p, s: network.apply(p, s, x)[0], params, state).shape == (2, *expected)


def test_the_scale_of_weights_does_not_matter_and_half_precision():
    x = jax.random.normal(jax.random.key(0), (2, 16, 16, 4))
    network = spectral_patch.spectral_patch_discriminator((4, 8))
    params, state = network.init(jax.random.key(1), x)
    logits, after = network.apply(params, state, x, train=True)
    scaled, _ = network.apply(jax.tree.map(lambda p: 7.0 * p, params), state, x, train=True)
    np.testing.assert_allclose(scaled, logits, rtol=1e-4, atol=1e-6)  # biases are zero at first
    assert any((a != b).any() for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(after), strict=True))
    half = spectral_patch.spectral_patch_discriminator((4, 8), jnp.bfloat16).apply(params, state, x)[0]
    assert half.dtype == jnp.float32
    np.testing.assert_allclose(half, network.apply(params, state, x)[0], atol=0.05)
