import jax
import jax.numpy as jnp
import numpy as np

from jgan.models.caption_encoders import caption_encoder, image_encoder


def test_what_follows_the_end_counts_for_nothing():
    network = caption_encoder(6, 4)
    tokens = jnp.asarray([[3, 2, 0, 0], [3, 2, 0, 5], [2, 3, 0, 0]])
    params, state = network.init(jax.random.key(0), tokens)
    found = network.apply(params, state, tokens)[0]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)
    assert np.abs(found[0] - found[2]).max() > 1e-3  # order counts
    longer = network.apply(params, state, jnp.pad(tokens[:1], ((0, 0), (0, 3))))[0]
    np.testing.assert_allclose(longer[0], found[0], rtol=1e-5, atol=1e-6)


def test_an_image_keeps_where_things_are():
    network, images = image_encoder(5, (4, 4)), jnp.zeros((2, 16, 16, 3)).at[0, 2, 2].set(1.0).at[1, 12, 12].set(1.0)
    params, state = network.init(jax.random.key(0), images)
    found = network.apply(params, state, images)[0]
    assert found.shape == (2, 5) and np.abs(found[0] - found[1]).max() > 1e-3
