"""Clips of cartoon faces that talk, look around and blink: who it is stays, the state of the face is a smooth path that is known."""

import dataclasses

import jax
import numpy as np

from jgan.data.procedural.face import CHOICES, STATE, STYLES, Face, attributes, face, visible
from jgan.data.procedural.face_geometry import LANDMARKS, landmarks
from jgan.data.procedural.faces import RESOLUTION, draw
from jgan.data.procedural.shapes import FIRST, Draws
from jgan.data.source import Source

FRAMES, RATE = 16, 16.0  # of a clip, and per second, when nothing else is asked for
SIZES = {"train": 2048, "test": 512, "val": 2048}
RANGES = {"yaw": (-0.4, 0.4), "pitch": (-0.15, 0.15), "roll": (-0.15, 0.15), "gaze_x": (-1, 1), "gaze_y": (-1, 1), "smile": (-0.9, 1)}
SYLLABLES = (2.5, 5.0)  # per second
BLINK = 0.12  # seconds, from open to shut
WAVES = 3  # sines of a path


def states(index: int, frames: int = FRAMES, rate: float = RATE, seed: int = 0) -> np.ndarray:
    """Returns the state of face `index` in each frame of its clip, float32 [frames, 8]: the numbers of `face.STATE`.

    Pose, gaze and smile are sums of three sines of up to one turn per second; the mouth opens and shuts with syllables, which swell and
    fade; the eyes blink about once a second. All are within the ranges in which faces are drawn.

    >>> states(0, 5).shape
    (5, 8)
    """
    time, first = np.arange(frames) / rate, 1 + seed * (1 + len(RANGES))  # a sequence of draws for each range, and one for the rest
    found = {name: _wandering(Draws(index, first + number), time, *ends) for number, (name, ends) in enumerate(RANGES.items(), start=1)}
    draws = Draws(index, first)
    syllables, start = draws.between(*SYLLABLES), draws.between(0, 1)
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * (draws.between(0.3, 0.8) * time + draws.between(0, 1)))
    found["mouth_openness"] = swell * (0.5 - 0.5 * np.cos(2 * np.pi * (syllables * time + start)))
    since = np.abs((time + draws.between(0, 1) * 1.2) % 1.2 - 0.6)  # seconds from the nearest blink, one of which comes every 1.2
    found["openness"] = draws.between(0.65, 1) * np.minimum(1, since / BLINK)
    return np.stack([found[name] for name in STATE], axis=1).round(6).astype(np.float32)  # as `moving.path`


def in_states(face: Face, path: np.ndarray) -> list[Face]:
    """Returns the same face in each of the states [T, 8] of a path, such as another face's.

    >>> in_states(face(0), states(1, 3))[2].skin == face(0).skin
    True
    """
    return [dataclasses.replace(face, **dict(zip(STATE, row, strict=True))) for row in path.tolist()]


def open_talking(
    split: str = "train", *, frames: int = FRAMES, rate: float = RATE, resolution: tuple[int, int] | None = None, limit: int | None = None
) -> Source:
    """Opens clips of talking faces, for `jgan.data.clips.open_clips("talking")`.

    The fields of an example: `video` uint8 [frames, H, W, 3]; `attributes` int8 [10], of which smile and mouth are those of the first
    frame; `state` float32 [frames, 8]; `landmarks` float32 [frames, 14, 2], as of `jgan.data.procedural.faces`.

    Raises:
      ValueError: for an unknown split, or pictures smaller than 16 pixels, where one is read.

    >>> source = open_talking(limit=2)
    >>> source.fields["video"].shape, source.read(1)["landmarks"].shape
    ((16, 64, 64, 3), (16, 14, 2))
    """
    if split not in FIRST:
        raise ValueError(f"talking has no split {split!r}: expected {', '.join(FIRST)}")
    height, width = resolution or (RESOLUTION, RESOLUTION)
    numbers = range(FIRST[split], FIRST[split] + (limit or SIZES[split]))
    paths = [states(number, frames, rate) for number in numbers]
    clips = [in_states(face(number), path) for number, path in zip(numbers, paths, strict=True)]
    columns = {
        "attributes": np.stack([attributes(clip[0]) for clip in clips]),
        "state": np.stack(paths),
        "landmarks": np.stack([np.stack([landmarks(one) for one in clip]) for clip in clips]),
    }
    names = {"attributes": tuple(CHOICES), "state": STATE, "landmarks": LANDMARKS} | CHOICES
    fields = {"video": jax.ShapeDtypeStruct((frames, height, width, 3), np.uint8)}
    fields |= {name: jax.ShapeDtypeStruct(values.shape[1:], values.dtype) for name, values in columns.items()}

    def read(index):
        index = range(len(clips))[index]  # IndexError beyond the end
        video = np.stack([draw(one, height, width).image for one in clips[index]])
        return {"video": video} | {name: values[index] for name, values in columns.items()}

    return Source("talking", len(clips), fields, read, names, columns, rates={"video": rate})


def open_reenacted(
    style: str = "flat",
    *,
    split: str = "test",
    frames: int = FRAMES,
    rate: float = RATE,
    resolution: tuple[int, int] | None = None,
    limit: int = 100,
) -> Source:
    """Opens clips of one face beside clips in which another one does the same, which is the truth of an animation.

    The fields of an example: `source`, the face in the style, in the state of the first frame; `video`, the clip of the other face, flat;
    `target`, the clip of the face in the style, in the states of `video`; `attributes` and `visible` of the face in each frame,
    [frames, 10]. Face i takes its states from face i + limit.

    Raises:
      ValueError: for an unknown style or split.

    >>> example = open_reenacted("painting", frames=3, limit=2).read(1)
    >>> example["target"].shape, bool((example["target"][0] == example["source"]).all())
    ((3, 64, 64, 3), True)
    """
    if style not in STYLES or split not in FIRST:
        raise ValueError(f"expected a style of {', '.join(STYLES)} and a split of {', '.join(FIRST)}, found {style!r} and {split!r}")
    height, width = resolution or (RESOLUTION, RESOLUTION)
    shapes = {"source": (height, width, 3), "video": (frames, height, width, 3), "target": (frames, height, width, 3)}
    fields = {name: jax.ShapeDtypeStruct(shape, np.uint8) for name, shape in shapes.items()}
    fields |= {name: jax.ShapeDtypeStruct((frames, len(CHOICES)), dtype) for name, dtype in (("attributes", np.int8), ("visible", bool))}

    def read(index):
        number = FIRST[split] + range(limit)[index]  # IndexError beyond the end
        path = states(number + limit, frames, rate)
        moved, driver = in_states(dataclasses.replace(face(number), style=style), path), in_states(face(number + limit), path)
        target, video = (np.stack([draw(one, height, width).image for one in clip]) for clip in (moved, driver))
        found = {name: np.stack([of(one) for one in moved]) for name, of in (("attributes", attributes), ("visible", visible))}
        return {"source": target[0], "video": video, "target": target, **found}

    names = {"attributes": tuple(CHOICES), "visible": tuple(CHOICES)} | CHOICES
    return Source(f"talking, reenacted by others, {style}", limit, fields, read, names, rates={"video": rate, "target": rate})


def _wandering(draws, time, low, high):
    """A sum of three sines that stays between two numbers."""
    shares = [draws.between(0.3, 1) for _ in range(WAVES)]
    sines = [np.sin(2 * np.pi * (draws.between(0.1, 1.0) * time + draws.between(0, 1))) for _ in range(WAVES)]
    return (low + high) / 2 + (high - low) / 2 * sum(share * sine for share, sine in zip(shares, sines, strict=True)) / sum(shares)
