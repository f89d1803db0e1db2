"""What a kind of output is, and the checks that kinds share."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np


class Check(Protocol):
    """Returns values [N, ...] in the form that the kind's other functions take; the name is for the message.

    Raises:
      ValueError: if there are no examples, the shape does not fit, or a number is NaN.
      TypeError: if the dtype does not fit.
    """

    def __call__(self, name: str, values: Any, /) -> np.ndarray: ...


class Encode(Protocol):
    """Computes the content of one file that holds all examples; `columns` is the number of examples per row, where there are rows."""

    def __call__(self, values: np.ndarray, columns: int | None, /) -> bytes: ...


class Files(Protocol):
    """Computes the files that a run keeps of the examples: {end of the file's name: content}, such as {".webp": ..., ".png": ...}."""

    def __call__(self, values: np.ndarray, columns: int | None, /) -> dict[str, bytes]: ...


Rendered = Mapping[str, Mapping[str, bytes]]  # {name of the output: {end of the file's name: content}}


class Kind(NamedTuple):
    """How outputs of one kind are checked and become files. The report and TensorBoard show a file by its ending: .png, .webp, .gif, .wav
    or .txt."""

    check: Check
    formats: Mapping[str, Encode]  # by the ending that a user may choose; the first is for files of one example
    files: Files
    side_by_side: bool = False  # checked values are images, uint8 [N, H, W, 1, 3 or 4]; all such outputs share one picture


def examples(name: str, values: Any, expected: str, ranks: tuple[int, ...]) -> np.ndarray:
    """Returns the values as an array.

    Raises:
      ValueError: if their rank is none of `ranks`, or an axis is empty; `expected` describes the shape.
    """
    values = np.asarray(values)
    if values.ndim not in ranks or 0 in values.shape:
        raise ValueError(f"{name}: expected {expected} with at least one example and no empty axis, found shape {values.shape}")
    return values


def floats(name: str, values: np.ndarray, expected: str) -> np.ndarray:
    """Returns floating-point numbers [N, ...] as float32.

    Raises:
      TypeError: if they are not floating-point.
      ValueError: if a number is NaN.
    """
    if values.dtype.kind in "biucOSUMm":  # bfloat16 is of kind V
        raise TypeError(f"{name}: expected {expected}, found {values.dtype}")
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    bad = np.isnan(values).any(axis=tuple(range(1, values.ndim))).sum()
    if bad:
        raise ValueError(f"{name}: expected numbers, found NaN in {bad} of {len(values)} examples")
    return values
