"""Encoded images and arrays to uint8 [H, W, C], through pillow.

PNG, JPEG, WebP, GIF (first frame), BMP, TIFF (first page) and AVIF (where pillow has it); grey (1, 8, 12 or 16 bits), palette, RGB, RGBA,
grey with alpha, CMYK and YCbCr; EXIF rotation is applied. Any other format or colour mode is refused by name.
"""

import io
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from jgan import bounded
from jgan.data import depth
from jgan.data.depth import DEEP
from jgan.data.reading import AS_STORED, Reading

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
NAMES = "PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF"
CHANNELS = {"1": 1, "L": 1, "P": 3, "RGB": 3, "CMYK": 3, "YCbCr": 3, "LA": 4, "PA": 4, "RGBA": 4} | dict.fromkeys(DEEP, 1)
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
PIXEL_BYTES = {"1": 1, "L": 1}  # while an image is read, in most modes those of RGBA: 4
ROW_BYTES = 8  # of pillow's memory for each row, upright or turned
ORIENTATION = 0x0112  # the EXIF tag
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
START = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF....WEBP|GIF8[79]a|II[*+]\0|MM\0[*+]|....ftyp(avi[fs]|mif1)"
    rb"|BM....\0\0\0\0....[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0",
    re.DOTALL,
)
SUBFILE, PREVIEWS = 254, (1, 3)  # the tag of a TIFF that says what a picture of it is, and its values for smaller copies
TIMED = 16  # frames of an animation whose durations are looked at, since each has to be decoded for it
WORK = 1_000_000_000  # pixels of all scans of a progressive JPEG; those of 100 megapixels have about 10 scans


OTHERS = {  # how files begin that are images but are not read here: their name
    rb"....ftyphe[iv]": "HEIC",
    rb"....ftypavi": "AVIF",
    rb"\xff\x0a|\0\0\0\x0cJXL ": "JPEG XL",
    rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51": "JPEG 2000",
    rb"8BPS": "Photoshop",
}


def is_image(start: bytes) -> bool:
    """Tells by the first 18 bytes of a file or more whether it is in a format that is read here.

    >>> is_image(b"GIF89a..."), is_image(b"BM is how this text begins")
    (True, False)
    """
    return START.match(start) is not None


def header(data: bytes, whole: int | None = None, reading: Reading = AS_STORED) -> tuple[int, int, int]:
    """Returns (H, W, C) of an encoded image, upright, from its header; C is 1, 3 (palette too) or 4.

    Args:
      data: the file; of PNG, JPEG, GIF and BMP the start may do.
      whole: the bytes of the whole file, if `data` is only its start.
      reading: the limit of what it may unpack to.

    Raises:
      ValueError: for what is in no known format, has an unsupported colour mode, or claims more pixels than may be unpacked.
    """
    image = _open(data, whole or len(data), reading)
    width, height = image.size
    if _orientation(image) >= 5:  # these four lie on their side
        width, height = height, width
    return height, width, _channels(image)


def decode(data: bytes, size: tuple[int, int], channels: int, reading: Reading = AS_STORED) -> np.ndarray:
    """Returns the encoded image as uint8 [*size, channels]: upright, its centre cropped to the aspect of `size`, then resized (Lanczos).

    channels=4 keeps alpha (opaque where there is none); 3 and 1 put transparent images on white. Greys of 16 bits are divided by the
    largest value that `reading.bit_depth` allows, or the file (the tags of a TIFF, the chunk sBIT of a PNG whose values are not spread
    over all bits), else 65535. Raises ValueError if damaged, or larger than allowed.

    >>> data = io.BytesIO()
    >>> Image.new("RGB", (6, 4), "red").save(data, "PNG")
    >>> decode(data.getvalue(), (2, 2), 3)[0, 0].tolist()
    [255, 0, 0]
    """
    image = _open(data, len(data), reading)
    _channels(image)
    eight = depth.eight_bits(_loaded(image), data, reading.bit_depth)
    turn = UPRIGHT.get(_orientation(image))
    try:
        return _finish(eight if turn is None else eight.transpose(turn), size, channels)
    except Exception as error:  # such as a palette that is too short
        raise ValueError(f"damaged image: {error or type(error).__name__}") from error


