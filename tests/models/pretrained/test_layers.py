import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.pretrained.layers import as_rgb, convolution_relu, max_pool, resize_tensorflow1, unit_range


@pytest.mark.parametrize(
    ("pixel", "expected"),
    [
        ([9], [9, 9, 9]),
        ([1, 2, 3], [1, 2, 3]),
        ([1, 2, 3, 255], [1, 2, 3]),
        ([1, 2, 3, 0], [255] * 3),
        ([0, 255, 100, 51], [204, 255, 224]),
    ],
)
def test_any_image_becomes_rgb(pixel, expected):
    images = jnp.broadcast_to(jnp.array(pixel, jnp.uint8)[None, None, None], (2, 3, 5, len(pixel)))
    rgb = as_rgb(images)
    assert rgb.shape == (2, 3, 5, 3) and rgb.dtype == jnp.uint8
    assert (rgb == jnp.array(expected, jnp.uint8)[None, None, None]).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: as_rgb(jnp.zeros((1, 8, 8, 3))), TypeError, "uint8 images, found float32.*to_uint8"),
        (lambda: as_rgb(jnp.zeros((8, 8, 3), jnp.uint8)), ValueError, r"\[N, H, W, C\].*\(8, 8, 3\)"),
        (lambda: as_rgb(jnp.zeros((1, 3, 8, 8), jnp.uint8)), ValueError, r"found shape \(1, 3, 8, 8\)"),
        (lambda: as_rgb(jnp.zeros((1, 0, 8, 3), jnp.uint8)), ValueError, r"found shape \(1, 0, 8, 3\)"),
        (lambda: unit_range(jnp.zeros((1, 8, 8, 1))), ValueError, r"float images \[N, H, W, 3\], found shape \(1, 8, 8, 1\)"),
        (lambda: unit_range(jnp.zeros((1, 8, 8, 3), jnp.int32)), TypeError, "found int32"),
    ],
)
def test_other_images_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(3, 3), (7, 6), (8, 9)])
def test_pools_are_maxima_of_windows(size, stride):
    x = np.random.default_rng(0).normal(size=(2, *size, 3)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::stride, ::stride]
    np.testing.assert_array_equal(max_pool(x, stride), windows.max(axis=(4, 5)))


def resized_by_loops(image, size):
    out = np.zeros((size, size, image.shape[2]))
    for i in range(size):
        for j in range(size):
            y, x = i * image.shape[0] / size, j * image.shape[1] / size
            corners = [(int(y), int(x)), (int(y), int(x) + 1), (int(y) + 1, int(x)), (int(y) + 1, int(x) + 1)]
            shares = [(1 - y % 1) * (1 - x % 1), (1 - y % 1) * (x % 1), (y % 1) * (1 - x % 1), (y % 1) * (x % 1)]
            for (row, column), share in zip(corners, shares, strict=True):
                out[i, j] += share * image[min(row, image.shape[0] - 1), min(column, image.shape[1] - 1)]
    return out


@pytest.mark.parametrize(("height", "width", "size"), [(3, 5, 8), (8, 8, 3), (7, 20, 11), (1, 1, 4), (6, 6, 6)])
def test_resizing_is_bilinear_without_half_pixel_centres(height, width, size):
    images = np.random.default_rng(0).uniform(0, 255, (2, height, width, 3)).astype(np.float32)
    found = jax.jit(resize_tensorflow1, static_argnums=1)(images, size)
    np.testing.assert_allclose(found, [resized_by_loops(image, size) for image in images], rtol=1e-5, atol=1e-3)


def test_convolution_has_a_bias_and_cuts_at_zero():
    x = jnp.array([1.0, 2.0, 3.0])[None, None, :, None]
    kernel = jnp.array([1.0, 0.0, -1.0])[None, :, None, None]  # y[j] = x[j - 1] - x[j + 1]
    assert convolution_relu(x, kernel, jnp.array([0.5])).ravel().tolist() == [0.0, 0.0, 2.5]
    assert convolution_relu(x, -kernel, jnp.array([0.5]), stride=2, padding="VALID").ravel().tolist() == [2.5]
