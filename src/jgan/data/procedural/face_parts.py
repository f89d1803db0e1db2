"""How a cartoon face is drawn: its layers, from the back to the front."""

import functools

import numpy as np

from jgan.data.procedural.face import HIDDEN_BY_HATS, Face
from jgan.data.procedural.face_accessories import WHITE, glasses, hat, moustache
from jgan.data.procedural.face_geometry import CENTRE, Head, Mouth, ear_centres, eye_place
from jgan.data.procedural.layers import (
    Layer,
    below,
    ellipse,
    ellipse_layer,
    mixed,
    rounded_layer,
    seen_on,
    shade,
    spike,
    stroke_layer,
)
from jgan.data.procedural.shapes import COLOURS

PARTS = ("ground", "shirt", "skin", "hair", "ear", "eye", "brow", "nose", "mouth", "moustache", "glasses", "hat")
SKINS = {
    "porcelain": (255, 228, 206),
    "peach": (250, 204, 170),
    "sand": (232, 186, 136),
    "olive": (204, 160, 104),
    "honey": (206, 136, 86),
    "bronze": (166, 104, 62),
    "brown": (128, 78, 50),
    "ebony": (88, 56, 44),
}
HAIR = {
    "black": (34, 30, 38),
    "brown": (104, 62, 30),
    "ginger": (206, 88, 30),
    "blond": (240, 200, 88),
    "silver": (196, 200, 208),
    "blue": (52, 92, 200),
}
EYES = {"brown": (110, 62, 24), "blue": (44, 116, 228), "green": (40, 150, 60), "grey": (142, 148, 156)}
PUPIL, DARK, LIPS, TONGUE = (22, 20, 26), (70, 18, 28), (186, 72, 78), (222, 108, 112)
BLUSH = (232, 70, 80)


def layers(face: Face) -> list[Layer]:
    """Returns all layers of a face, from the back to the front."""
    head, skin = Head(face), SKINS[face.skin]
    hair = HAIR[face.hair_colour]
    return [
        *_behind(face, head, hair),
        *_body(face, skin),
        *_ears(face, head, skin),
        *_skull(head, skin),
        *_freckles(face, head, skin),
        *(layer for side in (-1, 1) for layer in _eye(face, head, side, skin)),
        *_nose(head, skin),
        *_mouth(face, head, skin),
        *moustache(face, head, hair, skin),
        *_brows(face, head, hair, skin),
        *_fringe(face, head, hair),
        *glasses(face, head, skin),
        *hat(face, head),
    ]


def _egg(head: Head, x, y, grown=0.0):
    """The outline of the head: an ellipse, narrower at the chin; grown on all sides."""
    x, y = x - CENTRE[0], y - CENTRE[1]
    narrower = 1 - 0.16 * np.square(np.maximum(y, 0) / head.half_height)
    return ellipse(x / narrower, y, head.half_width + grown, head.half_height + grown)


def _head_box(head: Head, grown=0.0):
    width, height = head.half_width + grown, head.half_height + grown
    return (CENTRE[0] - width, CENTRE[1] - height, CENTRE[0] + width, CENTRE[1] + height)


def _behind(face, head, hair):
    """Hair behind the head."""
    back = shade(hair, 0.78)
    x = CENTRE[0] - 0.05 * head.sine_yaw
    if face.hair_style == "long":
        return [rounded_layer("hair", back, (x, 0.17), head.half_width + 0.065, 0.4, 0.2, outlined=True)]
    if face.hair_style == "bob":
        return [rounded_layer("hair", back, (x, 0.06), head.half_width + 0.06, 0.27, 0.17, outlined=True)]
    if face.hair_style == "bun" and face.hat == "none":
        return [ellipse_layer("hair", hair, (x, CENTRE[1] - head.half_height - 0.07), 0.1, 0.085, outlined=True)]
    return []


