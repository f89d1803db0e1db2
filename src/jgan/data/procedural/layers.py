"""Pictures made of layers, each the inside of a signed distance function: smooth edges at any size.

Of arrays nothing but +, -, *, /, square roots and comparisons is computed, in float32, which every processor rounds alike: the same layers
are the same bytes everywhere. Lengths are in units of the shorter side of the picture, from its centre, x right, y down.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

Colour = tuple[float, float, float]  # R, G, B in [0, 255]
Point = tuple[float, float]
Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (x, y) -> signed distance to an edge, negative inside


class Layer(NamedTuple):
    """What is drawn over the layers before it."""

    part: str  # what it belongs to
    colour: Colour
    distance: Distance
    box: tuple[float, float, float, float]  # left, top, right, bottom: nothing of it lies outside
    opacity: float = 1.0
    turns: bool = True  # with the head
    outlined: bool = False  # in a style that has outlines


class Grid(NamedTuple):
    """Where the centres of pixels are."""

    x: np.ndarray  # [height, width] float32
    y: np.ndarray
    scale: float  # pixels per unit of length
    turn: tuple[float, float]  # cosine and sine of the angle by which what is drawn is turned clockwise
    margin: float = 0.0  # the farthest that x and y are from where they belong, in a drawing by an unsteady hand


def grid(height: int, width: int, unit: float = 1.0, sine: float = 0.0, pivot: tuple[float, float] = (0.0, 0.0)) -> Grid:
    """Returns the pixels of a picture.

    Args:
      height, width: in pixels.
      unit: the share of the shorter side that a length of 1 takes.
      sine: of the angle by which what is drawn is turned clockwise.
      pivot: about which it is turned.
    """
    scale, cosine = min(height, width) * unit, math.sqrt(1 - sine * sine)
    x = ((np.arange(width, dtype=np.float32) + np.float32(0.5 - width / 2)) / np.float32(scale) - np.float32(pivot[0]))[None, :]
    y = ((np.arange(height, dtype=np.float32) + np.float32(0.5 - height / 2)) / np.float32(scale) - np.float32(pivot[1]))[:, None]
    return Grid(cosine * x + sine * y + pivot[0], cosine * y - sine * x + pivot[1], scale, (cosine, sine))


def windows(layers: list[Layer], still: Grid, turned: Grid) -> Iterator[tuple[Layer, tuple[slice, slice], np.ndarray]]:
    """Yields each layer with the rows and columns it may touch, and the distances there, in pixels."""
    for layer in layers:
        where = turned if layer.turns else still
        window = _window(layer.box, where)
        yield layer, window, layer.distance(where.x[window], where.y[window]) * np.float32(where.scale)


def shade(colour: Colour, factor: float) -> Colour:
    """Returns a darker or lighter colour."""
    red, green, blue = colour
    return min(red * factor, 255.0), min(green * factor, 255.0), min(blue * factor, 255.0)


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """Returns a colour moved towards another one by a share of their difference."""
    red, green, blue = (a + (b - a) * share for a, b in zip(colour, other, strict=True))
    return red, green, blue


def seen_on(colour: Colour, skin: Colour) -> Colour:
    """Returns a colour that is told from the skin: darkened, or lightened on dark skin, where the two are close."""
    distance = sum(abs(a - b) for a, b in zip(colour, skin, strict=True))
    if distance > 150:
        return colour
    return mixed(colour, (20, 16, 20), 0.6) if sum(skin) > 300 else mixed(colour, (226, 200, 170), 0.4)


def ellipse_layer(part: str, colour: Colour, centre: Point, rx: float, ry: float, **settings: Any) -> Layer:
    """Returns an ellipse with the radii rx and ry; the settings are the other fields of the layer, here and below."""
    cx, cy = centre
    box = (cx - rx, cy - ry, cx + rx, cy + ry)
    return Layer(part, colour, lambda x, y: ellipse(x - cx, y - cy, rx, ry), box, **settings)


def rounded_layer(part: str, colour: Colour, centre: Point, half_width: float, half_height: float, radius: float, **settings: Any) -> Layer:
    """Returns a rectangle with round corners."""
    cx, cy = centre
    box = (cx - half_width, cy - half_height, cx + half_width, cy + half_height)
    return Layer(part, colour, lambda x, y: rounded(x - cx, y - cy, half_width, half_height, radius), box, **settings)


def stroke_layer(part: str, colour: Colour, start: Point, end: Point, radius: float, **settings: Any) -> Layer:
    """Returns a thick line with round ends."""
    xs, ys = sorted((start[0], end[0])), sorted((start[1], end[1]))
    box = (xs[0] - radius, ys[0] - radius, xs[1] + radius, ys[1] + radius)
    return Layer(part, colour, lambda x, y: stroke(x, y, start, end, radius), box, **settings)


def cover(distance: np.ndarray) -> np.ndarray:
    """Returns the share of each pixel that is inside, of a distance in pixels."""
    return np.minimum(np.maximum(np.float32(0.5) - distance, np.float32(0.0)), np.float32(1.0))


def paint(image: np.ndarray, window: tuple[slice, slice], share: np.ndarray, colour: np.ndarray) -> None:
    """Moves the colours of a window of an image [3, height, width] towards another one by a share [rows, columns] of their difference."""
    part = image[:, *window]
    part += share * (colour - part)


def _window(box, where):
    """The rows and columns around the corners of a box, which may be turned in the picture, with a pixel to spare for smooth edges."""
    left, top, right, bottom = box
    (cosine, sine), (height, width) = where.turn, where.x.shape
    x0, y0 = float(where.x[0, 0]), float(where.y[0, 0])
    corners = [(x - x0, y - y0) for x in (left, right) for y in (top, bottom)]
    spare = where.margin * where.scale + 1
    columns = [(x * cosine - y * sine) * where.scale for x, y in corners]
    rows = [(x * sine + y * cosine) * where.scale for x, y in corners]
    return _slice(rows, spare, height), _slice(columns, spare, width)


def _slice(places, spare, size):
    first, last = int(min(places) - spare), int(max(places) + spare) + 2
    return slice(min(max(first, 0), size), min(max(last, 0), size))


# Signed distances, exact to first order near their edges.
def ellipse(x, y, rx, ry):
    """Returns the distance from an ellipse about (0, 0)."""
    u, v = x / rx, y / ry
    slope = np.sqrt(np.square(u / rx) + np.square(v / ry))
    return (u * u + v * v - 1) / (2 * np.maximum(slope, 1e-3))


def rounded(x, y, half_width, half_height, radius):
    """Returns the distance from a rectangle about (0, 0) with round corners."""
    u, v = np.abs(x) - (half_width - radius), np.abs(y) - (half_height - radius)
    outside = np.sqrt(np.square(np.maximum(u, 0)) + np.square(np.maximum(v, 0)))
    return outside + np.minimum(np.maximum(u, v), 0) - radius


def stroke(x, y, start, end, radius):
    """Returns the distance from a thick line between two points, with round ends."""
    along, across = end[0] - start[0], end[1] - start[1]
    length = max(along * along + across * across, 1e-9)
    share = np.minimum(np.maximum(((x - start[0]) * along + (y - start[1]) * across) / length, 0), 1)
    return np.sqrt(np.square(x - start[0] - share * along) + np.square(y - start[1] - share * across)) - radius


def below(x, y, height, bend):
    """Returns the distance from what lies under the parabola y = height + bend x^2."""
    return (height + bend * x * x - y) / np.sqrt(1 + np.square(2 * bend * x))


def spike(x, y, height, half_width):
    """Returns the distance from a triangle with its tip at (0, 0), growing downwards without end."""
    return (np.abs(x) * height - y * half_width) / math.sqrt(height * height + half_width * half_width)


def noise(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """Returns smooth noise in [-1, 1], interpolated between random values at the points whose coordinates are whole numbers."""
    raw = np.random.Philox(key=np.array([seed, 0], np.uint64)).random_raw(32 * 32)  # which no version of numpy may change
    values = (raw / 2.0**63 - 1).astype(np.float32).reshape(32, 32)
    left, top = np.floor(x), np.floor(y)
    u, v = x - left, y - top
    column, row = left.astype(np.int32) % 32, top.astype(np.int32) % 32
    after, under = (column + 1) % 32, (row + 1) % 32
    upper = values[row, column] * (1 - u) + values[row, after] * u
    lower = values[under, column] * (1 - u) + values[under, after] * u
    return upper * (1 - v) + lower * v
