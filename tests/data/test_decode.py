import io
import resource
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps, features

from jgan.data.decode import adapt, animation_header, decode, header, is_image
from jgan.data.reading import Reading

AVIF = features.check("avif")


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


FORMATS = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", pytest.param("AVIF", marks=pytest.mark.skipif(not AVIF, reason="no AVIF"))]


@pytest.mark.parametrize("form", FORMATS)
def test_formats(form):
    data = encoded(Image.new("RGB", (16, 12), (200, 30, 30)), form)
    assert is_image(data) and header(data) == (12, 16, 3)
    assert np.abs(decode(data, (12, 16), 3).astype(int) - [200, 30, 30]).max() <= 3


def test_the_first_frame_of_an_animation():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for form in ("GIF", "WEBP", "TIFF"):
        data = encoded(frames[0], form, save_all=True, append_images=frames[1:])
        assert np.abs(decode(data, (8, 8), 3).astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_exif_rotation_is_applied(form):
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16] = 255  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise by a quarter
    data = encoded(Image.fromarray(pixels), form, **({"tiffinfo": exif} if form == "TIFF" else {"exif": exif}))
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
        (b"not an image", "not a readable PNG, JPEG"),
        (b"", "not a readable PNG, JPEG"),
        (encoded(picture("RGB"), "PPM"), "not a readable PNG, JPEG"),
        (encoded(picture("RGB", 64, 64))[:40], "damaged|not a readable"),
    ],
)
def test_other_files_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        decode(data, (4, 4), 3)


HEIC = b"\0\0\0\x24ftypheic\0\0\0\0mif1heic" + bytes(100)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (HEIC, "HEIC"),
        (HEIC.replace(b"ftypheic", b"ftyphevc"), "HEIC"),
        (b"\xff\x0a" + bytes(20), "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20), "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(20), "JPEG 2000"),
        (b"8BPS" + bytes(20), "Photoshop"),
    ],
)
def test_other_formats_are_refused_by_name(data, name):
    with pytest.raises(ValueError, match=f"it is {name}; convert it to JPEG or PNG"):
        decode(data, (4, 4), 3)


@pytest.mark.parametrize(
    ("durations", "expected"), [([1000, 50, 50, 50, 50], 50), ([50, 50, 50, 50, 2000], 50), ([70] * 5, 70), ([0] * 5, 0)]
)
@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_the_time_of_a_frame_is_the_median(form, durations, expected):
    frames = [picture("RGB").rotate(90 * number) for number in range(5)]
    assert animation_header(encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=durations))[4] == expected


def test_an_animation_that_is_damaged_behind_its_first_frame_has_a_time():
    frames = [Image.fromarray(np.random.default_rng(number).integers(0, 255, (32, 32, 3), np.uint8)) for number in range(5)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    start = data.index(b"!\xf9", len(data) // 2)
    assert animation_header(data[: start + 40] + bytes(20) + data[start + 60 :])[4] == 50


def test_truncated_pixels_are_an_error():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))
    for form in ("PNG", "JPEG"):
        data = encoded(noise, form)[:-400]
        assert header(data) == (32, 32, 3)
        with pytest.raises(ValueError, match=f"damaged {form} image"):
            decode(data, (32, 32), 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture("RGB"), "PNG", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert header(data) == expected.shape
    np.testing.assert_array_equal(decode(data, expected.shape[:2], 3), expected)


def exif_of(entry):
    return b"Exif\0\0II*\0\x08\0\0\0\1\0" + entry + bytes(4) + b"6\0\0\0"


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0no TIFF header",
        b"Exif\0\0",
        exif_of(b"\x12\1\2\0\1\0\0\0" + b"6\0\0\0"),  # text
        exif_of(b"\x12\1\7\0\1\0\0\0" + b"6\0\0\0"),  # bytes
        exif_of(b"\x12\1\3\0\2\0\0\0" + b"\6\0\6\0"),  # two numbers
        exif_of(b"\x12\1\3\0\1\0\0\0" + b"\x63\0\0\0"),  # 99
    ],
)
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_malformed_exif_takes_nothing_from_the_pixels(form, exif):
    data = encoded(Image.new("RGB", (16, 12), "blue"), form, exif=exif)
    assert header(data) == (12, 16, 3)
    assert np.abs(decode(data, (12, 16), 3).astype(int) - [0, 0, 255]).max() <= 3


