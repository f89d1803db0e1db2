"""Reconstruction and feature losses, against direct numpy sums."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jgan import losses


def draw(seed, shape=(3, 4, 6, 2)):
    return np.random.default_rng(seed).normal(size=shape)


def mean(x):
    return x.reshape(len(x), -1).mean(axis=1)


def features(x):
    return {"shallow": x, "deep": x[:, ::2, ::2] ** 2}


def gram(x):
    flat = x.reshape(len(x), -1, x.shape[-1])
    return np.einsum("npc,npd->ncd", flat, flat) / flat[0].size


def style(x, y):
    return sum(((gram(a) - gram(b)) ** 2).sum(axis=(1, 2)) for a, b in zip(features(x).values(), features(y).values(), strict=True))


def variation(x):
    return (np.abs(np.diff(x, axis=1)).sum(axis=(1, 2, 3)) + np.abs(np.diff(x, axis=2)).sum(axis=(1, 2, 3))) / x[0].size


TABLE = {
    "pixel_l1": (losses.pixel_l1, lambda x, y: mean(np.abs(x - y))),
    "pixel_l2": (losses.pixel_l2, lambda x, y: mean((x - y) ** 2)),
    "pixel_charbonnier": (lambda x, y: losses.pixel_charbonnier(x, y, 0.1), lambda x, y: mean(np.sqrt((x - y) ** 2 + 0.01))),
    "cycle_consistency": (losses.cycle_consistency, lambda x, y: mean(np.abs(x - y))),
    "identity": (losses.identity, lambda x, y: mean(np.abs(x - y))),
    "feature_matching": (
        lambda x, y: losses.feature_matching(features(x), features(y)),
        lambda x, y: mean(np.abs(x - y)) + mean(np.abs(features(x)["deep"] - features(y)["deep"])),
    ),
    "total_variation": (lambda x, y: losses.total_variation(x), lambda x, y: variation(x)),
    "perceptual": (losses.perceptual(features), lambda x, y: mean((x - y) ** 2) + mean((features(x)["deep"] - features(y)["deep"]) ** 2)),
    "style_gram": (losses.style_gram(features), style),
}
every_loss = pytest.mark.parametrize("name", TABLE)


@every_loss
def test_values_follow_the_formula(name):
    loss, expected = TABLE[name]
    x, y = draw(0), draw(1)
    result = jax.jit(loss)(jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32))
    assert result.shape == (3,) and result.dtype == jnp.float32
    np.testing.assert_allclose(result, expected(x, y), rtol=1e-5)


@every_loss
def test_derivatives(name, double_precision):
    check_grads(jax.jit(TABLE[name][0]), (jnp.asarray(draw(0)), jnp.asarray(draw(1))), order=1, modes=["fwd", "rev"], rtol=1e-5)


@every_loss
def test_half_precision_gives_float32(name):
    assert TABLE[name][0](jnp.asarray(draw(0), jnp.bfloat16), jnp.asarray(draw(1), jnp.bfloat16)).dtype == jnp.float32


@pytest.mark.parametrize(("distance", "expected"), [(jnp.square, np.square), (jnp.abs, np.abs)])
def test_means_of_features_may_come_from_batches_of_unequal_size(distance, expected):
    real, fake = draw(0, (5, 7)), draw(1, (3, 7))
    result = losses.feature_matching_means(jnp.asarray(real, jnp.float32), jnp.asarray(fake, jnp.float32), distance)
    np.testing.assert_allclose(result, expected(real.mean(axis=0) - fake.mean(axis=0)).mean(), rtol=1e-5)


def test_patch_contrast_is_a_cross_entropy_over_the_places_of_one_image():
    query, positive = draw(0, (2, 5, 3)), draw(1, (2, 5, 3))
    result = losses.patch_nce(jnp.asarray(query, jnp.float32), jnp.asarray(positive, jnp.float32), temperature=0.5)
    q, p = (x / np.linalg.norm(x, axis=2, keepdims=True) for x in (query, positive))
    similar = np.exp(np.einsum("npd,nqd->npq", q, p) / 0.5)
    expected = -np.log(np.diagonal(similar, axis1=1, axis2=2) / similar.sum(axis=2))
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_patch_contrast_derivatives(double_precision):
    check_grads(
        jax.jit(losses.patch_nce), (jnp.asarray(draw(0, (2, 5, 3))), jnp.asarray(draw(1, (2, 5, 3)))), order=1, modes=["rev"], rtol=1e-4
    )


def test_wrong_shapes_are_refused():
    image = jnp.zeros((3, 4, 6, 2))
    with pytest.raises(ValueError, match=r"one shape, found .*\(3, 4, 6, 2\).*\(3, 4, 6\)"):
        losses.pixel_l1(image, image[..., 0])
    with pytest.raises(ValueError, match=r"images of shape \[N, H, W, C\], found \(3, 4, 6\)"):
        losses.total_variation(image[..., 0])
    with pytest.raises(ValueError, match="two equal pytrees"):
        losses.feature_matching([image], [image, image])
    with pytest.raises(ValueError, match=r"query of shape \[N, P, D\]"):
        losses.patch_nce(image, image)
    with pytest.raises(ValueError, match="one shape"):
        losses.feature_matching_means(jnp.zeros((2, 3)), jnp.zeros((2, 4)))
