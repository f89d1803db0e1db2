"""The captions of the procedural shapes as an exact language: every sentence, and how probable it is.

`shapes.scene` draws one shape with probability 3/4 (64 sentences, "a large red moon") or two (14,336 sentences, "a large red moon above a
small blue star"), and all sentences of a kind are equally probable: 14,400 sentences, an entropy of 6.0741 nats. So what a model of
sentences has learned is known exactly (`jgan.evaluation.grammar`).
"""

import functools
import itertools
import re
from collections.abc import Sequence

import numpy as np

from jgan.data.procedural.shapes import COLOURS, KINDS, PLACES

ONE_SHAPE = 0.75  # probability of a sentence of one shape
SENTENCE = re.compile(r"a large (?P<colour>\w+) (?P<kind>\w+)(?: (?P<place>\w+|\w+ of) a small (?P<small_colour>\w+) (?P<small_kind>\w+))?")
ATTRIBUTES = {  # what a sentence says: name -> values
    "colour": tuple(COLOURS),
    "kind": tuple(KINDS),
    "place": ("alone", *PLACES),  # of the large shape, seen from the small one
    "small_colour": tuple(COLOURS),
    "small_kind": tuple(KINDS),
}
HELD_OUT = ("red moon", "orange ring", "green star", "blue heart", "purple circle", "pink cross")  # to be left out of a training
SHORT = len(COLOURS) * len(KINDS)  # sentences of one shape, the first of `sentences`


@functools.cache
def sentences() -> tuple[str, ...]:
    """Returns all sentences, those of one shape first.

    >>> len(sentences()), sentences()[0], sentences()[-1]
    (14400, 'a large red circle', 'a large purple moon right of a small pink moon')
    """
    short = [f"a large {colour} {kind}" for colour, kind in itertools.product(COLOURS, KINDS)]
    seconds = itertools.product(PLACES, COLOURS, KINDS)
    long = [
        f"{first} {place} a small {colour} {kind}"
        for (place, colour, kind), first in itertools.product(seconds, short)
        if first.split()[2] != colour
    ]
    return (*short, *long)


def probabilities() -> np.ndarray:
    """Computes the probability of each of `sentences`, float64 [14400].

    >>> round(-float(np.sum(probabilities() * np.log(probabilities()))), 4)  # nats
    6.0741
    """
    long = len(sentences()) - SHORT
    return np.repeat([ONE_SHAPE / SHORT, (1 - ONE_SHAPE) / long], [SHORT, long])


def numbers_of(texts: Sequence[str]) -> np.ndarray:
    """Computes which of `sentences` each text is, int64 [N]; -1: none of them.

    >>> numbers_of(["a large red circle", "a red circle"]).tolist()
    [0, -1]
    """
    return np.asarray([_numbers().get(text, -1) for text in texts], np.int64)


def attributes_of(texts: Sequence[str]) -> np.ndarray:
    """Computes what sentences say, int8 [N, 5]: the values of ATTRIBUTES, 0 for those of a small shape that is not there.

    Raises:
      ValueError: for a text that is no sentence.

    >>> attributes_of(["a large orange star", "a large red moon left of a small blue ring"]).tolist()
    [[1, 3, 0, 0, 0], [0, 7, 3, 5, 5]]
    """
    strays = [text for text in texts if text not in _numbers()]
    if strays:
        raise ValueError(f"expected sentences as {sentences()[0]!r}, found {strays[0]!r}")
    said = [found.groupdict() for text in texts if (found := SENTENCE.fullmatch(text))]
    rows = [[values.index(one[name]) if one[name] else 0 for name, values in ATTRIBUTES.items()] for one in said]
    return np.asarray(rows, np.int8)


def says_held_out(text: str) -> bool:
    """Tells whether a sentence has a pair of colour and kind that is in HELD_OUT.

    >>> says_held_out("a large red star above a small blue heart"), says_held_out("a large red star above a small green heart")
    (True, False)
    """
    return any(pair in text for pair in HELD_OUT)


@functools.cache
def _numbers():
    return {sentence: number for number, sentence in enumerate(sentences())}