def with_size(data, width, height):
    """A file that claims another size."""
    changed = bytearray(data)
    kind = data[:4]
    if kind == b"\x89PNG":
        changed[16:24] = struct.pack(">II", width, height)
        changed[29:33] = struct.pack(">I", zlib.crc32(changed[12:29]))
    elif kind[:2] == b"\xff\xd8":
        place = data.find(b"\xff\xc0")
        changed[place + 5 : place + 9] = struct.pack(">HH", height, width)
    elif kind == b"GIF8":
        changed[6:10] = struct.pack("<HH", width, height)
    elif kind[:2] == b"BM":
        changed[18:26] = struct.pack("<ii", width, height)
    elif kind == b"RIFF":
        changed[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(changed)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
@pytest.mark.parametrize("size", [(13_000, 13_000), (16_000, 60_000)])
def test_claims_are_refused_before_memory_is_taken(form, size):
    mode, size = ("RGBA", (16_000, 16_000)) if form == "WEBP" else ("RGB", size)
    data = with_size(encoded(Image.new(mode, (16, 16), (200, 30, 30, 99)[: len(mode)]), form), *size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for read in (header, lambda data: decode(data, (8, 8), 3)):
            with pytest.raises(ValueError, match=f"an image of {size[0]} x {size[1]} pixels would unpack to .*--max-unpacked"):
                read(data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


@pytest.mark.parametrize("form", ["PNG", "GIF", "TIFF", "WEBP", "AVIF", "BMP", "JPEG"])
def test_pillow_itself_neither_warns_nor_refuses(form, monkeypatch):
    if form == "AVIF" and not AVIF:
        pytest.skip("this pillow reads no AVIF")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    data = encoded(Image.new("RGB", (8, 8), "red"), form)
    assert header(data)[:2] == (8, 8)
    if form not in ("GIF", "TIFF"):  # of which pillow looks at the size once more
        assert decode(data, (4, 4), 3).shape == (4, 4, 3)


def test_the_frame_of_a_gif_counts(tmp_path):
    data = bytearray(encoded(Image.new("RGB", (8, 8), "red"), "GIF", comment=b"x" * 600))
    place = data.index(b"," + bytes(4) + b"\x08\0\x08\0")
    data[place + 1 : place + 9] = struct.pack("<4H", 5000, 0, 60_000, 60_000)
    for read in (header, lambda data: decode(data, (8, 8), 3)):
        with pytest.raises(ValueError, match="an image of 65000 x 60000 pixels would unpack to"):
            read(bytes(data))


@pytest.mark.parametrize("size", [(1, 20_000_000), (20_000_000, 1)])
def test_rows_take_memory_too(size):
    with pytest.raises(ValueError, match="pixels would unpack to 2"):
        header(with_size(encoded(Image.new("RGB", (4, 4))), *size))


@pytest.mark.parametrize(("mode", "options"), [("P", {}), ("P", {"transparency": 0}), ("L", {"transparency": 0})])
def test_what_becomes_larger_when_it_is_read_counts_so(mode, options):
    data = encoded(Image.new(mode, (100, 100)), **options)
    assert header(data, reading=Reading(max_unpacked=40_800))[:2] == (100, 100)
    with pytest.raises(ValueError, match="would unpack"):
        header(data, reading=Reading(max_unpacked=40_799))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("mode", ["1", "L"])
def test_greys_are_resized_as_their_colours_are(mode, channels):
    image = picture("RGB", 64, 64).convert(mode)
    wide = image.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])
    np.testing.assert_array_equal(decode(encoded(image), (9, 7), channels), decode(encoded(wide), (9, 7), channels))


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_images_without_pixels(size):
    with pytest.raises(ValueError, match="damaged image header"):
        header(with_size(encoded(Image.new("RGB", (4, 4))), *size))


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "GIF"])
def test_the_first_frame_counts(form):
    red, blue = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    data = encoded(red, form, save_all=True, append_images=[blue], **({"lossless": True} if form == "WEBP" else {}))
    assert decode(data, (8, 8), 3)[0, 0].tolist() == [255, 0, 0] and header(data)[:2] == (8, 8)


def test_previews_of_raw_files_are_refused():
    tiff = encoded(picture("RGB"), "TIFF", tiffinfo={254: 1})
    for data in (tiff, encoded(picture("RGB"), "TIFF")[:8] + b"CR\2\0" + encoded(picture("RGB"), "TIFF")[12:]):
        with pytest.raises(ValueError, match="raw file|damaged"):
            header(data)
    assert header(encoded(picture("RGB"), "TIFF", tiffinfo={254: 2})) == (4, 6, 3)


def test_the_limit_is_that_of_the_caller():
    data = encoded(picture("RGB", 100, 100))
    assert decode(data, (4, 4), 3, Reading(max_unpacked=40_800)).shape == (4, 4, 3)
    with pytest.raises(ValueError, match="0.0 MB or more"):
        decode(data, (4, 4), 3, Reading(max_unpacked=40_799))


def test_a_jpeg_of_many_scans():
    data = encoded(Image.new("RGB", (5000, 5000)), "JPEG", progressive=True)
    scan = data[data.rfind(b"\xff\xda") : -2]
    with pytest.raises(ValueError, match=r"a JPEG of \d+ scans of 5000 x 5000 pixels"):
        decode(data[:-2] + scan * 40 + data[-2:], (4, 4), 3)


@pytest.mark.parametrize("mode", ["F", "I"])
def test_greys_without_a_range_are_refused(mode):
    with pytest.raises(ValueError, match=f"colour mode {mode} is not supported"):
        header(encoded(Image.new(mode, (4, 4)), "TIFF"))


@pytest.mark.parametrize("start", [b"BM is how this text begins, and it goes on", b"II* ", b"RIFF....WAVE", b"....ftypheic", b"{}", b""])
def test_what_is_no_image(start):
    assert not is_image(start)
