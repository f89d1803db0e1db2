import io
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from jgan.data.decode import decode, header
from jgan.data.reading import Reading

TWELVE = np.array([[0, 8, 9, 2048, 4087, 4095]], np.uint16)
AS_EIGHT = [0, 0, 1, 128, 255, 255]  # round(255 x / 4095): 8 is 0.498, 9 is 0.560, 4087 is 254.50
SPREAD = TWELVE << 4 | TWELVE >> 8


def chunk(kind, data):
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def png(values, significant=None):
    data = io.BytesIO()
    Image.fromarray(values).save(data, "PNG")
    head = data.getvalue()
    return head if significant is None else head[:33] + chunk(b"sBIT", bytes([significant])) + head[33:]


def tiff(values, **tags):
    data = io.BytesIO()
    Image.fromarray(values).save(data, "TIFF", tiffinfo={int(tag[1:]): value for tag, value in tags.items()})
    return data.getvalue()


def twelve_bit_tiff(values):
    """A TIFF of 12 bits per sample, packed, which pillow reads but does not write."""
    bits = "".join(f"{value:012b}" for value in values.ravel())
    pixels = int(bits, 2).to_bytes(len(bits) // 8, "big")
    entries = [(256, 6), (257, 1), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, len(pixels))]
    directory = b"".join(tag.to_bytes(2, "little") + b"\4\0\1\0\0\0" + value.to_bytes(4, "little") for tag, value in entries)
    start = 8 + len(pixels)
    return b"II*\0" + start.to_bytes(4, "little") + pixels + len(entries).to_bytes(2, "little") + directory + bytes(4)


@pytest.mark.parametrize(
    ("data", "bit_depth", "expected"),
    [
        (png(TWELVE), 12, AS_EIGHT),
        (tiff(TWELVE), 12, AS_EIGHT),
        (png(TWELVE), None, [0, 0, 0, 8, 16, 16]),
        (png(TWELVE, significant=12), None, AS_EIGHT),
        (png(TWELVE, significant=16), None, [0, 0, 0, 8, 16, 16]),
        (png(SPREAD, significant=12), None, AS_EIGHT),
        (png(TWELVE << 4, significant=12), None, [0, 0, 1, 128, 254, 255]),
        (png(np.full((1, 6), 40_000, np.uint16), significant=12), None, [156] * 6),
        (tiff(TWELVE, _281=4095), None, AS_EIGHT),
        (tiff(TWELVE, _281=4001), None, [0, 0, 0, 8, 16, 16]),
        (twelve_bit_tiff(TWELVE), None, AS_EIGHT),
        (tiff(TWELVE, _281=4095, _262=0), None, [255 - value for value in AS_EIGHT]),
    ],
)
def test_the_range_of_greys(data, bit_depth, expected):
    assert header(data) == (1, 6, 1)
    assert decode(data, (1, 6), 1, Reading(bit_depth=bit_depth))[0, :, 0].tolist() == expected


def test_numbers_beyond_the_bit_depth_are_refused():
    with pytest.raises(ValueError, match="a grey of 4095: expected at most 1023 for bit_depth=10"):
        decode(png(TWELVE), (1, 6), 1, Reading(bit_depth=10))


def test_eight_bits_do_not_mind_a_bit_depth():
    values = (TWELVE >> 4).astype(np.uint8)
    np.testing.assert_array_equal(decode(png(values), (1, 6), 1, Reading(bit_depth=12))[..., 0], values)


def test_colours_of_sixteen_bits_are_refused_with_fewer():
    head = (2).to_bytes(4, "big") + (1).to_bytes(4, "big") + bytes([16, 2, 0, 0, 0])
    pixels = zlib.compress(b"\0" + np.array([4095, 0, 0, 0, 0, 4095], ">u2").tobytes())
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    assert decode(data, (1, 2), 3).max() == 15
    with pytest.raises(ValueError, match="colours of 16 bits: expected grey for bit_depth=12"):
        decode(data, (1, 2), 3, Reading(bit_depth=12))


@pytest.mark.parametrize(("kind", "value"), [(2, "abc"), (7, b"xx"), (12, 3.5), (12, float("nan")), (9, -5), (3, (4095, 1, 2))])
@pytest.mark.parametrize("tag", [254, 281])
def test_tags_of_other_kinds(kind, value, tag):
    """They take nothing from the pixels."""
    tags, data = TiffImagePlugin.ImageFileDirectory_v2(), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pillow, about the tag
        tags[tag] = value
        tags.tagtype[tag] = kind
        Image.fromarray(TWELVE).save(data, "TIFF", tiffinfo=tags)
        assert decode(data.getvalue(), (1, 6), 1)[0, -1] in (16, 255) and header(data.getvalue()) == (1, 6, 1)
