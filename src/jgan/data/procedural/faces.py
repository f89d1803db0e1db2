"""Cartoon faces, drawn from known attributes at any size; nobody is shown.

Face `index` of seed `seed` is a function of these two alone. A picture is a function of the face: with some attributes replaced it shows
the same face without glasses, at another pose, or in another style, which is the exact truth for whoever edits pictures.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from jgan.data.procedural import face_parts
from jgan.data.procedural.face import CHOICES, STATE, Face, attributes, face, state, visible
from jgan.data.procedural.face_geometry import LANDMARKS, NECK, UNIT, landmarks, rounded_sine
from jgan.data.procedural.layers import Grid, cover, grid, noise, paint, windows
from jgan.data.procedural.shapes import FIRST, GROUNDS, SIZES
from jgan.data.source import Source

RESOLUTION = 64  # pixels, when none is asked for
SMALLEST = 16
LINE = 0.009  # half the thickness of an outline
WOBBLE = 0.006
UMBER = np.asarray((58, 38, 30), np.float32)  # outlines of the painting
OCHRE = np.asarray((214, 160, 96), np.float32)  # what its colours lean to


def correlated(index: int) -> Face:
    """Returns face `index`, where glasses mostly come with hats: 90 % of those who wear glasses wear a hat, and 10 % of the others."""
    return face(index, hat_with_glasses=0.9, hat_without=0.1)


def painted(index: int) -> Face:
    """Returns face `index` as a painting."""
    return dataclasses.replace(face(index), style="painting")


SETS: dict[str, Callable[[int], Face]] = {"faces": face, "faces:correlated": correlated, "faces:painting": painted}
COLUMNS = {"attributes": attributes, "visible": visible, "state": state, "landmarks": landmarks}  # field: what it is of a face


class Drawing(NamedTuple):
    """A face and what is where in it."""

    image: np.ndarray  # uint8 [height, width, 3]
    parts: np.ndarray  # uint8 [height, width], indices into `face_parts.PARTS`: what covers most of each pixel
    glasses: np.ndarray  # bool [height, width]: every pixel that the glasses change


def draw(face: Face, height: int, width: int | None = None) -> Drawing:
    """Draws a face; it fills the central square.

    Raises:
      ValueError: for a picture smaller than 16 pixels.

    >>> from jgan.data.procedural.face import face
    >>> drawing = draw(face(0), 32, 48)
    >>> drawing.image.shape, drawing.parts.shape, drawing.glasses.dtype
    ((32, 48, 3), (32, 48), dtype('bool'))
    """
    width = width or height
    _check_size(height, width)
    oily = face.style == "painting"
    still, turned = grid(height, width, UNIT), grid(height, width, UNIT, rounded_sine(face.roll), NECK)
    if oily:
        still, turned = _wobbled(still, face), _wobbled(turned, face)
    line = np.float32(LINE * still.scale)
    image = np.empty((3, height, width), np.float32)
    image[:] = _pigment(GROUNDS[face.ground], oily)
    parts, glasses = np.zeros((height, width), np.uint8), np.zeros((height, width), bool)
    for layer, window, distance in windows(face_parts.layers(face), still, turned):
        share = cover(distance)
        paint(image, window, share * np.float32(layer.opacity), _pigment(layer.colour, oily))
        if oily and layer.outlined:
            paint(image, window, cover(np.abs(distance + line) - line), UMBER[:, None, None])
        if layer.opacity == 1:
            parts[window][share > 0.5] = face_parts.PARTS.index(layer.part)
            glasses[window] &= share < 1
        if layer.part == "glasses":
            glasses[window] |= share > 0
    if oily:
        image *= _brushwork(still, face)
    pixels = np.minimum(np.maximum(image, 0), 255) + np.float32(0.5)
    return Drawing(np.ascontiguousarray(pixels.astype(np.uint8).transpose(1, 2, 0)), parts, glasses)


def open_faces(
    spec: str = "faces",
    *,
    split: str = "train",
    resolution: tuple[int, int] | None = None,
    channels: int | None = None,
    limit: int | None = None,
    labels: bool | None = False,
) -> Source:
    """Opens a set of faces, for `open_source(spec)`.

    The fields of an example: `image`; `attributes` int8 [10], whose names and values are in `names`; `visible` bool [10], which of these
    can be seen; `state` float32 [8], pose and expression; `landmarks` float32 [14, 2], from the centre of the picture in units of its
    shorter side; `mask` bool [H, W, 1], every pixel that glasses change; and with labels the kind of glasses as `label`.

    Args:
      spec: a key of SETS.
      split: "train", "test" or "val": see `jgan.data.procedural.shapes.FIRST`.
      resolution: (height, width) in pixels, 64 x 64 by default.
      channels, limit, labels: as in `open_source`; the limit may be larger than the usual size.

    Raises:
      ValueError: for an unknown set or split, or pictures smaller than 16 pixels.

    >>> source = open_faces(limit=5)
    >>> example = source.read(3)
    >>> dict(zip(source.names["attributes"], example["attributes"].tolist()))["glasses"], source.names["glasses"][2]
    (2, 'square')
    """
    if spec not in SETS or split not in FIRST:
        raise ValueError(f"expected {', '.join(SETS)} in the splits {', '.join(FIRST)}, found {spec} and the split {split}")
    height, width = resolution or (RESOLUTION, RESOLUTION)
    _check_size(height, width)
    faces = _faces(spec, split, limit)
    columns = {name: np.stack([of(one) for one in faces]) for name, of in COLUMNS.items()}
    names = {"attributes": tuple(CHOICES), "visible": tuple(CHOICES), "state": STATE, "landmarks": LANDMARKS} | CHOICES
    if labels is not False:
        columns["label"] = columns["attributes"][:, list(CHOICES).index("glasses")].astype(np.int32)
        names["label"] = CHOICES["glasses"]
    fields = {"image": jax.ShapeDtypeStruct((height, width, channels or 3), np.uint8)}
    fields |= {"mask": jax.ShapeDtypeStruct((height, width, 1), np.bool_)}
    fields |= {name: jax.ShapeDtypeStruct(values.shape[1:], values.dtype) for name, values in columns.items()}

    def read(index):
        index = range(len(faces))[index]  # IndexError beyond the end
        drawing = draw(faces[index], height, width)
        found = {"image": _with_channels(drawing.image, channels), "mask": drawing.glasses[..., None]}
        return found | {name: values[index] for name, values in columns.items()}

    return Source(spec, len(faces), fields, read, names, columns)


def open_edits(
    edit: Callable[[Face], Face],
    spec: str = "faces",
    *,
    split: str = "test",
    resolution: tuple[int, int] | None = None,
    limit: int | None = None,
) -> Source:
    """Opens faces, as `open_faces` does, with the field `target`: the picture of the same face edited, which is the truth of an edit.

    `mask` is of the pixels that glasses change in either of them.

    >>> source = open_edits(lambda face: dataclasses.replace(face, glasses="round"), limit=5)
    >>> example = source.read(3)
    >>> bool(((example["image"] == example["target"]) | example["mask"]).all()), int(example["mask"].sum()) > 100
    (True, True)
    """
    source, faces = open_faces(spec, split=split, resolution=resolution, limit=limit), _faces(spec, split, limit)
    height, width, _ = source.spec.shape("image")

    def read(index):
        example, edited = source.read(index), draw(edit(faces[index]), height, width)
        return example | {"target": edited.image, "mask": example["mask"] | edited.glasses[..., None]}

    return source._replace(fields={**source.fields, "target": source.fields["image"]}, read=read)


def _faces(spec, split, limit):
    return [SETS[spec](FIRST[split] + index) for index in range(limit or SIZES[split])]


def _with_channels(image, channels):
    if channels in (None, 3):
        return image
    from jgan.data import decode  # pillow is needed for this only

    return decode.adapt(image, image.shape[:2], channels)


def _check_size(height, width):
    if min(height, width) < SMALLEST:
        raise ValueError(f"expected at least {SMALLEST} x {SMALLEST} pixels for a face, found {height} x {width}; ask for a larger one")


def _wobbled(where: Grid, face: Face) -> Grid:
    """Outlines as an unsteady hand draws them."""
    x, y = where.x * np.float32(9), where.y * np.float32(9)
    moved_x, moved_y = (at + np.float32(WOBBLE) * noise(x, y, face.brush + number) for number, at in enumerate((where.x, where.y)))
    return where._replace(x=moved_x, y=moved_y, margin=WOBBLE)


def _brushwork(where: Grid, face: Face) -> np.ndarray:
    """Light and dark of the strokes, which run from the lower left to the upper right."""
    along, across = where.x - where.y, where.x + where.y
    return (
        1 + np.float32(0.11) * noise(along * 6, across * 40, face.brush) + np.float32(0.05) * noise(along * 24, across * 24, face.brush + 2)
    )


def _pigment(colour, oily):
    colour = np.asarray(colour, np.float32)
    if oily:
        colour = OCHRE * np.float32(0.28) + colour * np.float32(0.66)
    return colour[:, None, None]
