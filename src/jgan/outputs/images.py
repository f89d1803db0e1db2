"""Images: grids of them, PNG and JPEG."""

import io
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from jgan.ops.images import to_uint8
from jgan.outputs.files import write_atomic
from jgan.outputs.kind import Kind, examples, floats


def image() -> Kind:
    """Returns the kind of images [N, H, W, C], floating-point in [-1, 1] (clipped) or uint8: a grid as PNG.

    Several such outputs of one system share a picture, in labelled columns. A user may ask for JPEG.

    >>> sorted(image().files(np.zeros((4, 8, 8, 3), np.uint8), None))
    ['.png']
    """
    formats = {ending: partial(_encode, encode) for ending, encode in PICTURES.items()}
    return Kind(check_images, formats, lambda values, columns: {".png": png(grid(values, columns))}, side_by_side=True)


def check_images(name: str, values: Any) -> np.ndarray:
    """Returns images [N, H, W, C] as uint8 with one channel, three or four; see `displayable`.

    Raises:
      ValueError: if there are none, the shape is another, or there is a NaN.
      TypeError: if they are neither uint8 nor floating-point.
    """
    return pixels(name, examples(name, values, "images [N, H, W, C]", (4,)))


def pixels(name: str, values: np.ndarray) -> np.ndarray:
    """Returns images [N, ..., H, W, C] as uint8 with one channel, three or four.

    Raises:
      ValueError: if there is a NaN.
      TypeError: if they are neither uint8 nor floating-point.
    """
    if values.dtype != np.uint8:
        values = floats(name, values, "uint8, or floating-point numbers in [-1, 1]")
    return displayable(to_uint8(values))


def displayable(images: np.ndarray) -> np.ndarray:
    """Returns images [..., C] with channels that can be shown: 1 (grey), 3 (RGB) or 4 (RGBA); of 2 the first, of more the first three.

    >>> [displayable(np.zeros((2, 2, c))).shape[-1] for c in (1, 2, 3, 4, 7)]
    [1, 1, 3, 4, 3]
    """
    channels = images.shape[-1]
    if channels in (1, 3, 4):
        return images
    return images[..., : 1 if channels == 2 else 3]


def grid(images: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Places images [N, H, W, C] row by row in one uint8 image [rows * H, columns * W, C]; empty places are black.

    Args:
      images: in [-1, 1], or uint8.
      columns: images per row; by default as many as make the grid about square.

    Raises:
      ValueError: if the images are not a non-empty [N, H, W, C].

    >>> grid(np.zeros((5, 4, 2, 3), np.uint8), columns=3).shape
    (8, 6, 3)
    """
    images = to_uint8(np.asarray(images))
    if images.ndim != 4 or not len(images):
        raise ValueError(f"expected images [N, H, W, C] with N > 0, found shape {images.shape}")
    n, height, width, channels = images.shape
    columns = columns or about_square(n, height, width)
    rows = math.ceil(n / columns)
    places = np.zeros((rows * columns, height, width, channels), np.uint8)
    places[:n] = images
    return places.reshape(rows, columns, height, width, channels).swapaxes(1, 2).reshape(rows * height, columns * width, channels)


def about_square(n: int, height: int, width: int) -> int:
    """Returns how many of n images per row make a grid about square."""
    return min(n, math.ceil(math.sqrt(n * height / width)))


def png(image: np.ndarray, comment: str = "") -> bytes:
    """Returns one image [H, W, C] or [H, W], uint8 or in [-1, 1], as the content of a PNG file; see `displayable` for its channels.

    A comment is kept in the file, as the text "Comment".
    """
    from PIL.PngImagePlugin import PngInfo

    content, text = io.BytesIO(), PngInfo()
    if comment:
        text.add_text("Comment", comment)
    to_pillow(image).save(content, format="png", pnginfo=text)
    return content.getvalue()


def jpeg(image: np.ndarray) -> bytes:
    """Returns one image, as `png` takes it, as the content of a JPEG file; transparent ones are put on white."""
    from PIL import Image

    content, picture = io.BytesIO(), to_pillow(image)
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    picture.save(content, format="jpeg", quality=95)
    return content.getvalue()


PICTURES = {".png": png, ".jpg": jpeg, ".jpeg": jpeg}  # by the ending of the file


def save_png(path: str | Path, image: np.ndarray) -> None:
    """Saves one image [H, W, C] or [H, W], uint8 or in [-1, 1]; see `displayable` for its channels."""
    write_atomic(Path(path), png(image))


def to_pillow(image: np.ndarray) -> Any:
    """Returns one image [H, W, C] or [H, W] as an image of Pillow."""
    from PIL import Image

    image = to_uint8(np.asarray(image))
    image = displayable(image if image.ndim == 3 else image[..., None])
    return Image.fromarray(np.ascontiguousarray(image[..., 0] if image.shape[-1] == 1 else image))


def shrunk(content: bytes, largest: int) -> tuple[bytes, tuple[int, int]]:
    """Returns a PNG file, made smaller where a side is longer than `largest` pixels, and its width and height.

    Raises:
      Exception: of many types, from Pillow, if it is damaged.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngImageFile

    smaller = io.BytesIO()
    with PngImageFile(io.BytesIO(content)) as picture:  # not Image.open, which refuses large pictures
        picture.load()
        if max(picture.size) <= largest:
            return content, picture.size
        width, height = (max(1, round(side * largest / max(picture.size))) for side in picture.size)
        picture.resize((width, height), Image.Resampling.BOX).save(smaller, format="png", optimize=True)
    return smaller.getvalue(), (width, height)


def _encode(encode, values, columns):
    return encode(grid(values, columns))
