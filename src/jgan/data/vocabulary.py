"""Sentences as rows of tokens: words or characters, and the vocabulary that numbers them.

A vocabulary is a tuple of names. Where sentences differ in length the first is END, which follows the last token of a sentence and fills
its row. UNKNOWN stands for rare words where they were replaced. A vocabulary whose other names are single characters is one of characters.
"""

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np

END, UNKNOWN = "<end>", "<unknown>"
Unit = Literal["words", "characters"]
WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")  # don't and well-known are words, every other sign is one by itself
SHOWN = 10  # words in a message


def split_sentence(sentence: str, unit: Unit = "words") -> list[str]:
    """Returns the words and punctuation marks of a sentence, or its characters.

    >>> split_sentence("A large, red moon."), split_sentence("a b", "characters")
    (['A', 'large', ',', 'red', 'moon', '.'], ['a', ' ', 'b'])
    """
    return WORD.findall(sentence) if unit == "words" else list(" ".join(sentence.split()))


def unit_of(names: Sequence[str]) -> Unit:
    """Returns what the names of a vocabulary are.

    >>> unit_of((END, "a", "b")), unit_of((END, "a", "moon"))
    ('characters', 'words')
    """
    return "characters" if all(len(name) == 1 for name in names if name not in (END, UNKNOWN)) else "words"


def separator(names: Sequence[str]) -> str:
    """Returns what stands between two tokens of a text: a blank between words, nothing between characters."""
    return " " if unit_of(names) == "words" else ""


def vocabulary(sentences: Iterable[Sequence[str]], min_count: int = 1) -> tuple[str, ...]:
    """Returns END, UNKNOWN if words are left out, and the words of sentences in alphabetical order.

    Args:
      sentences: of `split_sentence`.
      min_count: words that occur less often are left out.

    Raises:
      ValueError: if no word is left.

    >>> vocabulary([["a", "moon"], ["a", "star"]]), vocabulary([["a", "moon"], ["a", "star"]], min_count=2)
    (('<end>', 'a', 'moon', 'star'), ('<end>', '<unknown>', 'a'))
    """
    counts = Counter(word for sentence in sentences for word in sentence)
    kept = sorted(word for word, count in counts.items() if count >= min_count)
    if not kept:
        raise ValueError(f"expected words that occur {min_count} times or more, found none; lower min_count (--min-count)")
    return (END, *([UNKNOWN] if min_count > 1 else []), *kept)


def encode(sentences: Sequence[Sequence[str]], names: Sequence[str], length: int, name_of: Callable[[int], str]) -> np.ndarray:
    """Computes tokens int32 [N, length] of sentences.

    Args:
      sentences: of `split_sentence`.
      names: a vocabulary. With END in front every row ends in it, so a sentence has at most length - 1 words, otherwise it has `length`.
      length: of a row.
      name_of: index -> how a message calls that sentence.

    Raises:
      ValueError: for a word that is not in the vocabulary, with those nearest to it, or another number of words.

    >>> encode([["moon"], ["a", "moon"]], ("<end>", "a", "moon"), 3, str).tolist()
    [[2, 0, 0], [1, 2, 0]]
    """
    ended, numbers = names[0] == END, {name: number for number, name in enumerate(names)}
    most, tokens = length - ended, np.zeros((len(sentences), length), np.int32)
    for index, words in enumerate(sentences):
        unknown = [word for word in dict.fromkeys(words) if word not in numbers or word == END]
        if unknown:
            raise ValueError(f"expected {name_of(index)} in words of the data, found {', '.join(unknown)}; {_nearest(unknown, names)}")
        if not 1 <= len(words) <= most or (not ended and len(words) != most):
            expected = f"1 to {most}" if ended else most
            raise ValueError(f"expected {name_of(index)} of {expected} {unit_of(names)}, found {len(words)}: {_short(words, names)}")
        tokens[index, : len(words)] = [numbers[word] for word in words]
    return tokens


def with_unknown(sentences: Iterable[Sequence[str]], names: Sequence[str]) -> list[list[str]]:
    """Returns sentences with UNKNOWN in place of words that are not in a vocabulary, if it has UNKNOWN.

    >>> with_unknown([["a", "comet"]], ("<end>", "<unknown>", "a")), with_unknown([["comet"]], ("<end>", "a"))
    ([['a', '<unknown>']], [['comet']])
    """
    known = set(names)
    return [[word if word in known or UNKNOWN not in known else UNKNOWN for word in sentence] for sentence in sentences]


def decode(tokens: np.ndarray, names: Sequence[str]) -> list[str]:
    """Returns the texts of tokens [N, T], each up to its first END.

    >>> decode(np.asarray([[1, 2, 0], [2, 0, 1]]), ("<end>", "a", "moon"))
    ['a moon', 'moon']
    """
    found = [[str(names[token]) for token in row] for row in np.asarray(tokens)]
    return [separator(names).join(row[: row.index(END)] if END in row else row) for row in found]


def _nearest(unknown, names):
    near = dict.fromkeys(found for word in unknown for found in difflib.get_close_matches(word, names, n=3))
    if near:
        return f"the nearest known are {', '.join(near)}"
    return f"some that are known are {', '.join([name for name in names if name not in (END, UNKNOWN)][:SHOWN])}"


def _short(words, names):
    return repr(separator(names).join(words[:SHOWN]) + (" ..." if len(words) > SHOWN else ""))
