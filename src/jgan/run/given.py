"""What people give to a trained system, as the arrays that `sample` takes."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

FILLERS = ("", "<pad>", "<end>")  # first names of vocabularies with which a short text is filled up


def label_numbers(value: Any, names: Sequence[str]) -> np.ndarray:
    """Class numbers, int32, of one name or number or of many.

    Raises:
      ValueError: for a class that is not there.

    >>> label_numbers(["moon", 0], ("star", "moon")).tolist()
    [1, 0]
    """
    values = [value] if np.ndim(value) == 0 else list(value)
    found = []
    for one in values:
        if isinstance(one, str) and one not in names:
            raise ValueError(f"unknown class {one!r}: expected one of {', '.join(names)}")
        number = names.index(one) if isinstance(one, str) else int(one)
        if not 0 <= number < len(names):
            raise ValueError(f"expected a label from 0 to {len(names) - 1}, found {one}")
        found.append(number)
    return np.asarray(found[0] if np.ndim(value) == 0 else found, np.int32)


def token_numbers(name: str, text: str, names: Sequence[str], field: jax.ShapeDtypeStruct) -> np.ndarray:
    """The numbers of the words of a text, which has to be as long as those of the data, or is filled up with a nameless first token.

    Raises:
      ValueError: for an unknown word, or another number of words.
    """
    words, length = text.split(), field.shape[0]
    unknown = [word for word in words if word not in names]
    if unknown:
        raise ValueError(f"expected {name} in words of the data, found {', '.join(unknown)}; some are {', '.join(names[:20])}")
    if len(words) > length or (len(words) < length and names[0] not in FILLERS):
        raise ValueError(f"expected {name} of {length} words, found {len(words)} in {text!r}")
    return np.asarray([names.index(word) for word in words] + [0] * (length - len(words)), field.dtype)


def seed_numbers(seeds: Any) -> np.ndarray:
    """Seeds as uint32 [N].

    Raises:
      ValueError: for a number that is no seed.

    >>> seed_numbers(range(2)).tolist(), seed_numbers(7).tolist()
    ([0, 1], [7])
    """
    numbers = [seeds] if np.ndim(seeds) == 0 and not hasattr(seeds, "__iter__") else list(seeds)
    if any(not 0 <= seed < 2**32 for seed in numbers):
        raise ValueError(f"expected seeds from 0 to {2**32 - 1}, found {min(numbers)} to {max(numbers)}")
    return np.asarray(numbers, np.uint32)