def animation_header(data: bytes, reading: Reading = AS_STORED) -> tuple[int, int, int, int, float]:
    """Returns (frames, H, W, C, milliseconds of a frame, 0 if it does not say) of an animated GIF, WebP or PNG, or of a picture.

    The milliseconds are the median of the first 16 frames: many an animation holds its first or last frame.

    Raises:
      ValueError: as `header`; for what is damaged, or would unpack to more than is allowed in all its frames.
    """
    image: Any = _open(data, len(data), reading)
    width, height = image.size
    try:
        count = getattr(image, "n_frames", 1)
        bounded.check(f"an animation of {count} frames of {width} x {height}", count * width * height * 4, len(data), reading.max_unpacked)
        image.load()
    except (ValueError, MemoryError):
        raise
    except Exception as error:  # as in `_loaded`
        raise ValueError(f"damaged {image.format} animation: {error or type(error).__name__}") from error
    return count, height, width, _channels(image), _milliseconds(image, min(count, TIMED))


def frames(data: bytes, indices: Iterable[int], size: tuple[int, int], channels: int, reading: Reading = AS_STORED) -> np.ndarray:
    """Returns some frames of an animation as uint8 [T, *size, channels], each as `decode` makes an image; raises ValueError if damaged.

    >>> data = io.BytesIO()
    >>> Image.new("L", (2, 2), 0).save(data, "GIF", save_all=True, append_images=[Image.new("L", (2, 2), 255)])
    >>> frames(data.getvalue(), [1, 0], (1, 1), 1).ravel().tolist()
    [255, 0]
    """
    image, found = _open(data, len(data), reading), []
    for index in indices:
        try:
            image.seek(index)
            found.append(_finish(_loaded(image).copy(), size, channels))
        except (EOFError, OSError, SyntaxError) as error:
            raise ValueError(f"damaged {image.format} animation: {error or type(error).__name__}") from error
    return np.stack(found)


def may_be_deep(start: bytes) -> bool:
    """Tells by the start of a file whether its image may have more than 8 bits: a PNG that says so, or any TIFF."""
    return start[24:25] == b"\x10" if start.startswith(b"\x89PNG") else start.startswith((b"II", b"MM"))


def brightest(data: bytes, reading: Reading = AS_STORED) -> int | None:
    """Returns the largest number of a grey image of 16 bits whose file does not say how many are used; None for others, or damaged ones."""
    try:
        image = _open(data, len(data), reading)
        return None if image.mode not in DEEP else depth.brightest(_loaded(image), data)
    except ValueError:  # what cannot be read is reported when it is read
        return None


