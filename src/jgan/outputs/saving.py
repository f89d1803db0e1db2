"""Outputs in files that a user names: the ending decides."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jgan.outputs.columns import together
from jgan.outputs.files import check_place, write_atomic
from jgan.outputs.images import PICTURES
from jgan.outputs.kind import Kind
from jgan.outputs.samples import checked
from jgan.outputs.videos import ffmpeg


def endings(kinds: Mapping[str, Kind]) -> list[str]:
    """Returns the endings of files that can hold outputs of these kinds.

    An ending fits if one of the outputs can be such a file, or several that share a picture. Arrays can always be kept: .npz, and .npy of
    a single output.

    >>> from jgan.outputs import audio, image
    >>> endings({"image": image()}), endings({"image": image(), "sound": audio(16_000)})
    (['.png', '.jpg', '.jpeg', '.npy', '.npz'], ['.png', '.jpg', '.jpeg', '.wav', '.npz'])
    """
    known = dict.fromkeys(ending for kind in kinds.values() for ending in kind.formats)
    fitting = [ending for ending in known if _fits(_holding(ending, kinds))]
    return [*fitting, *([".npy"] if len(kinds) == 1 else []), ".npz"]


def check_path(path: str | Path, kinds: Mapping[str, Kind]) -> None:
    """Checks that `save` can write outputs of these kinds to a path, before they are drawn.

    Raises:
      ValueError: if the ending does not fit; the message names those that do.
      OSError: if no file can be written there.
      ModuleNotFoundError: for .mp4 without the packages of the extra `video`.
    """
    if _is_folder(path):
        return check_place(Path(path) / "0000")
    ending = Path(path).suffix.lower()
    if ending not in endings(kinds):
        outputs = ", ".join(kinds)
        raise ValueError(
            f"expected a path that ends in {', '.join(endings(kinds))}, or in / for one file per example, to hold {outputs}, found {path}"
        )
    check_place(path)
    if ending == ".mp4":
        ffmpeg()


def save(path: str | Path, outputs: Mapping[str, Any], kinds: Mapping[str, Kind], columns: int | None = None) -> list[Path]:
    """Saves outputs, in one file if the path has an ending, else in a folder of files 0000.png, ... of one example each; returns the files.

    One file holds those outputs that can have its ending: .png and .jpg a grid, or labelled columns of several outputs; .webp, .gif and
    .mp4 a grid of clips; .wav sounds one after the other; .txt a line per example; .npy and .npz the numbers as they are. In a folder,
    several outputs have a folder each.

    Args:
      path: of the file, or of a folder: one that is there, or a path that ends in / or has no ending.
      outputs: by name, [N, ...].
      kinds: of the outputs to save; others are left out.
      columns: examples per row; by default as many as make pictures about square.

    Raises:
      ValueError: if the ending does not fit, or values do not.
      TypeError: if the dtype of values does not fit.
      ModuleNotFoundError: for .mp4 without the packages of the extra `video`.
      OSError: if a file cannot be written.
    """
    check_path(path, kinds)
    values = checked(outputs, kinds)
    if _is_folder(path):
        files = _one_each(Path(path), values, kinds)
    else:
        files = {Path(path): _content(Path(path).suffix.lower(), outputs, values, kinds, columns)}
    for file, content in files.items():
        write_atomic(file, content)
    return list(files)


def _is_folder(path):
    return str(path).endswith("/") or not Path(path).suffix or Path(path).is_dir()


def _holding(ending, kinds):
    return {name: kind for name, kind in kinds.items() if ending in kind.formats}


def _fits(holding):
    return len(holding) == 1 or all(kind.side_by_side for kind in holding.values())


def _content(ending, outputs, values, kinds, columns):
    if ending in (".npy", ".npz"):
        return _numbers(ending, {name: outputs[name] for name in kinds})
    holding = _holding(ending, kinds)
    if len(holding) > 1:
        return PICTURES[ending](together({name: values[name] for name in holding}, columns))
    ((name, kind),) = holding.items()
    return kind.formats[ending](values[name], columns)


def _one_each(folder, values, kinds):
    files = {}
    for name, kind in kinds.items():
        ending, encode = next(iter(kind.formats.items()))
        inner = folder / name if len(kinds) > 1 else folder
        files |= {inner / f"{i:04d}{ending}": encode(values[name][i : i + 1], 1) for i in range(len(values[name]))}
    return files


def _numbers(ending, outputs):
    arrays: dict[str, Any] = {name: np.asarray(values) for name, values in outputs.items()}
    arrays = {name: values.astype(np.float32) if values.dtype.kind == "V" else values for name, values in arrays.items()}  # bfloat16
    content = io.BytesIO()
    if ending == ".npy":
        (values,) = arrays.values()
        np.save(content, values)
    else:
        np.savez(content, **arrays)
    return content.getvalue()
