"""Where the points of a cartoon face are in its picture.

The head is an ellipsoid that turns: a point on its surface, or lifted from it as a nose is, moves by its depth. Points of a face are
relative to the centre of the head, x right, y down, in UNIT sides of the picture.
"""

import math

import numpy as np

from jgan.data.procedural.face import Face

UNIT = 1.1  # sides of the picture
CENTRE = (0.0, 0.055)  # of the head
NECK = (0.0, 0.32)  # about which it rolls
DEPTH = 0.2  # half of the head, from front to back
LANDMARKS = (
    *("left_eye_outer", "left_eye_inner", "right_eye_inner", "right_eye_outer", "left_brow", "right_brow", "nose_tip"),
    *("mouth_left", "mouth_right", "mouth_top", "mouth_bottom", "left_ear", "right_ear", "chin"),
)


class Head:
    """Where points of a face are, in the picture before it rolls."""

    def __init__(self, face: Face):
        self.half_width, self.half_height = 0.228 + 0.02 * face.width, 0.28 + 0.018 * face.height
        self.sine_yaw, self.sine_pitch = rounded_sine(face.yaw), rounded_sine(face.pitch)
        self.cosine_yaw, self.cosine_pitch = math.sqrt(1 - self.sine_yaw**2), math.sqrt(1 - self.sine_pitch**2)

    def at(self, x: float, y: float, lift: float = 0.0) -> tuple[float, float]:
        """Returns where the point (x, y) of the surface is, lifted from it towards the viewer."""
        beyond = 1 - (x / self.half_width) ** 2 - (y / self.half_height) ** 2
        z = DEPTH * math.sqrt(max(beyond, 0.0)) + lift
        return CENTRE[0] + x * self.cosine_yaw + z * self.sine_yaw, CENTRE[1] + y * self.cosine_pitch - z * self.sine_pitch

    def narrowed(self, x: float, y: float) -> float:
        """Returns how wide a small part at (x, y) looks, as a share of its width seen from the front."""
        return max((self.at(x + 0.04, y)[0] - self.at(x - 0.04, y)[0]) / 0.08, 0.3)


def rounded_sine(angle: float) -> float:
    """Returns the sine to six digits, the same whichever library computes it."""
    return round(math.sin(angle), 6)


def eye_place(face: Face, side: int) -> tuple[float, float]:
    """Returns the middle of an eye, on the face."""
    return side * (0.098 + 0.01 * face.eye_distance), -0.015


def ear_centres(head: Head) -> list[tuple[float, float]]:
    """Returns the left and the right ear."""
    y = CENTRE[1] + 0.02 + 0.06 * head.sine_pitch
    return [(CENTRE[0] + side * (head.half_width + 0.012) - 0.09 * head.sine_yaw, y) for side in (-1, 1)]


class Mouth:
    """The curve of the lips in the picture: y = middle + bend (x - centre)^2, `half_width` to either side; open, a second one below it."""

    def __init__(self, face: Face, head: Head):
        (left, _), (right, _) = head.at(-0.085, 0.142), head.at(0.085, 0.142)
        lift = 0.05 * face.smile
        self.centre, self.half_width = (left + right) / 2, (right - left) / 2
        self.middle = head.at(0.0, 0.142)[1] + lift / 2
        self.bend = -lift / self.half_width**2
        self.open = 0.07 * face.mouth_openness
        self.corner = self.middle - lift


def landmarks(face: Face) -> np.ndarray:
    """Returns the places of LANDMARKS, float32 [14, 2]: x right, y down, from the centre of the picture, in units of its shorter side."""
    head = Head(face)
    mouth = Mouth(face, head)
    found = [head.at(x + reach, y) for x, y in (eye_place(face, side) for side in (-1, 1)) for reach in (-0.057, 0.057)]
    found += [head.at(side * 0.0975, -0.0965) for side in (-1, 1)]
    found += [head.at(0.0, 0.06, 0.05)]
    found += [(mouth.centre + side * mouth.half_width, mouth.corner) for side in (-1, 1)]
    found += [(mouth.centre, mouth.middle), (mouth.centre, mouth.middle + mouth.open)]
    found += [*ear_centres(head), (CENTRE[0], CENTRE[1] + head.half_height)]
    x, y = (np.asarray(found) - NECK).T
    sine = rounded_sine(face.roll)
    cosine = math.sqrt(1 - sine * sine)
    return (np.stack([cosine * x - sine * y + NECK[0], sine * x + cosine * y + NECK[1]], axis=-1) * UNIT).astype(np.float32)
