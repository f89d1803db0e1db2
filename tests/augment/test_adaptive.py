"""ADA against the reference pipeline, its identity, its gradients and its controller."""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.augment import (
    BGC,
    BGCFNC,
    CORRUPTION,
    FILTER,
    Transforms,
    ada,
    ada_update,
    adaptive,
    apply_transforms,
    draw_transforms,
    transforms_from_draws,
)
from jgan.augment.chain import GATES, NORMALS, UNIFORMS, Draws, band_gains, open_gates, random_draws

PARITY = pathlib.Path(__file__).parents[2] / ".." / "shared" / "parity" / "ops.npz"
SINGLE = {name: getattr(adaptive, name) for name in BGCFNC}


def quantile_draws(quantile, n):
    """Every gate open and every random number at one quantile, as the reference has it: normals as plain erfinv, no second rotation."""

    def full(names, value):
        return {name: jnp.full((n,), value, jnp.float32) for name in names}

    normal = jax.scipy.special.erfinv(jnp.float32(2 * quantile - 1))
    return Draws(full(GATES, 0.0), full(UNIFORMS, quantile) | full(["rotate_after"], 0.5), full(NORMALS, normal))


@pytest.fixture(scope="module")
def parity():
    if not PARITY.exists():
        pytest.skip("the shared parity vectors are not there")
    with np.load(PARITY) as file:
        return dict(file)


def parity_cases():
    if not PARITY.exists():
        return [pytest.param(None, None, marks=pytest.mark.skip(reason="the shared parity vectors are not there"))]
    with np.load(PARITY) as file:
        entries = json.loads(bytes(file["meta.json"]))
    return [(entry["name"], entry) for entry in entries if entry["op"] == "ada"]


@jax.jit
def apply(images, transforms):
    return apply_transforms(images, transforms)


@pytest.mark.parametrize(("name", "entry"), parity_cases())
def test_equals_the_reference(parity, name, entry):
    images = jnp.asarray(parity["ada.x"].transpose(0, 2, 3, 1))
    n, height, width, _ = images.shape
    weights = BGC | FILTER if entry["transform"] == "all" else {entry["transform"]: 1}
    draws = quantile_draws(entry["debug_percentile"], n)
    result = apply(images, transforms_from_draws(draws, jax.random.key(0), height, width, entry["p"], **weights))
    np.testing.assert_allclose(result.transpose(0, 3, 1, 2), parity[f"{name}.y"], atol=5e-5)


@pytest.fixture(scope="module")
def images():
    return jax.random.uniform(jax.random.key(7), (2, 12, 16, 3), jnp.float32, -1, 1)


@pytest.mark.parametrize("weights", [BGC | FILTER, CORRUPTION], ids=["bgcf", "nc"])
@pytest.mark.parametrize("shape", [(2, 12, 16, 3), (2, 12, 16, 1), (2, 7, 2, 1)])
def test_identity_at_strength_zero(shape, weights):
    images = jax.random.uniform(jax.random.key(0), shape, jnp.float32, -1, 1)
    result = apply(images, draw_transforms(jax.random.key(1), *shape[:3], 0.0, **weights))
    np.testing.assert_allclose(result, images, atol=2e-6)


@pytest.mark.parametrize("name", BGCFNC)
def test_each_transformation_changes_images_at_strength_one(images, name):
    def changes(seed):
        result = SINGLE[name](jax.random.key(seed), images, 1.0)
        assert result.shape == images.shape and result.dtype == images.dtype and jnp.isfinite(result).all()
        return jnp.abs(result - images).max() > 1e-2

    assert any(changes(seed) for seed in range(10))  # half of the draws of a flip are none


def test_grey_images_equal_rgb_images_with_equal_channels(images):
    grey = images[..., :1]
    transforms = draw_transforms(jax.random.key(2), *grey.shape[:3], 1.0, **BGC, **FILTER)
    rgb = apply(jnp.repeat(grey, 3, axis=-1), transforms).mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(apply(grey, transforms), rgb, atol=1e-5)


def test_jit_gives_the_same_numbers(images):
    key = jax.random.key(4)
    result = jax.jit(lambda strength: ada(key, images, strength, **BGCFNC))(0.7)
    np.testing.assert_allclose(result, ada(key, images, 0.7, **BGCFNC), atol=2e-5)


def test_microbatches_equal_the_whole(images):
    transforms = draw_transforms(jax.random.key(5), *images.shape[:3], 0.8, **BGCFNC)
    parts = [apply(images[i : i + 1], jax.tree.map(lambda leaf, i=i: leaf[i : i + 1], transforms)) for i in range(2)]
    np.testing.assert_allclose(apply(images, transforms), jnp.concatenate(parts), atol=1e-5)


def test_gradient_is_that_of_an_affine_map(images):
    """The images enter affinely, so that differences are exact and a derivative must equal them."""
    transforms = draw_transforms(jax.random.key(6), *images.shape[:3], 0.9, **BGCFNC)
    step, cotangent = jax.random.normal(jax.random.key(8), (2, *images.shape), jnp.float32)
    gradient = jax.jit(jax.grad(lambda x: (cotangent * apply_transforms(x, transforms)).sum()))(images)
    difference = (cotangent * (apply(images + step, transforms) - apply(images, transforms))).sum()
    np.testing.assert_allclose((gradient * step).sum(), difference, rtol=1e-3, atol=1e-2)


