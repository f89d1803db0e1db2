"""Cartoon heads of animals of eight kinds, drawn from known attributes at any size.

Animal `index` of seed `seed` is a function of these two alone. Each kind has an outline and colours that no other one has, and all features
are large, so that a small network learns them soon and a glance tells them apart.
"""

from dataclasses import dataclass

import numpy as np

from jgan.data.collection import Collection
from jgan.data.procedural.animal_parts import FURS, KINDS
from jgan.data.procedural.layers import cover, grid, mixed, paint, windows
from jgan.data.procedural.shapes import GROUNDS, Draws, drawn

# As of shapes, but deeper, and neither white nor grey, so that white and grey animals are seen.
TINTS = {name: mixed(GROUNDS["white"], GROUNDS[name], 1.5) for name in ("sand", "sky", "mint", "lilac")}
SIZE = 0.8  # of a head of the usual size, as a share of the shorter side of the picture
AWAY = 0.06  # from the centre, in x and in y


@dataclass(frozen=True)
class Animal:
    """All attributes of a picture."""

    kind: str  # a key of KINDS
    ground: str  # a key of TINTS
    x: float  # of the middle of the head from the centre of the picture, in units of its shorter side
    y: float  # down
    size: float  # as a share of the usual one
    tilt: float  # sine of the angle, clockwise
    fur: float  # between the two colours of the kind, 0 ... 1
    gaze: tuple[float, float]  # -1 ... 1, to the right and down
    mouth: float  # how far it is open, 0 ... 1


def animal(index: int, seed: int = 0) -> Animal:
    """Returns the attributes of animal `index`.

    >>> animal(0).kind, animal(0).ground
    ('frog', 'sand')
    """
    draws = Draws(index, seed)
    return Animal(
        kind=draws.pick(KINDS),
        ground=draws.pick(TINTS),
        x=draws.between(-AWAY, AWAY),
        y=draws.between(-AWAY, AWAY),
        size=draws.between(0.88, 1.12),
        tilt=draws.between(-0.15, 0.15),
        fur=draws.between(0, 1),
        gaze=(draws.between(-1, 1), draws.between(-1, 1)),
        mouth=draws.between(0, 1),
    )


def render(animal: Animal, height: int, width: int | None = None) -> np.ndarray:
    """Returns the picture, uint8 [height, width, 3]; the head is in the central square.

    >>> render(animal(0), 32, 48).shape
    (32, 48, 3)
    """
    width, unit = width or height, SIZE * animal.size
    middle = animal.x / unit, animal.y / unit
    where = grid(height, width, unit, animal.tilt, middle)
    where = where._replace(x=where.x - middle[0], y=where.y - middle[1])
    image = np.empty((3, height, width), np.float32)
    image[:] = np.asarray(TINTS[animal.ground], np.float32)[:, None, None]
    parts = KINDS[animal.kind](mixed(*FURS[animal.kind], animal.fur), animal.gaze, animal.mouth)
    for layer, window, distance in windows(parts, where, where):
        paint(image, window, cover(distance), np.asarray(layer.colour, np.float32)[:, None, None])
    return np.ascontiguousarray((image + np.float32(0.5)).astype(np.uint8).transpose(1, 2, 0))


def collection(split: str, limit: int | None) -> Collection:
    """Returns `limit` pictures of the split, for `open_source("animals")`."""
    return drawn("animals", split, limit, lambda index, *size: render(animal(index), *size), lambda index: animal(index).kind, tuple(KINDS))
