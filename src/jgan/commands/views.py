"""What `jgan explore` offers of a run: functions of a few controls, which know nothing of the page that shows them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jgan import bounded, outputs
from jgan.commands.along import file_of_directions
from jgan.commands.edit import change_of
from jgan.commands.interpolate import walk_between
from jgan.commands.mix import mixed
from jgan.commands.sample import drawn, preferred
from jgan.commands.seeds import parse_seeds
from jgan.run.trained import Trained
from jgan.run.writer import kinds_shown

MOST = 256  # examples of one view
DIRECTIONS = 16  # sliders
FPS, FRAMES = 24.0, 24  # of a walk, and from one station to the next
IN_TURN = "in turn"


class Control(NamedTuple):
    """Something that can be set; what it is follows from its value at the beginning: text, a number, a tuple of names; None: an image."""

    label: str
    value: Any
    among: tuple[str, ...] = ()  # text: the only values that it has; names: those of which some are chosen
    span: tuple[float, float, float] = (0, 0, 0)  # of a number: lowest, highest, step


class Shown(NamedTuple):
    """What a view shows."""

    found: Mapping[str, np.ndarray]  # outputs by name
    kinds: Mapping[str, outputs.Kind]
    columns: int | None = None


class View(NamedTuple):
    """One thing that a run can do; `draw` takes the values of its controls by name, and raises ValueError for those that do not fit."""

    title: str
    controls: Mapping[str, Control]
    draw: Callable[..., Shown]


def views(trained: Trained, run: Path) -> list[View]:
    """Returns all that a run can do, most often used first."""
    makers = {"sample": _samples, "directions": _directions, "interpolate": _interpolation, "mix": _mixing}
    makers |= {"translate": _translation, "edit": _editing}
    return [view for name, make in makers.items() if name in trained.system.commands and (view := make(trained, run)) is not None]


def _samples(trained, run):
    if set(trained.sampling.conditions) - {"label", "caption"}:
        return None  # images of its data, say

    def draw(seeds, **inputs):
        found = drawn(trained, run, _numbers(seeds), {}, _chosen(inputs))
        return Shown(found, {name: kind for name, kind in kinds_shown(trained.sampling, trained.spec).items() if name in found})

    caption = {"caption": Control("Caption, in words of the data; those of the data if empty", "")}
    return View("Samples", _seeds("0-15") | _inputs(trained) | (caption if "caption" in trained.sampling.conditions else {}), draw)


def _directions(trained, run):
    path = file_of_directions(run, trained.about["step"])
    names = bounded.npz_names(path)[:DIRECTIONS] if path.is_file() else []
    if not names:
        return None

    def draw(seeds, truncation=None, label=IN_TURN, **steps):
        amounts = {name: float(step) for name, step in steps.items() if step}
        return Shown(drawn(trained, run, _numbers(seeds), amounts, _chosen({"truncation": truncation, "label": label})), _main(trained))

    steps = {name: Control(name, 0.0, span=(-5, 5, 0.25)) for name in names}
    return View("Directions", _seeds("0-8") | _inputs(trained) | steps, draw)


def _interpolation(trained, run):
    if "caption" in trained.sampling.conditions:
        return None

    def draw(seeds, **inputs):
        walk = walk_between(trained, _numbers(seeds, MOST // FRAMES), FRAMES, _chosen(inputs))
        return Shown({"video": walk[None]}, {"video": outputs.video(FPS)})

    return View("Interpolation", _seeds("0-3") | _inputs(trained), draw)


def _mixing(trained, run):
    if "ws" not in trained.sampling.optional:
        return None
    layers = trained.outputs([0], only="ws")["ws"].shape[1]

    def draw(rows, columns, layer, truncation=None):
        across = _numbers(columns, 16)
        return Shown({"image": mixed(trained, _numbers(rows, 16), across, int(layer), truncation)}, _main(trained), len(across) + 1)

    controls = {"rows": Control("Seeds of the rows: coarse styles", "0-3"), "columns": Control("Seeds of the columns: fine styles", "5-9")}
    layer = {"layer": Control("First layer of the columns", float(layers // 2), span=(0, layers, 1))}
    return View("Mixing", controls | layer | {name: c for name, c in _inputs(trained).items() if name == "truncation"}, draw)


def _translation(trained, run):
    names = tuple(trained.sampling.directions)

    def draw(image, direction=names[0]):
        condition, output = trained.direction(direction)
        found = trained.outputs(only=output, **{condition: _uploaded(image, trained.spec.shape(condition)[2])})
        return Shown(found, {output: outputs.image()})

    which = {"direction": Control("Direction", names[0], names)} if len(names) > 1 else {}
    return View("Translation", {"image": Control("Image", None)} | which, draw)


def _editing(trained, run):
    names = trained.spec.names["attributes"]

    def draw(image, add, remove):
        change = change_of(names, add, remove)[None]
        return Shown(trained.outputs(image=_uploaded(image, trained.spec.image_shape[2]), change=change, only="edited"), _edited())

    controls = {"image": Control("Image", None), "add": Control("Add", (), names), "remove": Control("Remove", (), names)}
    return View("Editing", controls, draw)


def _edited():
    return {"edited": outputs.image()}


def _main(trained):
    name, kind = next(iter(trained.sampling.outputs.items()))
    return {name: kind}


def _seeds(value):
    return {"seeds": Control("Seeds, as 0-15 or 3,14,15", value)}


def _inputs(trained):
    """Controls of truncation and class, as far as a system has them."""
    found = {}
    if "truncation" in trained.exportable()[1]:
        found["truncation"] = Control("Truncation", float(preferred(trained, "truncation", None) or 1.0), span=(0, 1.5, 0.05))
    if "label" in trained.sampling.conditions:
        found["label"] = Control("Class", IN_TURN, (IN_TURN, *trained.spec.names["label"]))
    return found


def _chosen(inputs):
    return {name: value for name, value in inputs.items() if value not in (None, "", IN_TURN)}


def _numbers(text, most=MOST):
    found = parse_seeds(text.replace(" ", ""))
    if len(found) > most:
        raise ValueError(f"expected {most} seeds at most on this page, found {len(found)}; `jgan sample` draws more")
    return found


def _uploaded(image, channels):
    """uint8 [1, H, W, channels] of what was uploaded: uint8 [H, W, 3]."""
    if image is None:
        raise ValueError("expected an image, found none; choose one")
    image = np.asarray(image)[..., :3]
    grey = np.round(image.mean(axis=-1, keepdims=True)).astype(np.uint8)
    return (grey if channels == 1 else image)[None]