def adapt(image: np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    """Does the same for a decoded uint8 image [H, W], [H, W, 1], [H, W, 3] or [H, W, 4]; an image that fits already is not touched."""
    if image.shape == (*size, channels):
        return image
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    return _finish(Image.fromarray(np.ascontiguousarray(image)), size, channels)


def _open(data, whole, reading):
    """Without `Image.open`, whose own limit warns and refuses by other numbers than ours."""
    if not is_image(data):
        raise ValueError(f"not a readable {NAMES} image: {_other(data) or f'it begins with {data[:8]!r}'}")
    _check_size(_webp_size(data), 4, whole, reading)
    _check_size(_gif_size(data), 4, whole, reading)
    if "TIFF" not in Image.OPEN or "WEBP" not in Image.OPEN:
        Image.init()
    factories = [Image.OPEN[name] for name in FORMATS if name in Image.OPEN]
    factory = next((factory for factory, accepts in factories if accepts is not None and accepts(data[:16]) is True), None)
    if factory is None:
        raise ValueError(f"a format that this pillow does not read: {_other(data) or f'it begins with {data[:12]!r}'}")
    try:
        image = factory(io.BytesIO(data), "")
    except Exception as error:  # as in `_loaded`
        raise ValueError(f"damaged image header: {error or type(error).__name__}") from error
    _check_size(image.size, 4 if "transparency" in image.info else PIXEL_BYTES.get(image.mode, 4), whole, reading)
    if data[8:10] == b"CR" or depth.tiff_number(image, SUBFILE) in PREVIEWS:
        raise ValueError("a camera's raw file, of which only a preview can be read: expected a photo; develop it to PNG or JPEG")
    if image.format == "JPEG" and (scans := data.count(b"\xff\xda")) * image.width * image.height > WORK and scans > 10:
        raise ValueError(f"a JPEG of {scans} scans of {image.width} x {image.height} pixels, which would take minutes to read")
    return image


def _other(data):
    """What to do with an image in another format that is known; empty for what is not known."""
    known = (name for start, name in OTHERS.items() if re.match(start, data, re.DOTALL))
    name = next(known, "")
    return name and f"it is {name}; convert it to JPEG or PNG"


def _check_size(size, pixel_bytes, whole, reading):
    width, height = size
    memory = width * height * pixel_bytes + max(width, height) * ROW_BYTES
    bounded.check(f"an image of {width} x {height} pixels", memory, whole, reading.max_unpacked)


def _webp_size(data):
    """The size of the canvas of a WebP file, for which memory is taken as soon as it is opened (RFC 9649); (0, 0) for others."""
    if data[8:16] == b"WEBPVP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[8:16] == b"WEBPVP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if data[8:16] == b"WEBPVP8 ":
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    return 0, 0


def _gif_size(data):
    """How far the canvas of a GIF and its first frame reach; (0, 0) for others. Of some numbers of pixels pillow warns, or refuses them."""
    if not data.startswith(b"GIF8") or len(data) < 13:
        return 0, 0
    place = 13 + (6 << (data[10] & 7) if data[10] & 0x80 else 0)  # behind the palette
    while data[place : place + 1] == b"!":  # an extension: its kind, blocks that begin with their length, and a block of none
        place += 2
        while place < len(data) and data[place]:
            place += 1 + data[place]
        place += 1
    sides = [int.from_bytes(data[at : at + 2], "little") for at in (6, 8, *range(place + 1, place + 9, 2))]
    width, height, left, top, frame_width, frame_height = sides
    return max(width, left + frame_width), max(height, top + frame_height)


def _milliseconds(image, count):
    """The median duration of the first frames that can be read."""
    found = [float(image.info.get("duration", 0))]
    try:
        for index in range(1, count):
            image.seek(index)
            image.load()
            found.append(float(image.info.get("duration", 0)))
    except Exception:  # it is reported when the frame is read
        pass
    return float(np.median(found))


def _orientation(image):
    """1 to 8; 1, upright, for what is no orientation."""
    if "exif" not in image.info:  # asking a PNG without EXIF for it would decode the whole image
        return 1
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except Exception:  # malformed EXIF takes nothing from the pixels
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _loaded(image):
    try:
        image.load()
    except Exception as error:  # pillow's readers raise OSError, SyntaxError, EOFError, struct.error, zlib.error, ...
        raise ValueError(f"damaged {image.format} image: {error or type(error).__name__}") from error
    return image


def _channels(image):
    if image.mode not in CHANNELS:
        raise ValueError(f"colour mode {image.mode} is not supported: expected one of {', '.join(CHANNELS)}")
    return 4 if "transparency" in image.info and image.mode != "P" else CHANNELS[image.mode]


def _finish(image, size, channels):
    if image.mode in ("1", "L") and "transparency" not in image.info:  # first, as it takes less memory than what it is converted to
        image = _fit(image.convert("L"), *size)
    image = _fit(_convert(image, channels), *size)
    return np.asarray(image).reshape(*size, channels)


def _convert(image, channels):
    if "transparency" in image.info or image.mode in ("LA", "PA", "RGBA"):
        image = image.convert("RGBA")
        if channels != 4:
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == MODES[channels] else image.convert(MODES[channels])


def _fit(image, height, width):
    if image.size == (width, height):
        return image
    old_width, old_height = image.size
    crop_width = min(old_width, max(1, round(old_height * width / height)))
    crop_height = min(old_height, max(1, round(old_width * height / width)))
    left, top = (old_width - crop_width) // 2, (old_height - crop_height) // 2
    box = (left, top, left + crop_width, top + crop_height)
    return image.resize((width, height), Image.Resampling.LANCZOS, box=box)
