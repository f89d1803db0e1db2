"""What a cartoon face may wear: glasses, hat, moustache."""

import numpy as np

from jgan.data.procedural.face import Face
from jgan.data.procedural.face_geometry import CENTRE, Head, ear_centres, eye_place
from jgan.data.procedural.layers import Colour, Layer, ellipse, ellipse_layer, mixed, rounded, rounded_layer, seen_on, shade, stroke_layer
from jgan.data.procedural.shapes import COLOURS

WHITE = (252, 252, 250)
FRAMES = {"black": (28, 26, 32), "brown": (106, 58, 26), "red": (184, 28, 44), "blue": (28, 60, 150)}
LENS, SHADES = (226, 242, 250), (24, 24, 34)


def glasses(face: Face, head: Head, skin: Colour) -> list[Layer]:
    """Returns the temples, the bridge and the lenses, through which the eyes are seen unless they are those of sunglasses."""
    if face.glasses == "none":
        return []
    frame = seen_on(FRAMES[face.frames], skin)
    places = [eye_place(face, side) for side in (-1, 1)]
    (left, y), (right, _) = (head.at(x, y, 0.035) for x, y in places)
    temples = [
        stroke_layer("glasses", frame, head.at(places[i][0] + side * 0.06, -0.03, 0.03), (ear[0] - side * 0.02, ear[1] - 0.04), 0.01)
        for i, (side, ear) in enumerate(zip((-1, 1), ear_centres(head), strict=True))
    ]
    bridge = stroke_layer("glasses", frame, (left + 0.07, y - 0.012), (right - 0.07, y - 0.012), 0.011)
    lenses = [layer for x, place in zip((left, right), places, strict=True) for layer in _lens(face, (x, y), head.narrowed(*place), frame)]
    return [*temples, bridge, *lenses]


def _lens(face, centre, narrowed, frame):
    cx, cy = centre
    if face.glasses == "sunglasses":
        return [
            rounded_layer("glasses", frame, (cx, cy + 0.012), 0.088 * narrowed, 0.07, 0.05, outlined=True),
            rounded_layer("glasses", SHADES, (cx, cy + 0.012), 0.076 * narrowed, 0.058, 0.042),
            stroke_layer("glasses", LENS, (cx - 0.035 * narrowed, cy + 0.03), (cx - 0.005, cy - 0.02), 0.007, opacity=0.55),
        ]
    width, height, corner = (0.076, 0.076, 0.0759) if face.glasses == "round" else (0.083, 0.062, 0.014)
    outer, thick = (width * narrowed, height), 0.02
    corner = min(corner * narrowed, outer[0] - 1e-4)

    def ring(x, y):
        edge = rounded(x - cx, y - cy, *outer, corner) if face.glasses == "square" else ellipse(x - cx, y - cy, *outer)
        return np.abs(edge + thick / 2) - thick / 2

    box = (cx - outer[0], cy - outer[1], cx + outer[0], cy + outer[1])
    if face.glasses == "round":
        glass = ellipse_layer("glasses", LENS, centre, *outer, opacity=0.3)
    else:
        glass = rounded_layer("glasses", LENS, centre, *outer, corner, opacity=0.3)
    return [glass, Layer("glasses", frame, ring, box)]


def hat(face: Face, head: Head) -> list[Layer]:
    """Returns a hat, which covers the hair above the forehead."""
    if face.hat == "none":
        return []
    colour, (x, y) = COLOURS[face.hat_colour], (CENTRE[0] + 0.03 * head.sine_yaw, head.at(0.0, -0.15)[1])
    wide = head.half_width + 0.035
    return {"cap": _cap, "beanie": _beanie, "top hat": _top_hat}[face.hat](colour, x, min(y, -0.05), wide, head)


def _dome(colour, x, y, rx, ry):
    def distance(px, py):
        return np.maximum(ellipse(px - x, py - y, rx, ry), py - y)

    return Layer("hat", colour, distance, (x - rx, y - ry, x + rx, y), outlined=True)


def _cap(colour, x, y, wide, head):
    front = head.at(0.0, -0.14, 0.12)[0]
    return [
        _dome(colour, x, y + 0.01, wide, 0.215),
        stroke_layer("hat", shade(colour, 0.8), (x, y - 0.2), (x, y - 0.2), 0.02),
        ellipse_layer("hat", shade(colour, 0.68), (front, y + 0.012), 0.2, 0.042, outlined=True),
    ]


def _beanie(colour, x, y, wide, head):
    return [
        ellipse_layer("hat", WHITE, (x, y - 0.235), 0.062, 0.06, outlined=True),
        _dome(colour, x, y, wide, 0.215),
        rounded_layer("hat", mixed(colour, WHITE, 0.35), (x, y - 0.01), wide + 0.012, 0.04, 0.03, outlined=True),
    ]


def _top_hat(colour, x, y, wide, head):
    return [
        rounded_layer("hat", shade(colour, 0.55), (x, y - 0.145), 0.17, 0.155, 0.02, outlined=True),
        rounded_layer("hat", mixed(colour, WHITE, 0.3), (x, y - 0.045), 0.171, 0.03, 0.005),
        ellipse_layer("hat", shade(colour, 0.55), (x, y), wide + 0.07, 0.04, outlined=True),
    ]


def moustache(face: Face, head: Head, hair: Colour, skin: Colour) -> list[Layer]:
    """Returns a moustache in the colour of the hair, or a darker or lighter one where that is as the skin."""
    colour = seen_on(shade(hair, 0.8), skin)
    y, made = 0.105, []
    for side in (-1, 1):
        inner, outer = head.at(side * 0.008, y, 0.02), head.at(side * 0.095, y + 0.012, 0.01)
        if face.moustache == "thin":
            made.append(stroke_layer("moustache", colour, inner, outer, 0.013))
        if face.moustache == "bushy":
            centre = head.at(side * 0.05, y + 0.01, 0.02)
            made.append(ellipse_layer("moustache", colour, centre, 0.065 * head.narrowed(side * 0.05, y), 0.038, outlined=True))
        if face.moustache == "handlebar":
            curl = head.at(side * 0.15, y - 0.045)
            made += [stroke_layer("moustache", colour, inner, outer, 0.024), stroke_layer("moustache", colour, outer, curl, 0.018)]
    return made
