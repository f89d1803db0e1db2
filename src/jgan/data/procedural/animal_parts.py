"""How the heads of animals are drawn: their layers, from the back to the front, in a square of side 1 about (0, 0).

Nothing is thinner than a twelfth of it, which is 2 pixels in a picture of 32.
"""

import math
from collections.abc import Callable

import numpy as np

from jgan.data.procedural.layers import Colour, Layer, Point, ellipse, ellipse_layer, mixed, shade, spike, stroke, stroke_layer

WHITE, BLACK, NOSE, MOUTH = (255, 255, 255), (26, 24, 30), (52, 34, 38), (134, 30, 44)
ROSE, ORANGE, YELLOW, CREAM = (246, 140, 156), (244, 120, 22), (255, 244, 120), (255, 240, 208)


def frog(fur: Colour, gaze: Point, mouth: float) -> list[Layer]:
    """Returns the layers of a frog.

    Args:
      fur: its main colour.
      gaze: where it looks, x right and y down, in [-1, 1].
      mouth: how far it is open, in [0, 1].
    """
    return [
        _pair(fur, (0.25, -0.24), 0.19, 0.19),
        ellipse_layer("head", fur, (0.0, 0.1), 0.48, 0.37),
        *_eyes((0.25, -0.25), 0.13, 0.075, gaze),
        _pair(mixed(fur, YELLOW, 0.6), (0.34, 0.1), 0.075, 0.06),
        _smile((0.0, 0.13), 0.25, 0.1 + 0.12 * mouth),
    ]


def panda(fur: Colour, gaze: Point, mouth: float) -> list[Layer]:
    """Returns the layers of a panda; the arguments are those of `frog`."""
    return [
        _pair(BLACK, (0.33, -0.32), 0.16, 0.16),
        ellipse_layer("head", fur, (0.0, 0.05), 0.46, 0.42),
        _pair(BLACK, (0.2, 0.0), 0.13, 0.16, lean=0.35),
        _pair(WHITE, (0.19, -0.01 + 0.04 * gaze[1]), 0.06, 0.06, about=0.04 * gaze[0]),
        ellipse_layer("nose", BLACK, (0.0, 0.18), 0.085, 0.06),
        _smile((0.0, 0.28), 0.11, 0.08 + 0.07 * mouth),
    ]


def fox(fur: Colour, gaze: Point, mouth: float) -> list[Layer]:
    """Returns the layers of a fox; the arguments are those of `frog`."""

    def cheeks(x, y):
        return np.maximum(_tapered(x, y), ellipse(np.abs(x) - 0.26, y - 0.35, 0.31, 0.27))

    return [
        _points(fur, (0.31, -0.5), 0.44, 0.19),
        _points(NOSE, (0.31, -0.36), 0.28, 0.12),
        Layer("head", fur, _tapered, SQUARE),
        Layer("cheeks", WHITE, cheeks, SQUARE),
        *_eyes((0.18, -0.01), 0.1, 0.062, gaze),
        _smile((0.0, 0.29), 0.12, 0.08 + 0.07 * mouth),
        ellipse_layer("nose", BLACK, (0.0, 0.23), 0.1, 0.075),
    ]


def pig(fur: Colour, gaze: Point, mouth: float) -> list[Layer]:
    """Returns the layers of a pig; the arguments are those of `frog`."""
    dark = mixed(fur, (224, 76, 116), 0.45)
    return [
        _pair(dark, (0.32, -0.33), 0.13, 0.17, lean=-0.5),
        ellipse_layer("head", fur, (0.0, 0.06), 0.47, 0.42),
        *_eyes((0.2, -0.11), 0.105, 0.065, gaze),
        _smile((0.0, 0.29), 0.13, 0.08 + 0.08 * mouth),
        ellipse_layer("snout", dark, (0.0, 0.15), 0.2, 0.14),
        _pair(MOUTH, (0.075, 0.15), 0.042, 0.07),
    ]


def chick(fur: Colour, gaze: Point, mouth: float) -> list[Layer]:
    """Returns the layers of a chick; the arguments are those of `frog`."""
    return [
        stroke_layer("tuft", fur, (0.0, -0.3), (0.0, -0.46), 0.05),
        _strokes(fur, (0.0, -0.3), (0.12, -0.42), 0.05),
        ellipse_layer("head", fur, (0.0, 0.06), 0.45, 0.43),
        *_eyes((0.2, -0.06), 0.11, 0.068, gaze),
        _pair(mixed(fur, ORANGE, 0.6), (0.31, 0.16), 0.08, 0.06),
        _smile((0.0, 0.15), 0.12, 0.12 + 0.1 * mouth),
        _diamond(ORANGE, (0.0, 0.12), 0.19, 0.11),
    ]


def koala(fur: Colour, gaze: Point, mouth: float) -> list[Layer]:
    """Returns the layers of a koala; the arguments are those of `frog`."""
    return [
        _pair(fur, (0.31, -0.2), 0.2, 0.2),
        _pair(mixed(fur, ROSE, 0.7), (0.32, -0.19), 0.115, 0.115),
        ellipse_layer("head", shade(fur, 1.12), (0.0, 0.06), 0.39, 0.4),
        *_eyes((0.21, -0.04), 0.1, 0.062, gaze),
        ellipse_layer("nose", BLACK, (0.0, 0.1), 0.1, 0.16),
        _smile((0.0, 0.29), 0.12, 0.08 + 0.06 * mouth),
    ]


