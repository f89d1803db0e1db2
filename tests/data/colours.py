"""Sets of small pictures of one colour each, made in a test: a wrong label or a swapped pair shows at once."""

import collections
import io
import zipfile

import numpy as np
from PIL import Image

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0), "black": (0, 0, 0)}


def picture(colour, right=None, kind="PNG"):
    """The content of a file of 4 x 4 pixels, or of two such pictures side by side."""
    sides = [np.full((4, 4, 3), COLOURS[name], np.uint8) for name in (colour, right) if name]
    content = io.BytesIO()
    Image.fromarray(np.concatenate(sides, axis=1)).save(content, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return content.getvalue()


def some(folder, colour, count, right=None):
    """{path: content} of `count` pictures in a folder."""
    return {f"{folder}/{number}.png": picture(colour, right) for number in range(count)}


def as_folder(path, files):
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def as_zip(path, files):
    with zipfile.ZipFile(path / "set.zip", "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo("x")
            info.filename = name  # as it is: the constructor would replace what Windows writes
            archive.writestr(info, content)
    return path / "set.zip"


def colour_of(image):
    return min(COLOURS, key=lambda name: np.abs(image.mean((0, 1)) - COLOURS[name]).sum())


def seen(source):
    """{(name of the class, if there are classes, and the colour of each image): number of examples}"""
    return dict(collections.Counter(_seen(source, source.read(index)) for index in range(source.size)))


def _seen(source, example):
    names = [source.names["label"][example["label"]]] if "label" in example else []
    colours = [colour_of(image) for field, image in example.items() if field != "label"]
    return ", ".join([*names, *colours])
