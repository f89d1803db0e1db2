"""Clips of one shape that moves: content (kind, colour, size) and motion are drawn apart, and both are known.

Clip `index` of seed `seed` is a function of these two alone, and of how many frames of it are drawn, at which rate.
"""

import dataclasses
from dataclasses import dataclass

import jax
import numpy as np

from jgan.data.procedural import shapes
from jgan.data.source import Source

MOTIONS = ("left-right", "up-down", "circle", "bounce", "spin", "pulse")
KINDS = tuple(kind for kind in shapes.KINDS if kind not in ("circle", "ring"))  # those whose spin can be seen
PATH = ("x", "y", "angle", "scale")  # centre in units of the shorter side, from the centre, y down; radians; of the size
FRAMES, RATE = 16, 16.0  # of a clip, and per second, when nothing else is asked for
SIZES = {"train": 8192, "test": 2048, "val": 8192}
SWELL = 0.35  # of the size, either way


@dataclass(frozen=True)
class Moving:
    """A shape at rest, and how it moves."""

    ground: str  # a key of `shapes.GROUNDS`
    shape: shapes.Shape
    motion: str  # of MOTIONS
    speed: float  # turns per second
    phase: float  # turns, at the first frame
    sign: float  # 1 or -1: which way it turns, or along which diagonal it bounces


def moving(index: int, seed: int = 0) -> Moving:
    """Returns the attributes of clip `index`.

    >>> clip = moving(0)
    >>> clip.shape.colour, clip.shape.kind, clip.motion
    ('yellow', 'heart', 'left-right')
    """
    draws = shapes.Draws(index, seed)
    motion, diameter = draws.pick(MOTIONS), draws.between(0.34, 0.5)
    slack = shapes.HALF - diameter * (1 + SWELL) / 2
    place = draws.between(-slack, slack), draws.between(-slack, slack)
    shape = shapes.Shape(draws.pick(KINDS), draws.pick(shapes.COLOURS), *place, diameter, draws.between(-shapes.TILT, shapes.TILT))
    sign = 1.0 if draws.between(0, 1) < 0.5 else -1.0
    return Moving(draws.pick(shapes.GROUNDS), shape, motion, draws.between(0.8, 1.6), draws.between(0, 1), sign)


def path(clip: Moving, frames: int = FRAMES, rate: float = RATE) -> np.ndarray:
    """Returns where the shape is in each frame, float32 [frames, 4]: the numbers of PATH. Only those that belong to its motion change.

    >>> path(moving(0), 3).shape
    (3, 4)
    """
    shape = clip.shape
    turns = clip.phase + clip.speed * np.arange(frames) / rate
    reach = shapes.HALF - shape.diameter / 2
    swing, across = reach * np.sin(2 * np.pi * turns), reach * np.cos(2 * np.pi * turns)
    back_and_forth = reach * (4 * np.abs((turns % 1) - 0.5) - 1)
    found = np.tile(np.asarray([shape.x, shape.y, shape.angle, 1.0]), (frames, 1))
    moved = {
        "left-right": {0: swing},
        "up-down": {1: swing},
        "circle": {0: across, 1: clip.sign * swing},
        "bounce": {0: back_and_forth, 1: clip.sign * back_and_forth},
        "spin": {2: shape.angle + clip.sign * 2 * np.pi * turns},
        "pulse": {3: 1 + SWELL * np.sin(2 * np.pi * turns)},
    }
    for column, values in moved[clip.motion].items():
        found[:, column] = values
    return found.round(6).astype(np.float32)  # sines differ in their last digits between machines


def draw(clip: Moving, where: np.ndarray, height: int, width: int | None = None) -> np.ndarray:
    """Returns the frames uint8 [T, height, width, 3] of a clip whose shape is where a path [T, 4] says.

    >>> draw(moving(0), path(moving(0), 3), 32).shape
    (3, 32, 32, 3)
    """
    shape, frames = clip.shape, []
    for x, y, angle, scale in where.tolist():
        moved = dataclasses.replace(shape, x=x, y=y, angle=angle, diameter=shape.diameter * scale)
        frames.append(shapes.render(shapes.Scene(clip.ground, (moved,), "above"), height, width))
    return np.stack(frames)


def open_moving(
    split: str = "train", *, frames: int = FRAMES, rate: float = RATE, resolution: tuple[int, int] | None = None, limit: int | None = None
) -> Source:
    """Opens clips of moving shapes, for `jgan.data.clips.open_clips("moving")`.

    The fields of an example: `video` uint8 [frames, H, W, 3]; `label`, the motion; `attributes` int8 [2], kind and colour; `path` float32
    [frames, 4]. Names of all are in `names`.

    Raises:
      ValueError: for an unknown split.

    >>> source = open_moving(limit=3)
    >>> source.fields["video"].shape, source.rates, source.read(0)["path"].shape
    ((16, 32, 32, 3), {'video': 16.0}, (16, 4))
    """
    if split not in shapes.FIRST:
        raise ValueError(f"moving has no split {split!r}: expected {', '.join(shapes.FIRST)}")
    (height, width), clips = resolution or (shapes.RESOLUTION,) * 2, [moving(shapes.FIRST[split] + i) for i in range(limit or SIZES[split])]
    colours = tuple(shapes.COLOURS)
    columns = {
        "label": np.asarray([MOTIONS.index(clip.motion) for clip in clips], np.int32),
        "attributes": np.asarray([(KINDS.index(clip.shape.kind), colours.index(clip.shape.colour)) for clip in clips], np.int8),
        "path": np.stack([path(clip, frames, rate) for clip in clips]),
    }
    names = {"label": MOTIONS, "attributes": ("kind", "colour"), "kind": KINDS, "colour": colours, "path": PATH}
    fields = {"video": jax.ShapeDtypeStruct((frames, height, width, 3), np.uint8)}
    fields |= {name: jax.ShapeDtypeStruct(values.shape[1:], values.dtype) for name, values in columns.items()}

    def read(index):
        index = range(len(clips))[index]  # IndexError beyond the end
        return {"video": draw(clips[index], columns["path"][index], height, width)} | {name: v[index] for name, v in columns.items()}

    return Source("moving", len(clips), fields, read, names, columns, rates={"video": rate})