def rabbit(fur: Colour, gaze: Point, mouth: float) -> list[Layer]:
    """Returns the layers of a rabbit; the arguments are those of `frog`."""
    return [
        _pair(fur, (0.2, -0.24), 0.14, 0.28, lean=0.12),
        _pair(ROSE, (0.2, -0.22), 0.065, 0.2, lean=0.12),
        ellipse_layer("head", fur, (0.0, 0.18), 0.41, 0.32),
        *_eyes((0.18, 0.09), 0.105, 0.065, gaze),
        _pair(mixed(fur, ROSE, 0.6), (0.28, 0.25), 0.075, 0.055),
        _smile((0.0, 0.28), 0.13, 0.09 + 0.08 * mouth),
        ellipse_layer("nose", ROSE, (0.0, 0.23), 0.08, 0.06),
    ]


def lion(fur: Colour, gaze: Point, mouth: float) -> list[Layer]:
    """Returns the layers of a lion; the arguments are those of `frog`."""
    mane = mixed(shade(fur, 0.55), (120, 40, 10), 0.5)
    return [
        Layer("mane", mane, _curly, SQUARE),
        _pair(fur, (0.25, -0.25), 0.1, 0.1),
        ellipse_layer("head", fur, (0.0, 0.03), 0.31, 0.31),
        *_eyes((0.15, -0.06), 0.095, 0.06, gaze),
        _smile((0.0, 0.21), 0.11, 0.08 + 0.07 * mouth),
        _pair(CREAM, (0.075, 0.17), 0.1, 0.075),
        ellipse_layer("nose", NOSE, (0.0, 0.1), 0.09, 0.06),
    ]


KINDS: dict[str, Callable[[Colour, Point, float], list[Layer]]] = {
    "frog": frog,
    "panda": panda,
    "fox": fox,
    "pig": pig,
    "chick": chick,
    "koala": koala,
    "rabbit": rabbit,
    "lion": lion,
}
FURS = {  # of each kind the two colours between which its fur is
    "frog": ((112, 196, 52), (52, 168, 84)),
    "panda": ((255, 252, 244), (240, 244, 252)),
    "fox": ((244, 132, 34), (222, 92, 34)),
    "pig": ((255, 182, 190), (244, 150, 170)),
    "chick": ((255, 224, 64), (255, 204, 40)),
    "koala": ((136, 140, 150), (116, 122, 140)),
    "rabbit": ((255, 250, 246), (240, 226, 212)),
    "lion": ((250, 196, 84), (236, 168, 60)),
}
SQUARE = (-0.52, -0.52, 0.52, 0.52)


def _pair(colour, centre, rx, ry, about=0.0, lean=0.0):
    """Two ellipses as in a mirror at x = about; their lower ends lean outwards."""
    cx, cy = centre
    reach = cx + rx + abs(lean) * ry
    box = (about - reach, cy - ry, about + reach, cy + ry)
    return Layer("pair", colour, lambda x, y: ellipse(np.abs(x - about) - cx - lean * (y - cy), y - cy, rx, ry), box)


def _eyes(centre, white, pupil, gaze):
    (cx, cy), far = centre, 0.9 * (white - pupil)
    return [_pair(WHITE, centre, white, white), _pair(BLACK, (cx, cy + far * gaze[1]), pupil, pupil, about=far * gaze[0])]


def _smile(top, half_width, height):
    """The lower half of an ellipse."""
    cx, cy = top
    box = (cx - half_width, cy, cx + half_width, cy + height)
    return Layer("mouth", MOUTH, lambda x, y: np.maximum(ellipse(x - cx, y - cy, half_width, height), cy - y), box)


def _points(colour, tip, height, half_width):
    """Two pointed ears."""
    cx, cy = tip
    box = (-cx - half_width, cy, cx + half_width, cy + height)
    return Layer("ears", colour, lambda x, y: np.maximum(spike(np.abs(x) - cx, y - cy, height, half_width), y - cy - height), box)


def _tapered(x, y):
    """A head that is pointed at the chin."""
    y = y - 0.08
    return ellipse(x / (1 - 0.8 * np.maximum(y, 0)), y, 0.48, 0.39)


def _strokes(colour, start, end, radius):
    """Two thick lines as in a mirror at x = 0."""
    box = (-end[0] - radius, end[1] - radius, end[0] + radius, start[1] + radius)
    return Layer("pair", colour, lambda x, y: stroke(np.abs(x), y, start, end, radius), box)


def _diamond(colour, centre, half_width, half_height):
    cx, cy = centre
    slope = half_width / half_height
    box = (cx - half_width, cy - half_height, cx + half_width, cy + half_height)
    return Layer("beak", colour, lambda x, y: (np.abs(x - cx) + slope * np.abs(y - cy) - half_width) / math.sqrt(1 + slope * slope), box)


def _curly(x, y):
    """A disc whose edge has eight curls: r = 0.46 + 0.04 cos(8 angle)."""
    radius = np.sqrt(x * x + y * y)
    double = 2 * np.square(x / np.maximum(radius, 1e-3)) - 1
    quadruple = 2 * double * double - 1
    return radius - (0.46 + 0.04 * (2 * quadruple * quadruple - 1))
