"""Scores of completed images, and fills without learning."""

import numpy as np
import pytest

from jgan.evaluation.inpainting import completion_numbers, diffusion_fill, ring_mean


def random_images(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def solved(image, hole):
    """The harmonic fill by a dense system, [H, W]."""
    height, width = image.shape
    places = [(i, j) for i in range(height) for j in range(width) if hole[i, j]]
    number = {place: k for k, place in enumerate(places)}
    matrix, right = np.zeros((len(places),) * 2), np.zeros(len(places))
    for (i, j), k in number.items():
        for other in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            if 0 <= other[0] < height and 0 <= other[1] < width:
                matrix[k, k] += 1
                if other in number:
                    matrix[k, number[other]] -= 1
                else:
                    right[k] += image[other]
    result = image.astype(float)
    result[tuple(np.transpose(places))] = np.linalg.solve(matrix, right)
    return result


def test_the_harmonic_fill():
    images, holes = random_images(3, 14, 11, 2), np.zeros((3, 14, 11, 1), bool)
    holes[0, 3:9, 2:8], holes[1, :, 4:9], holes[2, 0, 0] = True, True, True
    found = diffusion_fill(images, holes, batch=2)
    for n in range(3):
        for c in range(2):
            expected = solved(images[n, :, :, c], holes[n, :, :, 0])
            np.testing.assert_allclose(found[n, :, :, c], expected, atol=0.51)  # the rounding to uint8
    assert (found == images)[~np.broadcast_to(holes, images.shape)].all()


def test_a_gradient_is_harmonic():
    ramp = np.broadcast_to(np.arange(0, 128, 2, dtype=np.uint8)[None, None, :, None], (1, 64, 64, 1))
    hole = np.zeros((1, 64, 64, 1), bool)
    hole[:, 5:60, 10:50] = True
    np.testing.assert_array_equal(diffusion_fill(np.where(hole, 0, ramp).astype(np.uint8), hole), ramp)


@pytest.mark.parametrize("fill", [ring_mean, diffusion_fill])
def test_fills_look_at_what_is_known(fill):
    image, hole = np.full((2, 8, 8, 3), 40, np.uint8), np.zeros((2, 8, 8, 1), bool)
    hole[0, 2:5, 3:6] = True
    holed = np.where(hole, 200, image).astype(np.uint8)
    np.testing.assert_array_equal(fill(holed, hole), image)
    assert fill(holed, np.ones_like(hole)).dtype == np.uint8  # nothing is known: anything, without a warning


def test_numbers():
    truth, hole = np.full((4, 8, 8, 3), 100, np.uint8), np.zeros((4, 8, 8, 1), bool)
    hole[:, 2:4, 2:4] = True
    images = np.where(hole, 151, truth).astype(np.uint8)

    def extract(x):
        means = x.reshape(len(x), -1).mean(axis=1, keepdims=True)
        return {"features": np.concatenate([means, means**2], axis=1), "logits": means}

    found = completion_numbers(images, truth, hole, extract)
    assert found["psnr"] == pytest.approx(20 * np.log10(255 / 51), abs=1e-3)
    assert found["l1"] == pytest.approx(51 / 127.5, abs=1e-5) and found["outside"] == 0
    assert found["frechet_distance"] > 0
    same = completion_numbers(truth, truth, hole, extract)
    assert same["psnr"] == 60 and same["l1"] == 0 and same["frechet_distance"] == pytest.approx(0, abs=1e-6)
    assert completion_numbers(np.where(hole, truth, 101).astype(np.uint8), truth, hole, extract)["outside"] == 1
