import numpy as np
import pytest
from PIL import Image
from tests.outputs.examples import numbers, opened

from jgan.outputs.images import check_images, grid, image, save_png, shrunk

LEVELS = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 7), np.uint8)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_one_image_survives_the_way_to_png_and_back(channels, dtype):
    images = LEVELS[:1, ..., :channels]
    given = images if dtype == np.uint8 else images.astype(dtype) / 127.5 - 1
    found = opened(image().files(image().check("image", given), None)[".png"])
    shown = {2: 1, 7: 3}.get(channels, channels)
    np.testing.assert_array_equal(found.reshape(4, 5, shown), images[0, ..., :shown])


def test_values_outside_are_clipped():
    given = np.asarray([-np.inf, -7, 1.5, np.inf], np.float32).reshape(1, 2, 2, 1)
    assert check_images("image", given).ravel().tolist() == [0, 0, 255, 255]


NAN = np.where(np.arange(3)[:, None, None, None] == 1, np.nan, numbers(3, 4, 4, 3))


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (numbers(0, 4, 4, 3), ValueError, r"photo: expected images \[N, H, W, C\] with at least one example.*found shape \(0, 4, 4, 3\)"),
        (numbers(4, 4, 3), ValueError, "photo: expected images"),
        (numbers(2, 0, 4, 3), ValueError, "no empty axis"),
        (NAN, ValueError, "photo: expected numbers, found NaN in 1 of 3 examples"),
        (np.zeros((1, 4, 4, 3), np.int32), TypeError, "photo: expected uint8, or floating-point numbers.*found int32"),
        (np.zeros((1, 4, 4, 3), bool), TypeError, "found bool"),
    ],
)
def test_refused(values, error, message):
    with pytest.raises(error, match=message):
        image().check("photo", values)


def test_grid_places_images_row_by_row():
    images = np.stack([np.full((2, 3, 1), i, np.uint8) for i in (1, 2, 3)])
    expected = np.block([[images[0, ..., 0], images[1, ..., 0]], [images[2, ..., 0], np.zeros((2, 3), np.uint8)]])
    np.testing.assert_array_equal(grid(images, columns=2)[..., 0], expected)


@pytest.mark.parametrize(
    ("n", "height", "width", "shape"), [(64, 8, 8, (64, 64)), (8, 16, 4, (32, 24)), (1, 5, 7, (5, 7)), (2, 4, 4, (4, 8))]
)
def test_grids_are_about_square(n, height, width, shape):
    assert grid(np.zeros((n, height, width, 3), np.float32)).shape[:2] == shape


@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (4, 4, 3)])
def test_what_is_no_batch_of_images(shape):
    with pytest.raises(ValueError, match=r"expected images \[N, H, W, C\]"):
        grid(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB"), (4, "RGBA"), (7, "RGB")])
def test_png_of_any_number_of_channels(tmp_path, channels, mode):
    save_png(tmp_path / "a.png", LEVELS[0, ..., :channels])
    with Image.open(tmp_path / "a.png") as saved:
        assert saved.mode == mode
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_pictures_of_any_size_can_be_made_smaller(monkeypatch):
    content = image().files(np.zeros((1, 8, 16, 3), np.uint8), None)[".png"]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert shrunk(content, 8)[1] == (8, 4)


@pytest.mark.parametrize(("largest", "size"), [(8, (8, 4)), (16, (16, 8)), (100, (16, 8))])
def test_only_larger_pictures_are_made_smaller(largest, size):
    content = image().files(np.full((1, 8, 16, 3), 9, np.uint8), None)[".png"]
    smaller, found = shrunk(content, largest)
    assert found == size
    np.testing.assert_array_equal(opened(smaller), np.full((*size[::-1], 3), 9, np.uint8))
