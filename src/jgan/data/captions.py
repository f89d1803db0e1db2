"""Images with captions, as `image` and `caption` int32 [T] of every example: captions.jsonl or captions.csv beside images, or shapes."""

import json
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import jax
import numpy as np

from jgan.data.archives import Archive
from jgan.data.combine import select, subset
from jgan.data.labels import numbered
from jgan.data.layout import canonical_split
from jgan.data.open import check_choices, checked_size, open_collection, source_of
from jgan.data.procedural import grammar, shapes
from jgan.data.source import Source
from jgan.data.tables import key_of, names_of, open_tables, rows_of
from jgan.data.texts import read_lines, tokens_of
from jgan.data.vocabulary import split_sentence, vocabulary

FILES = ("captions.jsonl", "captions.csv")
EXPECTED = '{"file": ..., "caption": ...}, a file and its caption or a list of them'

Table = Mapping[str, Sequence[str]]  # file, as it is written -> its captions


def open_captions(
    spec: str | Path,
    *,
    resolution: int | tuple[int, int] | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
    length: int | None = None,
    min_count: int = 1,
) -> Source:
    """Opens images with captions. Every pair of an image and one of its captions is an example.

    Args:
      spec: "shapes" or "shapes:equal-luma"; or a folder, zip or tar of images in any folders, with a file captions.jsonl or captions.csv at
        the top, or in the only folder there. A line of the first is {"file": ..., "caption": ...}, where the caption is a text or a list
        of them; the second has the columns file and caption. A file is named with folders or without, with its ending or without; it may
        have several lines.
      resolution, channels, split: as in `jgan.data.open_source`.
      limit: maximum number of images, evenly spaced.
      length: the most words of a caption; None: of the longest one of all splits.
      min_count: words that occur less often in the training split are replaced by `jgan.data.vocabulary.UNKNOWN`; 1: none.

    Returns:
      A source with the fields `image` and `caption` int32 [length + 1]: the words, and `jgan.data.vocabulary.END` up to the end. Its names
      are the vocabulary, made of the training split. A damaged image is replaced by one with the same captions.

    Raises:
      ValueError: as `open_source`; if there is no file of captions, it is malformed, an image has no caption, a caption is too long, or a
        word of another split is not in the training split.

    >>> source = open_captions("shapes", resolution=16, limit=3)
    >>> source.fields["caption"].shape, [source.names["caption"][number] for number in source.read(0)["caption"][:4]]
    ((11,), ['a', 'large', 'yellow', 'moon'])
    """
    spec, size = str(spec), checked_size(resolution)
    check_choices(channels, limit)
    if spec.split(":")[0] == "shapes":
        return _of_shapes(spec, split, limit, size, channels, length, min_count)
    if spec.split(":")[0] in ("animals", "faces", "tfds"):
        raise ValueError(f"expected images with captions, shapes or a folder or archive with {' or '.join(FILES)}, found {spec}")
    collection, training = (open_collection(spec, name, None, size) for name in (split, "train"))
    table = read_captions(Path(spec))
    captions, known = (_of_images(spec, found, table) for found in (collection, training))
    # An image that turns out to be damaged is replaced by one of its label: by one with the same captions.
    alike = numbered(["\n".join(some) for some in captions])
    images = source_of(collection._replace(labels=lambda: alike), spec, size, channels, limit, labels=True)
    kept = [images.names["label"][label].split("\n") for label in images.columns["label"]]
    names = vocabulary((split_sentence(text) for some in known for text in some), min_count)
    longest = max(len(split_sentence(text)) for some in table.values() for text in some)
    left_out = tuple((name, reason) for name, reason in images.skipped if PurePosixPath(name).name not in FILES)
    return with_captions(select(images, image="image")._replace(skipped=left_out), kept, names, length or longest)


