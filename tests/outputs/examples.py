"""Outputs of every kind, small, and what tests read them with."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from jgan.outputs import audio, image, tokens, video

RATE = 8_000
NAMES = ("<end>", "a", "red & <b>", "cat")
KINDS = {"image": image(), "video": video(10.0), "audio": audio(RATE), "tokens": tokens(NAMES, end="<end>")}


def numbers(*shape):
    return np.random.default_rng(0).uniform(-1.2, 1.2, shape).astype(np.float32)


def of_kind(name, n=3):
    if name == "tokens":
        return np.asarray([[1, 0, 1], [2, 1, 2], [3, 3, 3]])[:n]
    return numbers(n, *{"image": (6, 5, 3), "video": (4, 6, 5, 3), "audio": (500,)}[name])


def opened(content):
    """The pixels [H, W] or [H, W, C] of an image file, or of its content."""
    with Image.open(io.BytesIO(content) if isinstance(content, bytes) else Path(content)) as picture:
        return np.asarray(picture)