def _body(face, skin):
    shirt = COLOURS[face.shirt]
    return [
        rounded_layer("skin", shade(skin, 0.84), (0.0, 0.38), 0.085, 0.12, 0.02, turns=False, outlined=True),
        ellipse_layer("shirt", shirt, (0.0, 0.63), 0.38, 0.24, turns=False, outlined=True),
        ellipse_layer("skin", shade(skin, 0.84), (0.0, 0.395), 0.1, 0.045, turns=False),
    ]


def _ears(face, head, skin):
    """They move against the face as it turns, so that one of them vanishes behind the head."""
    size = 0.05 + 0.012 * face.ear_size
    found = []
    for centre in ear_centres(head):
        found.append(ellipse_layer("ear", skin, centre, 0.75 * size, size, outlined=True))
        found.append(ellipse_layer("ear", shade(skin, 0.8), centre, 0.4 * size, 0.55 * size))
    return found


def _skull(head, skin):
    def shadow(x, y):
        return np.maximum(_egg(head, x, y), -_egg(head, x + 0.035, y + 0.03))

    cheeks = [(side * 0.125, 0.085) for side in (-1, 1)]
    blush = [ellipse_layer("skin", BLUSH, head.at(*cheek), 0.045 * head.narrowed(*cheek), 0.032, opacity=0.18) for cheek in cheeks]
    return [
        Layer("skin", skin, functools.partial(_egg, head), _head_box(head), outlined=True),
        Layer("skin", shade(skin, 0.7), shadow, _head_box(head), opacity=0.35),
        *blush,
    ]


def _freckles(face, head, skin):
    if face.freckles == "no":
        return []
    spots = [(side * x, y) for side in (-1, 1) for x, y in ((0.075, 0.075), (0.12, 0.058), (0.165, 0.078), (0.115, 0.108))]
    colour = mixed(skin, (120, 40, 10), 0.85) if sum(skin) > 350 else mixed(skin, (10, 4, 2), 0.9)
    return [ellipse_layer("skin", colour, head.at(x, y), 0.0125, 0.0125) for x, y in spots]


def _eye(face, head, side, skin):
    x, y = eye_place(face, side)
    narrowed, (cx, cy) = head.narrowed(x, y), head.at(x, y)
    rx, ry = 0.057 * narrowed, max(0.058 * face.openness, 0.005)
    iris = cx + 0.018 * face.gaze_x * narrowed, cy + 0.012 * face.gaze_y * face.openness

    def inside(radius, right=0.0, down=0.0):
        def distance(x, y):
            spot = ellipse(x - iris[0] - right, y - iris[1] - down, radius * narrowed, radius)
            return np.maximum(spot, ellipse(x - cx, y - cy, rx, ry))

        return distance

    box = (cx - rx, cy - ry, cx + rx, cy + ry)
    return [
        ellipse_layer("eye", shade(skin, 0.45), (cx, cy - 0.008), rx + 0.008, ry + 0.008),
        ellipse_layer("eye", WHITE, (cx, cy), rx, ry),
        Layer("eye", EYES[face.eye_colour], inside(0.036), box),
        Layer("eye", PUPIL, inside(0.016), box),
        Layer("eye", WHITE, inside(0.01, -0.012, -0.014), box),
    ]


def _brows(face, head, hair, skin):
    colour = seen_on(shade(hair, 0.75), skin)
    ends = [(head.at(side * 0.05, -0.098), head.at(side * 0.145, -0.095)) for side in (-1, 1)]
    return [stroke_layer("brow", colour, start, end, 0.012 + 0.004 * face.brow_thickness) for start, end in ends]


def _nose(head, skin):
    tip = head.at(0.0, 0.06, 0.05)
    return [
        stroke_layer("nose", shade(skin, 0.86), head.at(0.0, 0.0, 0.01), tip, 0.018),
        ellipse_layer("nose", shade(skin, 0.76), (tip[0], tip[1] + 0.006), 0.036, 0.026),
        ellipse_layer("nose", shade(skin, 1.12), (tip[0] - 0.006, tip[1] - 0.004), 0.018, 0.013),
    ]


