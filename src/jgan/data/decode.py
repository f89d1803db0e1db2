"""Encoded images and arrays to uint8 [H, W, C], through pillow.

PNG, JPEG and WebP; grey (1, 8 or 16 bits), palette, RGB, RGBA, grey with alpha, CMYK and YCbCr; EXIF rotation is applied. Any other
format or colour mode is refused by name.
"""

import io

import numpy as np
from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP")
CHANNELS = {"1": 1, "L": 1, "I": 1, "I;16": 1, "I;16B": 1, "P": 3, "RGB": 3, "CMYK": 3, "YCbCr": 3, "LA": 4, "PA": 4, "RGBA": 4}
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
ORIENTATION = 0x0112  # the EXIF tag


def header(data: bytes) -> tuple[int, int, int]:
    """(H, W, C) of an encoded image, upright, from its header; C is 1, 3 (palette too) or 4. `data` may be only the start of the file.

    Raises ValueError for what is no PNG, JPEG or WebP image, or has an unsupported colour mode.
    """
    image = _open(data)
    width, height = image.size
    if _orientation(image) >= 5:  # these four lie on their side
        width, height = height, width
    return height, width, _channels(image)


def decode(data: bytes, size: tuple[int, int], channels: int) -> np.ndarray:
    """The encoded image as uint8 [*size, channels]: upright, its centre cropped to the aspect of `size`, then resized (Lanczos).

    channels=4 keeps alpha (opaque where there is none); 3 and 1 put transparent images on white. Raises ValueError if damaged.

    >>> data = io.BytesIO()
    >>> Image.new("RGB", (6, 4), "red").save(data, "PNG")
    >>> decode(data.getvalue(), (2, 2), 3)[0, 0].tolist()
    [255, 0, 0]
    """
    image = _open(data)
    _channels(image)
    try:
        image.load()
    except Exception as error:  # pillow's readers raise OSError, SyntaxError, EOFError, struct.error, zlib.error, ...
        raise ValueError(f"damaged {image.format} image: {error}") from error
    if _orientation(image) > 1:
        image = ImageOps.exif_transpose(image)
    return _finish(image, size, channels)


def adapt(image: np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    """The same for a decoded uint8 image [H, W], [H, W, 1], [H, W, 3] or [H, W, 4]; an image that fits already is not touched."""
    if image.shape == (*size, channels):
        return image
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    return _finish(Image.fromarray(np.ascontiguousarray(image)), size, channels)


def _open(data):
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from error
    except Image.UnidentifiedImageError as error:
        raise ValueError("not a readable PNG, JPEG or WebP image") from error
    except (OSError, SyntaxError, EOFError) as error:
        raise ValueError(f"damaged image header: {error}") from error


def _orientation(image):
    # asking a PNG without EXIF for it would decode the whole image
    return image.getexif().get(ORIENTATION, 1) if "exif" in image.info else 1


def _channels(image):
    if image.mode not in CHANNELS:
        raise ValueError(f"colour mode {image.mode} is not supported: expected one of {', '.join(CHANNELS)}")
    return 4 if "transparency" in image.info and image.mode != "P" else CHANNELS[image.mode]


def _finish(image, size, channels):
    image = _fit(_convert(image, channels), *size)
    return np.asarray(image).reshape(*size, channels)


def _convert(image, channels):
    if image.mode.startswith("I"):  # what pillow makes of 16-bit grey
        grey = (np.asarray(image).astype(np.uint32) + 128) // 257  # 65535 to 255, rounded
        image = Image.fromarray(grey.astype(np.uint8))
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
