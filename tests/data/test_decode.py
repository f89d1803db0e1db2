import io

import numpy as np
import pytest
from PIL import Image

from jgan.data.decode import adapt, decode, header


def encoded(image, form="PNG", **options):
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


def picture(mode, height=4, width=6):
    return Image.fromarray(np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)).convert(mode)


@pytest.mark.parametrize(
    ("mode", "form", "channels"),
    [
        ("1", "PNG", 1),
        ("L", "PNG", 1),
        ("P", "PNG", 3),
        ("RGB", "PNG", 3),
        ("LA", "PNG", 4),
        ("RGBA", "PNG", 4),
        ("L", "JPEG", 1),
        ("RGB", "JPEG", 3),
        ("CMYK", "JPEG", 3),
        ("RGB", "WEBP", 3),
        ("RGBA", "WEBP", 4),
    ],
)
@pytest.mark.parametrize("wanted", [1, 3, 4])
def test_modes_and_formats(mode, form, channels, wanted):
    data = encoded(picture(mode), form)
    # WebP stores whether alpha is used: an opaque RGBA image comes back as RGB
    assert header(data) == ((4, 6, 3) if form == "WEBP" else (4, 6, channels))
    image = decode(data, (4, 6), wanted)
    assert image.shape == (4, 6, wanted) and image.dtype == np.uint8


def test_lossless_pixels_are_kept():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(pixels)), (5, 7), 4), pixels)


def test_sixteen_bits_are_rounded_to_eight():
    values = np.array([[0, 128, 129, 257, 32768, 65535]], np.uint16)
    data = encoded(Image.fromarray(values))
    assert header(data) == (1, 6, 1)
    assert decode(data, (1, 6), 1)[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_put_on_white(mode):
    clear = Image.new("RGBA", (2, 2), (0, 0, 0, 0))
    data = encoded(clear.convert(mode), transparency=0) if mode == "P" else encoded(clear.convert(mode))
    assert decode(data, (2, 2), 3).min() == decode(data, (2, 2), 1).min() == 255
    assert decode(data, (2, 2), 4)[..., 3].max() == 0


def test_opaque_images_get_full_alpha():
    assert decode(encoded(picture("RGB")), (4, 6), 4)[..., 3].min() == 255


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_exif_rotation_is_applied(form):
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16] = 255  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise by a quarter
    data = encoded(Image.fromarray(pixels), form, exif=exif)
    assert header(data) == (32, 16, 3)
    image = decode(data, (32, 16), 3)
    assert image[:12].min() > 200 and image[20:].max() < 50


@pytest.mark.parametrize("size", [(8, 8), (8, 16), (16, 8)])
def test_the_centre_is_cropped_to_the_wanted_aspect(size):
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[16:48, 16:48] = 255
    image = adapt(pixels, size, 3)
    assert image.shape == (*size, 3)
    white = np.argwhere(image[..., 0] > 128)
    extent = white.max(0) - white.min(0) + 1
    assert extent.tolist() == [min(side, max(size) // 2) for side in size]  # a square stays a square


def test_adapt_does_not_touch_what_fits():
    image = np.zeros((4, 4, 1), np.uint8)
    assert adapt(image, (4, 4), 1) is image
    assert adapt(image[..., 0], (4, 4), 3).shape == (4, 4, 3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"not an image", "not a readable PNG, JPEG or WebP"),
        (b"", "not a readable PNG, JPEG or WebP"),
        (encoded(picture("RGB"), "BMP"), "not a readable PNG, JPEG or WebP"),
        (encoded(picture("RGB", 64, 64))[:40], "damaged|not a readable"),
    ],
)
def test_other_files_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        decode(data, (4, 4), 3)


def test_truncated_pixels_are_an_error():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))
    for form in ("PNG", "JPEG"):
        data = encoded(noise, form)[:-400]
        assert header(data) == (32, 32, 3)
        with pytest.raises(ValueError, match=f"damaged {form} image"):
            decode(data, (32, 32), 3)
