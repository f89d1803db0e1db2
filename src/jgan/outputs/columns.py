"""Several outputs of one system in one picture: labelled columns side by side, one example per row."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from jgan.outputs.images import about_square, grid, to_pillow

FONT = 11  # pixels: labels are at least this high where the longer side of the picture is shown with SHOWN pixels
SHOWN = 1024
MARGIN = 6  # pixels beside a label
GAP = 2  # pixels between images
WIDE_GAP = 10  # pixels between groups of columns
WHITE = 255


def together(images: Mapping[str, np.ndarray], columns: int | None = None) -> np.ndarray:
    """Draws one output as a plain grid, several as labelled columns; see `labelled_columns`."""
    if len(images) == 1:
        return grid(next(iter(images.values())), columns)
    return labelled_columns(images, columns)


def labelled_columns(images: Mapping[str, np.ndarray], columns: int | None = None) -> np.ndarray:
    """Draws images of the same examples side by side, under their names; returns one uint8 image [H, W, C].

    Small images are enlarged by an integer, by repetition of pixels, as far as they stay no larger than the largest; all are enlarged where
    their labels are wider. Grey images become RGB beside RGB, and opaque beside RGBA.

    Args:
      images: by name, uint8 [N, H, W, 1, 3 or 4]; sizes and channels may differ.
      columns: examples per row; by default as many as make the picture about square.

    Raises:
      ValueError: if the outputs differ in the number of examples.

    >>> small, large = np.zeros((4, 16, 16, 1), np.uint8), np.zeros((4, 64, 64, 3), np.uint8)
    >>> labelled_columns({"input": small, "output": large}, columns=1).shape
    (280, 130, 3)
    """
    counts = {name: len(values) for name, values in images.items()}
    if len(set(counts.values())) != 1:
        raise ValueError(f"expected the same number of examples of all outputs, found {counts}")
    cells = _cells(list(images.values()), least_width=max(_width(name, FONT) + MARGIN for name in images))
    groups = np.concatenate([np.pad(c, ((0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=WHITE) for c in cells], axis=2)
    groups = np.pad(groups, ((0, 0), (0, 0), (0, WIDE_GAP - GAP), (0, 0)), constant_values=WHITE)
    per_row = columns or about_square(*groups.shape[:3])
    empty = np.full((-len(groups) % per_row, *groups.shape[1:]), WHITE, np.uint8)
    body = grid(np.concatenate([groups, empty]), per_row)[:-GAP, :-WIDE_GAP]
    width, step = cells[0].shape[2], groups.shape[2]
    places = [(name, group * step + i * (width + GAP)) for group in range(per_row) for i, name in enumerate(images)]
    header = _header(places, width, body.shape[1], _font_size(images, width, max(body.shape)))
    return np.concatenate([_with_channels(header, body.shape[-1]), body])


def _cells(images, least_width):
    """The images in cells of one size and number of channels."""
    height, width = (max(values.shape[axis] for values in images) for axis in (1, 2))
    factor = math.ceil(least_width / width)
    channels = max(values.shape[-1] for values in images)
    return [_cell(_with_channels(values, channels), height * factor, width * factor) for values in images]


def _cell(images, height, width):
    """The images enlarged by an integer, in the middle of white cells."""
    factor = min(height // images.shape[1], width // images.shape[2])
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    above, left = (height - images.shape[1]) // 2, (width - images.shape[2]) // 2
    below, right = height - images.shape[1] - above, width - images.shape[2] - left
    return np.pad(images, ((0, 0), (above, below), (left, right), (0, 0)), constant_values=WHITE)


def _with_channels(images, channels):
    """Images with at least this number of channels: grey as RGB, RGB as opaque RGBA."""
    if images.shape[-1] == 1 and channels > 1:
        images = images.repeat(3, axis=-1)
    if images.shape[-1] == 3 and channels == 4:
        images = np.concatenate([images, np.full_like(images[..., :1], 255)], axis=-1)
    return images


def _font_size(names, width, longest):
    """Readable where the picture is shown smaller, and narrow enough for the columns."""
    readable = FONT * longest // SHOWN
    fitting = min(FONT * (width - MARGIN) // math.ceil(_width(name, FONT)) for name in names)
    return max(FONT, min(readable, fitting))


def _header(places, column, width, size):
    """A white strip [height, width, 1] with text in the middle of columns that begin at the places."""
    from PIL import ImageDraw

    strip = to_pillow(np.full((size + size // 2 + 2, width, 1), WHITE, np.uint8))
    draw = ImageDraw.Draw(strip)
    for name, left in places:
        draw.text((left + max(0.0, (column - _width(name, size)) / 2), size // 4), name, fill=0, font=_font(size))
    return np.asarray(strip)[..., None]


def _width(text, size):
    return _font(size).getlength(text)


def _font(size) -> Any:
    from PIL import ImageFont, features

    return ImageFont.load_default(size) if features.check("freetype2") else ImageFont.load_default()