def _mouth(face, head, skin):
    mouth = Mouth(face, head)
    cx, width, top, deep = mouth.centre, mouth.half_width, mouth.middle, mouth.open

    def lips(x, y):
        return np.maximum(np.abs(below(x - cx, y, top, mouth.bend)) - 0.013, np.abs(x - cx) - width)

    def hole(x, y):
        under = below(x - cx, y, top + deep, mouth.bend - deep / width**2)
        return np.maximum(below(x - cx, y, top, mouth.bend), -under)

    def teeth(x, y):
        return np.maximum(hole(x, y), -below(x - cx, y, top + 0.022, mouth.bend))

    def tongue(x, y):
        return np.maximum(hole(x, y), ellipse(x - cx, y - top - deep, 0.05, 0.03))

    low, high = min(top, mouth.corner) - 0.02, max(top, mouth.corner) + deep + 0.02
    box = (cx - width - 0.02, low, cx + width + 0.02, high)
    closed = Layer("mouth", seen_on(LIPS if deep > 0.03 else shade(LIPS, 0.72), skin), lips, box)
    if deep < 0.03:
        return [closed]
    return [Layer("mouth", DARK, hole, box), Layer("mouth", TONGUE, tongue, box), Layer("mouth", WHITE, teeth, box), closed]


def _fringe(face, head, hair):
    """Hair in front of the head."""
    shown = "short" if face.hat != "none" and face.hair_style in HIDDEN_BY_HATS else face.hair_style
    part, line = head.at(0.0, -0.165)
    lower, bend = HAIRLINES[shown]

    def cap(x, y):
        return np.maximum(_egg(head, x, y, 0.03), -below(x - part, y, line + lower, bend))

    left, top, right, bottom = _head_box(head, 0.03)
    made = [Layer("hair", hair, cap, (left, top, right, bottom), outlined=True)]
    if shown == "spiky":
        made.insert(0, _spikes(head, hair))
    if shown == "curly":
        made += _curls(head, hair, face.hat == "none")
    return made


def _spikes(head, hair):
    apart = head.half_width / 2.6

    def distance(x, y):
        x = x - CENTRE[0]
        folded = x / apart - np.floor(x / apart + 0.5)
        tips = CENTRE[1] - head.half_height - 0.125 + 1.3 * x * x
        inside = np.maximum(np.abs(x) - 0.95 * head.half_width, y - CENTRE[1] + 0.14)
        return np.maximum(spike(folded * apart, y - tips, 0.13, apart * 0.52), inside)

    left, top, right, _ = _head_box(head, 0.04)
    return Layer("hair", hair, distance, (left, top - 0.1, right, CENTRE[1] - 0.13), outlined=True)


HAIRLINES = {  # how much lower than usual in the middle, and how it bends
    "short": (0.0, 1.6),
    "spiky": (0.0, 1.6),
    "curly": (0.0, 1.2),
    "bun": (-0.02, 2.2),
    "bob": (0.05, 0.5),
    "long": (-0.04, 3.4),
}
CURLS = ((1.06, -0.15), (1.0, -0.45), (0.8, -0.78), (0.48, -1.0), (0.0, -1.1))  # to the right of the head, in halves of it


def _curls(head, hair, on_top):
    places = [(side * x, y) for x, y in CURLS if on_top or y > -0.5 for side in ((-1, 1) if x else (1,))]
    centres = [(CENTRE[0] + x * head.half_width, CENTRE[1] + y * head.half_height) for x, y in places]
    tones = shade(hair, 1.14), shade(hair, 1.14), hair, hair  # by turns, on both sides
    return [ellipse_layer("hair", tones[index % 4], centre, 0.072, 0.072) for index, centre in enumerate(centres)]
