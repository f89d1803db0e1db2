"""Classes out of what makers of data sets write as labels: numbers, with gaps or huge, names, one-hot vectors."""

import re
import reprlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

NONE = -1
PART = 1 << 20
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class Labels(NamedTuple):
    """The classes of the examples of a set."""

    numbers: np.ndarray  # int32 [N], places in `classes`; NONE of an example without a label
    classes: tuple[str, ...]


def no_labels() -> None:
    """Returns the labels of a set that has none."""


def numbered(names: Sequence[str | None], elsewhere: Iterable[str] = ()) -> Labels:
    """Numbers the classes that occur, in the order of `in_order`.

    Args:
      names: the class of each example; None for an example without one.
      elsewhere: the classes that occur in other splits, so that a number means the same in all of them.

    >>> found = numbered(["5", "0", None, "5"], ["9"])
    >>> found.numbers.tolist(), found.classes
    ([1, 0, -1, 1], ('0', '5', '9'))
    """
    classes = in_order({name for name in (*names, *elsewhere) if name is not None})
    number = {None: NONE} | {name: i for i, name in enumerate(classes)}
    return Labels(np.asarray([number[name] for name in names], np.int32), classes)


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Returns names sorted: by value if all are numbers, else as text.

    >>> in_order(["10", "2", "1"]), in_order(["10", "2", "b"])
    (('1', '2', '10'), ('10', '2', 'b'))
    """
    names = list(names)
    if all(NUMBER.fullmatch(name) for name in names):
        return tuple(sorted(names, key=lambda name: (Decimal(name), name)))
    return tuple(sorted(names))


def class_name(label: Any) -> str:
    """Returns the name of the class that a label from JSON means.

    Raises:
      ValueError: unless it is a whole number from 0, a text, or a one-hot vector.

    >>> class_name(3), class_name(3.0), class_name("cat"), class_name([0, 1, 0])
    ('3', '3', 'cat', '1')
    """
    if isinstance(label, str) and label:
        return label
    if isinstance(label, list) and _is_one_hot(label):
        return str(label.index(1))
    if isinstance(label, int) or (isinstance(label, float) and label.is_integer()):
        if label >= 0:
            return str(int(label))
    raise ValueError(f"{reprlib.repr(label)}: expected a class as a number from 0, a name or a one-hot vector")


def of_arrays(where: str | Path, values: np.ndarray, count: int, elsewhere: Sequence[np.ndarray] = ()) -> Labels:
    """Numbers the classes in arrays of labels.

    Args:
      where: what they are from, for messages.
      values: whole numbers from 0 or names, [N] or [N, 1], or one-hot vectors [N, classes].
      count: the number of examples, N.
      elsewhere: the labels of other splits.

    Raises:
      ValueError: if they are others, or not one per example.
    """
    if values.shape[:1] != (count,):
        raise ValueError(f"labels of {where} are {values.dtype} {list(values.shape)}: expected {count} integers or names, one per image")
    values = _one_per_example(where, values)
    found, places = np.unique(values, return_inverse=True)
    names = [_text(value) for value in found.tolist()]
    others = [set(map(_text, _different(_one_per_example(where, others)))) for others in elsewhere]
    return numbered([names[place] for place in places.tolist()], set().union(*others))


def _is_one_hot(label):
    return len(label) > 1 and all(isinstance(value, int | float) and value in (0, 1) for value in label) and sum(label) == 1


def _one_per_example(where, values):
    """Labels [N] of one-hot vectors or of others as they are; nothing here takes more memory than they do."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2 and values.dtype.kind in "biuf" and _are_one_hot(values):
        values = values.argmax(1)
    if values.ndim != 1 or values.dtype.kind not in "biufUS" or (values.dtype.kind == "f" and not _are_whole(values)):
        raise ValueError(
            f"labels of {where} are {values.dtype} {list(values.shape)}: expected integers or names, one per image, or one-hot vectors"
        )
    if values.dtype.kind in "if" and values.size and values.min() < 0:
        raise ValueError(f"labels of {where} reach from {values.min():.0f} to {values.max():.0f}: expected numbers from 0")
    return values


def _are_one_hot(values):
    return bool(values.size and values.min() == 0 and (values.max(1) == 1).all() and (values.sum(1) == 1).all())


def _different(values):
    """The values that occur, looked for in parts."""
    return {value for start in range(0, len(values), PART) for value in np.unique(values[start : start + PART]).tolist()}


def _are_whole(values):
    return np.isfinite(values).all() and (values == np.round(values)).all()


def _text(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else str(int(value))
