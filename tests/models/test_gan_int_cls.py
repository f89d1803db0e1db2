import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models import gan_int_cls


def test_the_published_sizes():
    """Kernels of transposed convolutions, and of the text, of the published networks."""
    z, text, images = jnp.zeros((1, 100)), jnp.zeros((1, 1024)), jnp.zeros((1, 64, 64, 3))
    g, _ = jax.eval_shape(gan_int_cls.generator(64, 3).init, jax.random.key(0), z, text)
    assert [g[f"up_{level}"]["kernel"].shape for level in range(3)] == [(4, 4, 512, 1024), (4, 4, 256, 512), (4, 4, 128, 256)]
    assert g["text"]["kernel"].shape == (1024, 128) and g["image"]["kernel"].shape == (4, 4, 3, 128)
    assert sorted(g["Bottleneck_0"]["Down_0"]["kernel"].shape) == [1, 1, 256, 1024] and "Bottleneck_1" in g and "Bottleneck_2" not in g
    d, _ = jax.eval_shape(gan_int_cls.discriminator(64).init, jax.random.key(0), images, text)
    assert [d[f"down_{level}"]["kernel"].shape[2:] for level in range(4)] == [(3, 64), (64, 128), (128, 256), (256, 512)]
    assert d["joined"]["kernel"].shape == (1, 1, 640, 512) and d["last"]["kernel"].shape == (4 * 4 * 512, 1)


@pytest.mark.parametrize("resolution", [16, 32])
def test_images_and_logits_depend_on_everything(resolution):
    g, d = gan_int_cls.generator(resolution, 3, 4, 4), gan_int_cls.discriminator(resolution, 4, 4)
    z, text = (jax.random.normal(jax.random.key(seed), (2, size)) for seed, size in ((0, 5), (1, 6)))
    params, state = g.init(jax.random.key(2), z, text)
    images, after = g.apply(params, state, z, text, train=True)
    assert images.shape == (2, resolution, resolution, 3) and float(jnp.abs(images).max()) <= 1
    assert jax.tree.structure(after) == jax.tree.structure(state)
    for other in ((z[::-1], text), (z, text[::-1])):
        assert np.abs(g.apply(params, state, *other)[0] - g.apply(params, state, z, text)[0]).max() > 0
    params, state = d.init(jax.random.key(3), images, text)
    logits = d.apply(params, state, images, text)[0]
    assert logits.shape == (2,)
    assert (d.apply(params, state, images[::-1], text)[0] != logits).all() and (
        d.apply(params, state, images, text[::-1])[0] != logits
    ).all()


@pytest.mark.parametrize("resolution", [8, 48, 66])
def test_sides_that_cannot_be_halved(resolution):
    with pytest.raises(ValueError, match=f"expected a resolution of 16, 32, 64, 128, ..., found {resolution}"):
        gan_int_cls.generator(resolution, 3)
