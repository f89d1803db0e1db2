from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.metrics import structure

PARITY = Path(__file__).parents[2] / ".." / "shared" / "parity" / "metrics.npz"


@pytest.fixture(scope="module")
def parity():
    if not PARITY.exists():
        pytest.skip(f"the parity vectors are not at {PARITY}")
    return np.load(PARITY)


def noise(shape=(2, 48, 48, 3), seed=0):
    return np.random.default_rng(seed).uniform(-1.0, 1.0, shape).astype(np.float32)


@pytest.mark.parametrize(("function", "name"), [(structure.psnr, "psnr_range1"), (structure.ssim, "ssim_gaussian_sigma1.5_range1")])
def test_reference_values(parity, function, name):
    values = function(parity["image.x"], parity["image.y"], data_range=1.0)
    np.testing.assert_allclose(values, parity[name], rtol=1e-5)


FUNCTIONS = {
    "psnr": structure.psnr,
    "ssim": structure.ssim,
    "ms_ssim": lambda a, b, **settings: structure.ms_ssim(a, b, levels=3, **settings),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_range_follows_the_kind_of_numbers(name):
    a, b = (np.random.default_rng(seed).integers(0, 256, (2, 48, 48, 3), np.uint8) for seed in (0, 1))
    as_floats = (a.astype(np.float32) / 127.5 - 1.0, b.astype(np.float32) / 127.5 - 1.0)
    expected = FUNCTIONS[name](a.astype(np.float32), b.astype(np.float32), data_range=255.0)
    np.testing.assert_array_equal(FUNCTIONS[name](a, b), expected)
    if name == "psnr":  # the others weigh the mean, which is another where 0 is grey
        np.testing.assert_allclose(FUNCTIONS[name](*as_floats), expected, rtol=1e-5)


def test_psnr_inside_a_mask_sees_nothing_else():
    a, b = noise(), noise(seed=1)
    mask = np.zeros((2, 48, 48, 1), bool)
    mask[:, 5:25, 10:40] = True
    inside = structure.psnr(a[:, 5:25, 10:40], b[:, 5:25, 10:40])
    np.testing.assert_allclose(structure.psnr(a, b, mask=mask), inside, rtol=1e-5)
    np.testing.assert_allclose(structure.psnr(a, b, mask=np.ones((2, 48, 48, 1))), structure.psnr(a, b), rtol=1e-6)
    assert np.isnan(structure.psnr(a, b, mask=np.zeros((2, 48, 48, 1)))).all()
    assert np.isinf(structure.psnr(np.where(mask, b, a), b, mask=mask)).all()


def test_images_that_are_unlike_score_zero_with_a_finite_gradient():
    images = noise()
    value, slope = jax.value_and_grad(lambda a: structure.ms_ssim(a, images, levels=2).sum())(-images)
    assert value == 0.0 and not slope.any()


@pytest.mark.parametrize("name", ["ssim", "ms_ssim"])
def test_equal_images_score_one_and_others_less(name):
    images = noise()
    np.testing.assert_allclose(FUNCTIONS[name](images, images), 1.0, rtol=1e-6)
    order = [float(FUNCTIONS[name](images, images + amount * noise(seed=1)).mean()) for amount in (0.1, 0.3, 1.0)]
    assert 1 > order[0] > order[1] > order[2] >= 0


@pytest.mark.parametrize("name", ["ssim", "ms_ssim"])
def test_flat_images_differ_by_luminance_alone(name):
    a, b = jnp.full((2, 48, 48, 3), 0.5), jnp.full((2, 48, 48, 3), 0.25)
    expected = (2 * 0.5 * 0.25 + 0.02**2) / (0.5**2 + 0.25**2 + 0.02**2)
    weight = 1.0 if name == "ssim" else structure.SCALES[2] / sum(structure.SCALES[:3])
    np.testing.assert_allclose(FUNCTIONS[name](a, b), expected**weight, rtol=1e-4)


def test_one_scale_is_ssim_of_each_channel():
    a, b = noise(), np.clip(noise() + 0.3 * noise(seed=1), -1.0, 1.0)
    np.testing.assert_allclose(structure.ms_ssim(a, b, levels=1), structure.ssim(a, b), rtol=1e-5)


def test_five_scales():
    a = np.kron(noise((1, 22, 22, 1)), np.ones((1, 8, 8, 1), np.float32))  # 176 x 176: coarse blocks
    fine = a + 0.5 * noise(a.shape, seed=1)
    assert float(structure.ms_ssim(a, fine)[0]) > float(structure.ssim(a, fine)[0]) + 0.1  # noise is gone at coarse scales


def test_diversity_tells_collapse():
    varied = np.random.default_rng(0).integers(0, 256, (12, 24, 24, 3), np.uint8)
    collapsed = np.repeat(varied[:1], 12, axis=0)
    key = jax.random.key(0)
    assert structure.diversity(key, collapsed, levels=2) == pytest.approx(1.0, abs=1e-6)
    value = structure.diversity(key, varied, levels=2)
    assert value < 0.5 and value == structure.diversity(key, varied, levels=2)
    assert (
        structure.diversity(key, varied[:2], levels=2, pairs=5)
        == pytest.approx(  # never an image with itself
            float(structure.ms_ssim(varied[:1], varied[1:2], levels=2)[0]), rel=1e-5
        )
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: structure.psnr(noise(), noise()[:1]), r"found float32 \(2, 48, 48, 3\) and float32 \(1, 48, 48, 3\)"),
        (
            lambda: structure.psnr(noise(), noise(), mask=np.ones((2, 24, 24, 1))),
            r"a mask \(2, 48, 48, 1\).*found \(2, 24, 24, 1\)",
        ),
        (lambda: structure.ssim(noise(), np.zeros((2, 48, 48, 3), np.uint8)), "one shape and dtype, found .*uint8"),
        (lambda: structure.ssim(np.zeros((48, 48)), np.zeros((48, 48))), r"\[N, H, W, C\]"),
        (lambda: structure.ssim(noise((1, 9, 48, 3)), noise((1, 9, 48, 3))), r"11 x 11 pixels or more, found \(9, 48\)"),
        (lambda: structure.ms_ssim(noise(), noise()), r"176 pixels or more for 5 levels .*found \(48, 48\): pass levels=3"),
        (lambda: structure.ms_ssim(noise((1, 9, 9, 3)), noise((1, 9, 9, 3)), levels=1), "use larger images"),
        (lambda: structure.ms_ssim(noise((1, 400, 400, 1)), noise((1, 400, 400, 1)), levels=6), "5 at most.*pass levels=5"),
        (lambda: structure.diversity(jax.random.key(0), noise()[:1]), "at least 2 images"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
