"""What people give to a trained system, as the arrays that `sample` takes."""

import operator
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jgan.data.vocabulary import encode, split_sentence, unit_of
from jgan.sharding import check_seed

LISTED = 100  # classes in a message, at most


def label_numbers(value: Any, names: Sequence[str]) -> np.ndarray:
    """Returns the class numbers, int32, of one name or number or of many. A text is the name of a class, or its number if no class has that
    name.

    Raises:
      ValueError: for a class that is not there; the message lists the classes with their numbers.

    >>> label_numbers(["moon", 0, "1"], ("star", "moon")).tolist(), label_numbers("1", ("1", "5")).tolist()
    ([1, 0, 1], 0)
    """
    if np.ndim(value):
        return np.asarray([label_numbers(one, names) for one in value], np.int32)
    text = str(value)
    number = names.index(text) if isinstance(value, str) and text in names else int(text) if text.isdecimal() else -1
    if not 0 <= number < len(names):
        listed = ", ".join(f"{number} {name}" for number, name in enumerate(names[:LISTED])) + (", ..." if len(names) > LISTED else "")
        raise ValueError(f"unknown class {value!r}: expected a name or a number of {listed}")
    return np.asarray(number, np.int32)


def token_numbers(name: str, text: str, names: Sequence[str], field: jax.ShapeDtypeStruct) -> np.ndarray:
    """Returns the numbers of the words or characters of a text, by the vocabulary of the data; errors as `jgan.data.vocabulary.encode`."""
    words = split_sentence(text, unit_of(names))
    return encode([words], names, field.shape[0], lambda index: name)[0].astype(field.dtype)


def seed_numbers(seeds: Any) -> np.ndarray:
    """Returns seeds as int64 [N].

    Raises:
      ValueError: for a number that is no seed.
      TypeError: for what is no whole number.

    >>> seed_numbers(range(2)).tolist(), seed_numbers(7).tolist()
    ([0, 1], [7])
    """
    numbers = [operator.index(seed) for seed in ([seeds] if np.ndim(seeds) == 0 and not hasattr(seeds, "__iter__") else seeds)]
    for seed in numbers:
        check_seed(seed)
    return np.asarray(numbers, np.int64)
