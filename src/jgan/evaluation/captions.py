"""Whether generated shapes show what their captions say, as a network sees it that no generator was trained with."""

from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from jgan.data.attributes import with_attributes
from jgan.data.labels import Labels
from jgan.data.open import open_source
from jgan.data.procedural import grammar, shapes
from jgan.data.source import Source
from jgan.data.texts import tokens_of
from jgan.data.vocabulary import decode
from jgan.evaluation.attributes import AttributeClassifier, read_attributes, train_attributes
from jgan.evaluation.results import describe
from jgan.evaluation.score import Score, Snapshot, drawn
from jgan.models.progan import shrunk
from jgan.ops.images import to_float

UNSEEN = 16_000  # images from which the network learns
OF_SMALL = ("small_colour", "small_kind")
HELD_OUT_REPEATS = 50  # images of each sentence that was held out


def caption_reader(spec: str, resolution: int, channels: int | None, folder: str | Path) -> AttributeClassifier:
    """Trains a network, on shapes that no generator sees, to read what a caption says: `grammar.ATTRIBUTES`.

    Args:
      spec: "shapes" or "shapes:equal-luma".
      resolution, channels: of the images.
      folder: where its weights are kept.
    """
    source = open_source(spec, split="val", resolution=resolution, channels=channels, limit=UNSEEN)
    first = shapes.FIRST["val"]
    found = grammar.attributes_of([shapes.caption(shapes.scene(first + index)) for index in range(source.size)])
    columns = {name: Labels(found[:, place].astype(np.int32), values) for place, (name, values) in enumerate(grammar.ATTRIBUTES.items())}
    named, seen = with_attributes(source, columns), shown(found)

    def read(index):
        return named.read(index) | {"visible": seen[index]}

    fields = {**named.fields, "visible": jax.ShapeDtypeStruct(seen.shape[1:], seen.dtype)}
    return train_attributes(named._replace(fields=fields, read=read, columns={**named.columns, "visible": seen}), folder)


def shown(attributes: np.ndarray) -> np.ndarray:
    """Returns which of `grammar.ATTRIBUTES` a scene has, bool [N, 5]: without a small shape all but its colour and kind.

    >>> shown(np.asarray([[1, 3, 0, 0, 0], [0, 7, 3, 5, 5]])).sum(axis=1).tolist()
    [3, 5]
    """
    names = list(grammar.ATTRIBUTES)
    small = np.asarray([name in OF_SMALL for name in names])
    return ~small[None] | (attributes[:, [names.index("place")]] > 0)


def read_shapes(reader: AttributeClassifier, images: np.ndarray) -> np.ndarray:
    """Reads `grammar.ATTRIBUTES` in images [N, H, W, C], int8 [N, 5]; images that are larger than the reader's by a whole factor are
    reduced to those, each pixel the mean of several.

    Raises:
      ValueError: for images of another shape.
    """
    factor = max(1, images.shape[1] // reader.protocol["shape"][0])
    return read_attributes(reader, np.asarray(shrunk(to_float(images), factor)))


def match_numbers(found: np.ndarray, texts: Sequence[str]) -> dict[str, float]:
    """Computes how often images show what their captions say.

    Args:
      found: int [N, 5], what a reader sees in the images, as `grammar.ATTRIBUTES`.
      texts: N sentences of the grammar.

    Returns:
      `exact`: the share of images with all that was said; `exact/one` and `exact/two` by the number of shapes; `right/ATTRIBUTE`: the share
      with that alone, among captions that say it; `shuffled`: `exact` with the caption of the next image, which is chance. NaN of none.

    >>> found = np.asarray([[1, 3, 0, 6, 6], [0, 7, 2, 5, 5]])
    >>> match_numbers(found, ["a large orange star", "a large red moon left of a small blue ring"])["exact"]
    0.5
    """
    wanted = grammar.attributes_of(texts)
    seen = shown(wanted)
    hits = (found == wanted) | ~seen
    exact, two = hits.all(axis=1), seen.all(axis=1)
    next_wanted = np.roll(wanted, 1, axis=0)
    shuffled = ((found == next_wanted) | ~shown(next_wanted)).all(axis=1)
    numbers = {"exact": exact, "exact/one": exact[~two], "exact/two": exact[two], "shuffled": shuffled}
    place = list(grammar.ATTRIBUTES).index("place")
    for number, name in enumerate(grammar.ATTRIBUTES):
        numbers[f"right/{name}"] = hits[two if number == place else seen[:, number], number]
    return {name: float(values.mean()) if len(values) else float("nan") for name, values in numbers.items()}


def sentences_of(source: Source, sentences: Sequence[str]) -> Source:
    """Returns other sentences as the captions of a source without images.

    Raises:
      ValueError: for a word that is not in the vocabulary of the source.
    """
    names, (length,) = source.names["caption"], source.spec.shape("caption")
    tokens = tokens_of(sentences, sentences, names, "words", length - 1)
    fields = {"caption": source.fields["caption"]}
    name = f"{len(sentences)} sentences"
    return Source(name, len(tokens), fields, lambda index: {"caption": tokens[index]}, {"caption": names}, {"caption": tokens})


def caption_score(source: Source, test: Source, reader: AttributeClassifier, samples: int) -> Score:
    """Returns `match_numbers` of images that are drawn of the captions of `test`, and `exact` of sentences with `grammar.HELD_OUT`; the
    criterion is `exact`.

    Args:
      source: what is trained on, whose captions give the vocabulary.
      test: with captions that are drawn from.
      reader: of `caption_reader`.
      samples: number of images.
    """
    short = [sentence for sentence in grammar.sentences()[: grammar.SHORT] if grammar.says_held_out(sentence)]
    held_out = sentences_of(source, short * HELD_OUT_REPEATS)
    criterion = f"score/exact/{reader.name}"
    protocol = {"metric": "exact match", "reader": reader.name, "held_out_accuracy": dict(reader.accuracy), "samples": samples}

    def numbers_of(snapshot, source, count):
        made = drawn(snapshot, source, count, "image", "caption")
        return match_numbers(read_shapes(reader, made["image"]), decode(made["caption"], source.names["caption"]))

    def compute(snapshot: Snapshot) -> dict[str, float]:
        numbers = numbers_of(snapshot, test, samples)
        of_held_out = numbers_of(snapshot, held_out, held_out.size)
        found = {f"captions/{name}": value for name, value in numbers.items() if name != "exact"}
        return {criterion: numbers["exact"], **found, "captions/exact/held_out_pairs": of_held_out["exact"]}

    return Score(criterion, protocol | describe(source), compute, lower_is_better=False)
