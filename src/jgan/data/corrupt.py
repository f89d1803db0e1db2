"""Pairs made of images alone: what an image has lost is the input, the image is the target."""

from collections.abc import Callable

import numpy as np

from jgan.data import combine
from jgan.data.source import Source

Corrupt = Callable[[np.ndarray], np.ndarray]  # a uint8 image [H, W, C] -> what is left of it, [h, w, c]; pure


def corrupted(source: Source, corrupt: Corrupt) -> Source:
    """Returns pairs `input`, the corrupted image, and `target`, the image, with all other fields of the source.

    >>> from jgan.data import open_source
    >>> pairs = corrupted(open_source("shapes", resolution=16, limit=3), grey)
    >>> pairs.fields["input"].shape, pairs.fields["target"].shape
    ((16, 16, 1), (16, 16, 3))
    """

    def pair(example):
        others = {name: value for name, value in example.items() if name != "image"}
        return {"input": corrupt(example["image"]), "target": example["image"], **others}

    return combine.map_examples(source, pair)


def grey(image: np.ndarray) -> np.ndarray:
    """Returns the grey image [H, W, 1] of equal lightness L of CIE Lab: of equal luminance Y, of which alone L is a function.

    >>> grey(np.full((1, 1, 3), 77, np.uint8)).item(), grey(np.asarray([[[255, 0, 0]]], np.uint8)).item()
    (77, 127)
    """
    luminance = _LINEAR[image] @ _LUMINANCE
    return np.searchsorted((_LINEAR[1:] + _LINEAR[:-1]) / 2, luminance).astype(np.uint8)[..., None]


def reduced(image: np.ndarray, factor: int) -> np.ndarray:
    """Returns [H / factor, W / factor, C]: bicubic (Keys, a = -0.5), antialiased, as MATLAB's `imresize` does it.

    Raises:
      ValueError: unless both sides are multiples of the factor; see `whole_parts`.

    >>> reduced(np.full((8, 12, 3), 50, np.uint8), 4).shape
    (2, 3, 3)
    """
    from PIL import Image

    height, width, channels = image.shape
    if height % factor or width % factor:
        raise ValueError(f"expected sides that are multiples of {factor} pixels, found {height} x {width}; crop the image")
    size = width // factor, height // factor
    small = Image.fromarray(image[..., 0] if channels == 1 else image).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(small).reshape(height // factor, width // factor, channels)


def whole_parts(image: np.ndarray, factor: int) -> np.ndarray:
    """Returns the image without the last rows and columns that are no multiple of the factor.

    >>> whole_parts(np.zeros((9, 15, 3), np.uint8), 4).shape
    (8, 12, 3)
    """
    height, width = (side // factor * factor for side in image.shape[:2])
    return image[:height, :width]


def _linear(values):
    """Light of sRGB values in [0, 1] (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


_LINEAR = _linear(np.arange(256) / 255)  # of the values of a byte
_LUMINANCE = np.array((0.2126, 0.7152, 0.0722))  # of red, green and blue (ITU-R BT.709)