def with_captions(source: Source, captions: Sequence[Sequence[str]], names: Sequence[str], length: int) -> Source:
    """Returns a source whose examples are those of another one, each with one of its captions.

    Args:
      source: any.
      captions: of every example one or more.
      names: a vocabulary of `jgan.data.vocabulary`.
      length: the most words of a caption.

    Raises:
      ValueError: for a caption that is longer, or a word that is not in the vocabulary.

    >>> from jgan.data import open_source
    >>> images = open_source("shapes", resolution=16, limit=2)
    >>> source = with_captions(images, [["a moon"], ["a heart", "a teal heart"]], ("<end>", "a", "heart", "moon", "teal"), 3)
    >>> source.size, source.columns["caption"].tolist()
    (3, [[1, 3, 0, 0], [1, 2, 0, 0], [1, 4, 2, 0]])
    """
    pairs = [(index, text) for index, some in enumerate(captions) for text in some]
    places = [f"the caption of example {index} of {source.name}" for index, _ in pairs]
    tokens = tokens_of([text for _, text in pairs], places, names, "words", length)
    images = subset(source, np.asarray([index for index, _ in pairs]))

    def read(index):
        return images.read(index) | {"caption": tokens[index]}

    return images._replace(
        fields={**images.fields, "caption": jax.ShapeDtypeStruct(tokens.shape[1:], tokens.dtype)},
        read=read,
        names={**images.names, "caption": tuple(names)},
        columns={**images.columns, "caption": tokens},
    )


def read_captions(path: Path) -> Table:
    """Returns the captions of a folder or archive by the files that they name.

    Raises:
      ValueError: if it has no such file or two of them, or a line is malformed; the message names it.
    """
    archive, outer, found = open_tables(path, FILES)
    if len(found) != 1:
        raise ValueError(f"expected {' or '.join(FILES)} at the top of {path}, found {' and '.join(found) or 'neither'}")
    (name,) = found
    entries = (_of_csv if name.endswith(".csv") else _of_lines)(archive, name, str(outer / name))
    table: dict[str, list[str]] = {}
    for place, file, given in entries:
        captions = [given] if isinstance(given, str) else given
        texts = isinstance(captions, list) and captions and all(isinstance(text, str) and text.strip() for text in captions)
        if not isinstance(file, str) or not file or not texts:
            raise ValueError(f"expected {EXPECTED}, found {reprlib.repr(given)} for {reprlib.repr(file)} in {place}; correct it")
        table.setdefault(key_of(file), []).extend(" ".join(text.split()) for text in captions)
    return table


def _of_lines(archive: Archive, name, where):
    for place, line in read_lines(archive.read(name), where):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"expected {EXPECTED} as JSON in {place}, found {error}; correct it") from error
        found = found if isinstance(found, dict) else {}
        yield place, found.get("file"), found.get("caption")


def _of_csv(archive: Archive, name, where):
    lines = read_lines(archive.read(name), where)
    rows = rows_of("\n".join(line for _, line in lines), where)
    if not rows or not {"file", "caption"} <= rows[0].keys():
        found = ", ".join(map(str, rows[0])) if rows else lines[0][1]
        raise ValueError(f"expected a header with file and caption, and rows, in {where}, found {found}; add them")
    for number, row in enumerate(rows, start=1):
        yield f"row {number} of {where}", row["file"], row["caption"]


def _of_images(spec, collection, table: Table) -> list[list[str]]:
    """The captions of every image of a collection."""
    found = [_captions_of(name.removeprefix(f"{spec}/"), table) for name in collection.names]
    missing = [name for name, captions in zip(collection.names, found, strict=True) if not captions]
    if missing:
        listed = f"it names {len(table)} files, first {next(iter(table))}"
        raise ValueError(f"expected a caption of every image in {spec}, found none for {len(missing)}, first {missing[0]}; {listed}")
    return found


def _captions_of(path, table: Table) -> list[str]:
    """The captions of an image by its path."""
    return [text for name in names_of(path) for text in table.get(name, ())]


def _of_shapes(spec, split, limit, size, channels, length, min_count):
    collection, wanted = open_collection(spec, split, limit, size), canonical_split(split) or split
    images = source_of(collection, spec, size, channels, limit)
    captions = [[shapes.caption(shapes.scene(shapes.FIRST[wanted] + index))] for index in range(images.size)]
    words = [split_sentence(text) for text in grammar.sentences()]
    return with_captions(images, captions, vocabulary(words, min_count), length or max(map(len, words)))
