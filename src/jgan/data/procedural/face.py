"""What a cartoon face is made of: its attributes, and how they are drawn at random."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from jgan.data.procedural.shapes import Draws

CHOICES = {  # attribute: its values
    "skin": ("porcelain", "peach", "sand", "olive", "honey", "bronze", "brown", "ebony"),
    "hair_colour": ("black", "brown", "ginger", "blond", "silver", "blue"),
    "hair_style": ("short", "spiky", "curly", "bun", "bob", "long"),
    "eye_colour": ("brown", "blue", "green", "grey"),
    "freckles": ("no", "yes"),
    "glasses": ("none", "round", "square", "sunglasses"),
    "hat": ("none", "cap", "beanie", "top hat"),
    "moustache": ("none", "thin", "bushy", "handlebar"),
    "smile": ("no", "yes"),
    "mouth": ("closed", "open"),
}
STATE = ("yaw", "pitch", "roll", "openness", "gaze_x", "gaze_y", "mouth_openness", "smile")  # fields of Face that are numbers and may move
STYLES = ("flat", "painting")
GROUNDS = ("white", "sand", "grey", "sky", "mint", "lilac")
CLOTHES = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink")
FRAMES = ("black", "brown", "red", "blue")
HIDDEN_BY_HATS = ("short", "spiky", "bun")  # styles of hair of which next to nothing is seen under a hat


@dataclass(frozen=True)
class Face:
    """All attributes of a face. What is between -1 and 1 has its usual value at 0."""

    skin: str  # this and the following: of CHOICES
    hair_colour: str
    hair_style: str
    eye_colour: str
    freckles: str
    width: float  # of the head, -1 ... 1
    height: float
    ear_size: float
    eye_distance: float
    brow_thickness: float
    glasses: str
    hat: str
    moustache: str
    frames: str  # of FRAMES, the colour of the glasses
    hat_colour: str  # of CLOTHES
    shirt: str  # of CLOTHES
    ground: str  # of GROUNDS
    yaw: float  # radians, to the right of the picture
    pitch: float  # radians, up
    roll: float  # radians, clockwise
    openness: float  # of the eyes, 0 ... 1
    gaze_x: float  # -1 ... 1, to the right
    gaze_y: float  # down
    mouth_openness: float  # 0 ... 1
    smile: float  # -1 ... 1
    style: str = "flat"  # of STYLES
    brush: int = 0  # which strokes a painting has


def face(index: int, seed: int = 0, *, hat_with_glasses: float = 0.5, hat_without: float = 0.5) -> Face:
    """Returns the attributes of face `index`, independent of each other unless hats are more frequent with glasses than without.

    Half of all faces wear glasses, half a moustache, half smile, and half have an open mouth; the kinds of each are equally frequent.

    Args:
      index, seed: together they name the face.
      hat_with_glasses, hat_without: the shares of the faces with and without glasses that wear a hat. Nothing else depends on them.

    >>> face(3).skin, face(3).glasses, without(face(3), "glasses").glasses
    ('sand', 'square', 'none')
    """
    draws = Draws(index, seed)
    glasses = _sometimes(draws, "glasses", 0.5)
    smiling, open_mouth = draws.between(0, 1) < 0.5, draws.between(0, 1) < 0.5
    return Face(
        glasses=glasses,
        hat=_sometimes(draws, "hat", hat_without if glasses == "none" else hat_with_glasses),
        moustache=_sometimes(draws, "moustache", 0.5),
        smile=draws.between(0.7, 1) if smiling else draws.between(-0.9, -0.5),
        mouth_openness=draws.between(0.5, 1) if open_mouth else draws.between(0, 0.02),
        skin=draws.pick(CHOICES["skin"]),
        hair_colour=draws.pick(CHOICES["hair_colour"]),
        hair_style=draws.pick(CHOICES["hair_style"]),
        eye_colour=draws.pick(CHOICES["eye_colour"]),
        freckles=draws.pick(CHOICES["freckles"]),
        width=draws.between(-1, 1),
        height=draws.between(-1, 1),
        ear_size=draws.between(-1, 1),
        eye_distance=draws.between(-1, 1),
        brow_thickness=draws.between(-1, 1),
        frames=draws.pick(FRAMES),
        hat_colour=draws.pick(CLOTHES),
        shirt=draws.pick(CLOTHES),
        ground=draws.pick(GROUNDS),
        yaw=draws.between(-0.4, 0.4),
        pitch=draws.between(-0.15, 0.15),
        roll=draws.between(-0.15, 0.15),
        openness=draws.between(0.65, 1),
        gaze_x=draws.between(-1, 1),
        gaze_y=draws.between(-1, 1),
        brush=int(draws.between(0, 2**16)),
    )


def without(face: Face, *accessories: str) -> Face:
    """Returns the same face without some of glasses, hat and moustache."""
    return dataclasses.replace(face, **dict.fromkeys(accessories, "none"))


def attributes(face: Face) -> np.ndarray:
    """Returns the values of all attributes by their numbers in CHOICES, int8 [len(CHOICES)]."""
    values = vars(face) | {"smile": "yes" if face.smile > 0 else "no", "mouth": "open" if face.mouth_openness > 0.25 else "closed"}
    return np.asarray([known.index(values[name]) for name, known in CHOICES.items()], np.int8)


def visible(face: Face) -> np.ndarray:
    """Returns which attributes can be seen, bool [len(CHOICES)]: sunglasses hide the eyes, a hat short hair."""
    hidden = set()
    if face.hat != "none" and face.hair_style in HIDDEN_BY_HATS:
        hidden |= {"hair_style", "hair_colour"}
    if face.glasses == "sunglasses" or face.openness < 0.3:
        hidden.add("eye_colour")
    return np.asarray([name not in hidden for name in CHOICES])


def state(face: Face) -> np.ndarray:
    """Returns the numbers of STATE, float32 [len(STATE)]."""
    return np.asarray([getattr(face, name) for name in STATE], np.float32)


def _sometimes(draws, attribute, share):
    """A value other than "none" with probability `share`; two draws in any case, so that later ones do not depend on it."""
    some, kind = draws.between(0, 1) < share, draws.pick(CHOICES[attribute][1:])
    return kind if some else "none"
