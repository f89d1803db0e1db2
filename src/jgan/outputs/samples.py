"""The samples of a run: what outputs of any kinds become, and the files in samples/, which begin with the number of images seen."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jgan.outputs.columns import together
from jgan.outputs.files import write_atomic
from jgan.outputs.images import png
from jgan.outputs.kind import Kind, Rendered

FILE = re.compile(r"(\d{8,})(?:-([\w.-]+))?")  # <images seen>, or <images seen>-<name of the output>
NAME = re.compile(r"\w[\w.-]*")


def checked(outputs: Mapping[str, Any], kinds: Mapping[str, Kind]) -> dict[str, np.ndarray]:
    """Returns the outputs that `kinds` names, in its order, in the form that the functions of their kinds take.

    Raises:
      ValueError, TypeError: if there is no kind or an output is missing, a name cannot be part of a file's name, or values do not fit.
    """
    if not kinds:
        raise ValueError("expected the kind of at least one output, found none")
    for name in kinds:
        if not NAME.fullmatch(name):
            raise ValueError(f"expected the name of an output in letters, digits, _, - and ., found {name!r}")
        if name not in outputs:
            raise ValueError(f"expected an output {name}, found {', '.join(outputs) or 'none'}")
    return {name: kind.check(name, outputs[name]) for name, kind in kinds.items()}


def render(outputs: Mapping[str, Any], kinds: Mapping[str, Kind], columns: int | None = None) -> Rendered:
    """Computes the files that a run keeps of outputs: {name of the output: {end of the file's name: content}}.

    All images share one picture, under the name "": a plain grid of one output, labelled columns of several.

    Args:
      outputs: by name, [N, ...].
      kinds: of the outputs to show, in their order; outputs that it does not name are left out.
      columns: examples per row; by default as many as make pictures about square.

    Raises:
      ValueError, TypeError: see `checked`.

    >>> from jgan.outputs import image, tokens
    >>> outputs = {"image": np.zeros((2, 8, 8, 3), np.uint8), "caption": np.asarray([[1, 0], [1, 1]])}
    >>> rendered = render(outputs, {"image": image(), "caption": tokens(("cat", "red"))})
    >>> {name: list(files) for name, files in rendered.items()}
    {'': ['.png'], 'caption': ['.txt']}
    """
    values = checked(outputs, kinds)
    images = {name: values[name] for name, kind in kinds.items() if kind.side_by_side}
    shared = {"": {".png": png(together(images, columns))}} if images else {}
    return shared | {name: kind.files(values[name], columns) for name, kind in kinds.items() if not kind.side_by_side}


def write(folder: str | Path, moment: int, rendered: Rendered) -> list[Path]:
    """Writes what `render` returned into the samples/ of a run, each file as a whole or not at all; returns the files.

    Files of the same moment are replaced, as after a resume.

    Args:
      folder: samples/; made if it is not there, in a folder that is.
      moment: number of images seen.
      rendered: {name of the output: {end of the file's name: content}}.

    Raises:
      OSError: if a file cannot be written.
    """
    files = {}
    for name, ends in rendered.items():
        stem = f"{moment:08d}-{name}" if name else f"{moment:08d}"
        files |= {Path(folder) / f"{stem}{end}": content for end, content in ends.items()}
    Path(folder).mkdir(exist_ok=True)  # but never the folder of a run that was removed
    for file, content in files.items():
        write_atomic(file, content)
    for inner in {file.parent for file in files} - {Path(folder)}:
        for earlier in set(inner.iterdir()) - set(files):
            earlier.unlink()
    return list(files)


def moments(folder: str | Path) -> list[int]:
    """Returns at which numbers of images samples were written, in order; none if there is no such folder."""
    return sorted({int(match[1]) for match, _ in _found(Path(folder))})


def files_at(folder: str | Path, moment: int) -> dict[str, list[Path]]:
    """Returns the files of one moment by the name of the output, first "", the picture of all images."""
    files: dict[str, list[Path]] = {}
    for match, path in _found(Path(folder)):
        if int(match[1]) == moment:
            files.setdefault(match[2] or "", []).extend(sorted(path.iterdir()) if path.is_dir() else [path])
    return dict(sorted(files.items()))


def strays(folder: str | Path) -> list[Path]:
    """Returns what lies in samples/ and is not named as samples are; hidden files are not counted."""
    known = {path for _, path in _found(Path(folder))}
    paths = sorted(Path(folder).iterdir()) if Path(folder).is_dir() else []
    return [path for path in paths if path not in known and not path.name.startswith(".")]


def _found(folder):
    """What lies in the folder and is named as samples are, in order."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    matches = [(FILE.fullmatch(path.name if path.is_dir() else path.stem), path) for path in paths]
    return [(match, path) for match, path in matches if match]