def test_second_derivative_is_finite_and_right(images):
    """R1 of a critic sum(w x^3) behind the augmentation, differentiated in w: quadratic in w, so 2 R1 / w by Euler's theorem."""
    transforms = draw_transforms(jax.random.key(10), *images.shape[:3], 0.9)

    def penalty(w):
        return (jax.grad(lambda x: (w * apply_transforms(x, transforms) ** 3).sum())(images) ** 2).sum()

    value, slope = jax.jit(jax.value_and_grad(penalty))(jnp.float32(1.5))
    assert value > 0
    np.testing.assert_allclose(1.5 * slope, 2 * value, rtol=1e-4)


def test_low_precision_images_keep_their_type(images):
    transforms = draw_transforms(jax.random.key(1), *images.shape[:3], 1.0, hue=1, noise=1)
    low = images.astype(jnp.bfloat16)
    result = apply(low, transforms)
    assert result.dtype == jnp.bfloat16
    np.testing.assert_array_equal(result, apply(low.astype(jnp.float32), transforms).astype(jnp.bfloat16))


@pytest.mark.parametrize("strength", [0.0, 0.36, 1.0])
def test_gates_open_as_often_as_asked(strength):
    weights = BGCFNC | dict(xflip=0.5)
    on = open_gates(random_draws(jax.random.key(0), 4000), jnp.float32(strength), weights)
    either = {"rotate": on["rotate_before"] | on["rotate_after"], "imgfilter": on["band_3"], **on}
    for name, weight in weights.items():
        assert abs(either[name].mean() - weight * strength) < 0.03, name


def test_spread_of_draws_is_that_of_the_paper():
    transforms = draw_transforms(jax.random.key(1), 4000, 8, 16, 1.0, scale=1, xfrac=1, brightness=1, imgfilter=1)
    size = jnp.sqrt(jnp.linalg.det(transforms.geometry[:, :2, :2]))
    np.testing.assert_allclose(jnp.log2(size).std(), 0.2, rtol=0.05)
    np.testing.assert_allclose((transforms.geometry[:, :2, 2] / size[:, None]).std(axis=0), [2.0, 1.0], rtol=0.05)
    np.testing.assert_allclose(transforms.colour[:, 0, 3].std(), 0.2, rtol=0.05)
    assert (transforms.gains > 0).all()


def test_a_single_amplified_band_keeps_the_expected_power():
    draws = quantile_draws(0.8, 2)
    only = {name: draws.gate[name] < (1.0 if name == "band_2" else 0.0) for name in GATES}
    gains = band_gains(draws, only)
    assert (gains[:, 2] > 1).all() and (gains[:, :2] < 1).all()
    np.testing.assert_allclose((np.array([[10, 1, 1, 1]]) / 13 * np.asarray(gains) ** 2).sum(axis=1), 1, rtol=1e-6)


def test_only_what_is_named_takes_part(images):
    transforms = draw_transforms(jax.random.key(0), *images.shape[:3], 1.0, hue=1, xflip=0)
    assert [leaf is None for leaf in transforms] == [True, False, True, True, True]
    default = draw_transforms(jax.random.key(0), *images.shape[:3], 1.0)
    assert [leaf is None for leaf in default] == [False, False, True, True, True]


@pytest.mark.parametrize("weights", [dict(colour=1), dict(xflips=1)])
def test_unknown_names_are_refused(weights):
    with pytest.raises(TypeError, match="unknown transformations"):
        draw_transforms(jax.random.key(0), 2, 12, 16, 1.0, **weights)


@pytest.mark.parametrize("name", ["hue", "noise"])
def test_colour_is_refused_for_other_channel_counts(name):
    with pytest.raises(ValueError, match="1 or 3 channels, found 2"):
        SINGLE[name](jax.random.key(0), jnp.zeros((2, 12, 16, 2)), 1.0)


@pytest.mark.parametrize("images", [jnp.zeros((1, 4, 4, 3), jnp.uint8), jnp.zeros((4, 4, 3))])
def test_other_images_are_refused(images):
    with pytest.raises(ValueError, match=r"floating-point images \[N, H, W, C\]"):
        apply_transforms(images, Transforms(None, None, None, None, None))


def test_geometry_works_for_any_number_of_channels():
    images = jax.random.normal(jax.random.key(0), (2, 12, 16, 2), jnp.float32)
    transforms = draw_transforms(jax.random.key(1), 2, 12, 16, 1.0, scale=1, rotate=1)
    each = jnp.concatenate([apply(images[..., i : i + 1], transforms) for i in range(2)], axis=-1)
    np.testing.assert_allclose(apply(images, transforms), each, atol=1e-5)


@pytest.mark.parametrize(
    ("p", "sign", "expected"),
    [(0.5, 0.9, 0.5 + 256e-6), (0.5, 0.3, 0.5 - 256e-6), (0.5, 0.6, 0.5), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)],
)
def test_update_rises_falls_and_clips(p, sign, expected):
    result = jax.jit(ada_update, static_argnums=(2,))(jnp.float32(p), jnp.float32(sign), 32)
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    np.testing.assert_allclose(ada_update(jnp.float32(0.2), jnp.float32(0.5), 100, target=0.4, length=1000, interval=1), 0.3, rtol=1e-6)
