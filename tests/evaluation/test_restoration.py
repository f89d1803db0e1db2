"""Numbers of restored images, on images for which they are known."""

import numpy as np
import pytest

from jgan.data.corrupt import grey, reduced
from jgan.evaluation.restoration import colour_numbers, detail_numbers, palette_numbers, tiles, top_octave, video_luma

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 32, 24, 3), np.uint8)
SMALL = np.stack([reduced(image, 2) for image in IMAGES])
COLOURS = np.asarray([(222, 40, 44), (36, 82, 212), (34, 160, 62)], np.uint8)


def test_luma_of_matlab():
    expected = 16 + IMAGES.astype(float) @ np.array([65.481, 128.553, 24.966]) / 255
    np.testing.assert_allclose(video_luma(IMAGES)[..., 0], expected, atol=1e-3)


def test_perfect_images():
    found = detail_numbers(IMAGES, SMALL, IMAGES, 2)
    assert (found["psnr_y"] == 60).all() and (found["consistency"] == 60).all()
    np.testing.assert_allclose(found["ssim_y"], [1, 1], atol=1e-6)
    np.testing.assert_allclose(found["top_octave"], [1, 1])


def test_psnr_is_that_of_luma_without_the_border():
    darker = IMAGES // 2 + 64
    changed = darker + np.uint8(10)
    changed[:, :2] = 0  # the border does not count
    error = 10 * 219 / 255
    np.testing.assert_allclose(detail_numbers(changed, SMALL, darker, 2)["psnr_y"], [20 * np.log10(255 / error)] * 2, rtol=1e-4)


@pytest.mark.parametrize(("frequency", "share"), [(0.125, 0.0), (0.375, 1.0)])
def test_the_top_octave(frequency, share):
    wave = np.cos(2 * np.pi * frequency * np.arange(64))[None, None, :, None].repeat(64, axis=1)
    both = wave + np.cos(2 * np.pi * 0.4 * np.arange(64))[None, :, None, None]
    assert float(top_octave(wave)[0] / top_octave(both)[0]) == pytest.approx(share / (share + 1), abs=0.01)


def test_images_too_small_to_measure():
    with pytest.raises(ValueError, match="expected images of 19 x 19 pixels or more to measure, found"):
        detail_numbers(IMAGES[:, :18], SMALL[:, :9], IMAGES[:, :18], 4)


def test_grey_has_no_colour_and_the_lightness_of_the_input():
    inputs = np.stack([grey(image) for image in IMAGES])
    found = colour_numbers(inputs.repeat(3, axis=3), inputs, IMAGES)
    np.testing.assert_allclose(found["colourfulness"], [0, 0], atol=1e-6)
    np.testing.assert_allclose(found["lightness_error"], [0, 0], atol=1e-6)
    assert (colour_numbers(IMAGES, inputs, IMAGES)["lightness_error"] < 0.3).all()


def test_grey_targets_are_refused():
    inputs = np.zeros((1, 8, 8, 1), np.uint8)
    with pytest.raises(ValueError, match="expected images in colour"):
        colour_numbers(inputs.repeat(3, axis=3), inputs, inputs.repeat(3, axis=3))


def test_colourfulness_is_relative_to_all_targets():
    found = colour_numbers(np.concatenate([IMAGES, IMAGES]), np.zeros((4, 32, 24, 1), np.uint8), np.concatenate([IMAGES, IMAGES]))
    assert found["colourfulness"].mean() == pytest.approx(1.0)


def test_shapes_of_a_palette():
    images = np.concatenate([COLOURS[[0, 0, 1]], COLOURS.mean(axis=0, keepdims=True).astype(np.uint8)])[:, None, None].repeat(4, axis=1)
    images = np.concatenate([images, 255 - images], axis=2)
    masks = np.zeros((4, 4, 2), bool)
    masks[:, :, 0] = True
    found = palette_numbers(images, masks, COLOURS)
    assert found == {"of_palette": 0.75, "colours_used": 2.0, "chi_square": pytest.approx((1 + 0 + 1) / 1)}


def test_tiles_are_parts_of_the_images():
    found = tiles([IMAGES[0], IMAGES[1, :20]], 10)
    assert found.shape == (6 + 4, 10, 10, 3)
    np.testing.assert_array_equal(found[3], IMAGES[0, 10:20, 10:20])
    np.testing.assert_array_equal(found[-1], IMAGES[1, 10:20, 10:20])
