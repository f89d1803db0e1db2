"""The captions of the procedural shapes as an exact language: every sentence, and how probable it is.

`shapes.scene` draws one shape with probability 3/4 (64 sentences, "a large red moon") or two (14,336 sentences, "a large red moon above a
small blue star"), and all sentences of a kind are equally probable: 14,400 sentences, an entropy of 6.0741 nats. So what a model of
sentences has learned is known exactly (`jgan.evaluation.grammar`).
"""

import functools
import itertools
from collections.abc import Sequence

import numpy as np

from jgan.data.procedural.shapes import COLOURS, KINDS, PLACES

ONE_SHAPE = 0.75  # probability of a sentence of one shape
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


@functools.cache
def _numbers():
    return {sentence: number for number, sentence in enumerate(sentences())}
