"""Text: sentences as `tokens` int32 [T], of a file with one sentence a line or of the grammar of the procedural shapes."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import jax
import numpy as np

from jgan import bounded
from jgan.data.layout import canonical_split, checked_split
from jgan.data.open import path_of
from jgan.data.procedural import grammar, shapes
from jgan.data.source import Source, spread
from jgan.data.vocabulary import Unit, encode, split_sentence, vocabulary, with_unknown

HELD_OUT = 10  # of a file without splits, every tenth different sentence is for tests
ADVICE = "one sentence a line, in UTF-8"


class Texts(NamedTuple):
    """The sentences of a split, and what is to be known of the others."""

    sentences: Sequence[str]
    places: Sequence[str]  # of each, for messages
    training: Sequence[str]  # of which the vocabulary is made
    others: Sequence[str] = ()  # of other splits, whose length counts too


def open_texts(
    spec: str | Path,
    *,
    unit: Unit = "words",
    split: str = "train",
    limit: int | None = None,
    length: int | None = None,
    min_count: int = 1,
) -> Source:
    """Opens sentences.

    Args:
      spec: "shapes", the captions of the procedural shapes (`jgan.data.procedural.grammar`); a text file, one sentence a line, .txt or
        .txt.gz; or a folder, zip or tar of text files that are named by their split (train.txt, test.txt). Of a file alone every tenth
        different sentence, with its repetitions, is the split test, and the others are train. Blank lines are passed over.
      unit: of a token.
      split: train, val or test.
      limit: maximum number of sentences, evenly spaced.
      length: the most tokens of a sentence; None: of the longest one of all splits.
      min_count: tokens that occur less often in the training split are replaced by `jgan.data.vocabulary.UNKNOWN`; 1: none.

    Returns:
      A source with the field `tokens` int32 [length + 1]: a sentence, and `END` up to the end. Its names are the vocabulary, made of the
      training split.

    Raises:
      ValueError: for a file without sentences or not in UTF-8, a split that is not there, a sentence that is too long, or a word of another
        split that the training split has not.
      FileNotFoundError: if nothing is at that path.

    >>> source = open_texts("shapes", limit=3)
    >>> source.fields["tokens"].shape, source.names["tokens"][:4], source.read(0)["tokens"].tolist()
    ((11,), ('<end>', 'a', 'above', 'below'), [1, 9, 24, 11, 0, 0, 0, 0, 0, 0, 0])
    """
    texts = _of_shapes(split, limit) if spec == "shapes" else _of_path(path_of(spec), split)
    names = vocabulary((split_sentence(sentence, unit) for sentence in texts.training), min_count)
    longest = max(len(split_sentence(sentence, unit)) for sentence in {*texts.sentences, *texts.training, *texts.others})
    tokens = tokens_of(texts.sentences, texts.places, names, unit, length or longest)
    tokens = tokens[spread(len(tokens), min(len(tokens), limit or len(tokens)))]
    field = jax.ShapeDtypeStruct(tokens.shape[1:], tokens.dtype)
    columns = {"tokens": tokens}
    return Source(str(spec), len(tokens), {"tokens": field}, lambda index: {"tokens": tokens[index]}, {"tokens": names}, columns)


def tokens_of(sentences: Sequence[str], places: Sequence[str], names: Sequence[str], unit: Unit, length: int) -> np.ndarray:
    """Computes tokens int32 [N, length + 1] of sentences of a set.

    Args:
      sentences: as they were read.
      places: of each, for messages.
      names: a vocabulary.
      unit: of a token.
      length: the most tokens of a sentence.

    Raises:
      ValueError: for a sentence that is longer, or a word that is not in the vocabulary.
    """
    found = [split_sentence(sentence, unit) for sentence in sentences]
    long = [(place, len(words)) for place, words in zip(places, found, strict=True) if len(words) > length]
    if long:
        place, count = long[0]
        advice = f"allow length={max(count for _, count in long)} (--length) or shorten them"
        raise ValueError(f"expected sentences of at most {length} {unit}, found {len(long)} longer, first {place} with {count}; {advice}")
    try:
        return encode(with_unknown(found, names), names, length + 1, lambda index: places[index])
    except ValueError as error:
        raise ValueError(f"{error}; correct it, or let min_count=2 (--min-count) make rare words one") from error


def read_lines(content: bytes, where: str) -> list[tuple[str, str]]:
    """Returns the lines of a text that are not blank: [(place, line)].

    Raises:
      ValueError: if there are none, or it is no UTF-8.
    """
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"expected {ADVICE}, in {where}, found {error}; write it again") from error
    found = [(f"line {number} of {where}", line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    if not found:
        raise ValueError(f"expected {ADVICE}, in {where}, found none")
    return found


def _of_shapes(split, limit):
    wanted = canonical_split(split) or split
    if wanted not in shapes.FIRST:
        raise ValueError(f"shapes has no split {split!r}: expected {', '.join(shapes.FIRST)}")
    found = [shapes.caption(shapes.scene(shapes.FIRST[wanted] + index)) for index in range(limit or shapes.SIZES[wanted])]
    return Texts(found, [f"sentence {index} of shapes" for index in range(len(found))], grammar.sentences())


def _of_path(path, split):
    if not path.exists():
        raise FileNotFoundError(f"no text at {path}: expected shapes, a text file, or a folder, zip or tar of train.txt, test.txt, ...")
    if path.is_file() and path.name.lower().endswith((".txt", ".txt.gz")):
        parts = _divided(read_lines(_content(path), str(path)))
    else:
        parts = _of_archive(path)
    wanted = checked_split(split, {name: len(lines) for name, lines in parts.items()}, str(path))
    if "train" not in parts:
        raise ValueError(f"expected the split train in {path}, of which the vocabulary is made, found {', '.join(parts)}; add train.txt")
    others = [line for lines in parts.values() for _, line in lines]
    places, sentences = zip(*parts[wanted], strict=True)
    return Texts(sentences, places, [line for _, line in parts["train"]], others)


def _content(path):
    limit = bounded.allowed(path.stat().st_size)
    with bounded.open_regular(path) as raw, gzip.open(raw) if path.suffix.lower() == ".gz" else raw as file:
        try:
            content = file.read(limit + 1)
        except (OSError, EOFError) as error:
            raise ValueError(f"{path} is no readable text ({error}); copy it again") from error
    bounded.check(path, len(content), path.stat().st_size)
    return content


def _divided(lines) -> dict[str, list[tuple[str, str]]]:
    """The lines of a file without splits, by split; equal lines are in one."""
    order = {line: number for number, line in enumerate(dict.fromkeys(line for _, line in lines))}
    parts: dict[str, list[tuple[str, str]]] = {"train": [], "test": []}
    for place, line in lines:
        parts["test" if order[line] % HELD_OUT == HELD_OUT - 1 else "train"].append((place, line))
    return {name: found for name, found in parts.items() if found}


def _of_archive(path) -> Mapping[str, list[tuple[str, str]]]:
    from jgan.data.archives import open_archive  # pillow is needed for this only

    archive = open_archive(path)
    texts = sorted(name for name in archive.names if name.lower().endswith(".txt"))
    parts: dict[str, list[tuple[str, str]]] = {}
    for name in texts:
        split = canonical_split(PurePosixPath(name).stem)
        if split:
            parts.setdefault(split, []).extend(read_lines(archive.read(name), str(path / name)))
    if not parts:
        found = ", ".join(texts[:3]) or "no text files"
        raise ValueError(f"expected train.txt, and perhaps test.txt and val.txt, in {path}, found {found}; rename or open a file")
    return parts
