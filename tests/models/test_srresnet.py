"""The networks of super-resolution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jgan.models import srresnet


def parameters(network, *inputs):
    return sum(x.size for x in jax.tree.leaves(jax.eval_shape(network.init, jax.random.key(0), *inputs)[0]))


def convolutions(*channels):
    return sum(9 * before * after + after for before, after in zip(channels, channels[1:], strict=False))


def test_the_papers_sizes():
    found = parameters(srresnet.generator(), jnp.zeros((1, 24, 24, 3)))
    assert found == convolutions(3, *[64] * 35, 3)
    widths = (3, 64, 64, 128, 128, 256, 256, 512, 512)
    norms, dense = 2 * sum(widths[2:]), 6 * 6 * 512 * 1024 + 1024 + 1024 + 1
    assert parameters(srresnet.discriminator(), jnp.zeros((1, 96, 96, 3))) == convolutions(*widths) + norms + dense


def test_enlarged_as_pillow_does():
    image = np.random.default_rng(0).integers(60, 200, (7, 9, 3), np.uint8)  # nothing is clipped between the two passes
    expected = np.asarray(Image.fromarray(image).resize((36, 28), Image.Resampling.BICUBIC))
    found = srresnet.enlarged(jnp.asarray(image)[None], 4)[0]
    np.testing.assert_allclose(np.clip(found, 0, 255), expected, atol=1.01)


def test_untrained_it_is_nearly_bicubic():
    network, x = srresnet.generator(3, 8, 2), jax.random.uniform(jax.random.key(1), (1, 8, 8, 3), minval=-1)
    params, _ = network.init(jax.random.key(0), x)
    assert float(jnp.mean(jnp.abs(network.apply(params, {}, x)[0] - srresnet.enlarged(x, 4)))) < 0.1


def test_no_checkerboard_of_an_even_image():
    network, x = srresnet.generator(3, 8, 1), jnp.full((1, 16, 16, 3), 0.3)
    params, _ = network.init(jax.random.key(0), x)
    inner = network.apply(params, {}, x)[0][:, 24:-24, 24:-24]
    np.testing.assert_allclose(inner, jnp.broadcast_to(inner[:, :1, :1], inner.shape), atol=1e-5)


def test_half_precision():
    network, x = srresnet.generator(3, 4, 1, dtype=jnp.bfloat16), jnp.zeros((1, 4, 4, 3))
    assert network.apply(network.init(jax.random.key(0), x)[0], {}, x)[0].dtype == jnp.float32
    network, x = srresnet.discriminator(2, jnp.bfloat16), jnp.zeros((2, 16, 16, 3))
    assert network.apply(*network.init(jax.random.key(0), x), x)[0].dtype == jnp.float32


@pytest.mark.parametrize("scale", [0, 3, 6])
def test_other_scales_are_refused(scale):
    with pytest.raises(ValueError, match=f"expected a scale of 1, 2, 4, 8 ..., found {scale}"):
        srresnet.generator(scale=scale)
