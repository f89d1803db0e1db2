import jax
import numpy as np
import pytest
from tests.systems.check import quick_classifiers

from jgan.data.captions import open_captions
from jgan.data.procedural import grammar
from jgan.data.vocabulary import decode
from jgan.evaluation import captions
from jgan.evaluation.captions import caption_reader, caption_score, match_numbers, sentences_of
from jgan.evaluation.score import Snapshot

TEXTS = [
    "a large red moon",
    "a large orange star above a small blue ring",
    "a large pink ring",
    "a large red moon left of a small pink star",
]
TRUTH = grammar.attributes_of(TEXTS)


def changed(row, column):
    found = TRUTH.copy()
    found[row, column] = (found[row, column] + 1) % 4
    return found


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (TRUTH, {"exact": 1, "exact/one": 1, "exact/two": 1, "right/kind": 1, "right/small_kind": 1, "right/place": 1, "shuffled": 0}),
        (changed(0, 1), {"exact": 0.75, "exact/one": 0.5, "exact/two": 1, "right/kind": 0.75, "right/colour": 1}),
        (changed(3, 4), {"exact": 0.75, "exact/two": 0.5, "right/small_kind": 0.5, "right/small_colour": 1}),
        (changed(0, 4), {"exact": 1}),  # of a small shape that nobody asked for
        (changed(0, 2), {"exact": 0.75, "exact/one": 0.5, "right/place": 1}),  # a small shape appeared
        (np.roll(TRUTH, 1, axis=0), {"exact": 0, "shuffled": 1}),
    ],
)
def test_matches(found, expected):
    numbers = match_numbers(found, TEXTS)
    assert {name: numbers[name] for name in expected} == expected


def test_other_sentences_in_the_same_words():
    source = open_captions("shapes", resolution=16, limit=4)
    other = sentences_of(source, TEXTS)
    assert decode(other.columns["caption"], other.names["caption"]) == TEXTS and other.fields["caption"] == source.fields["caption"]
    with pytest.raises(ValueError, match="found crimson"):
        sentences_of(source, ["a large crimson moon"])


def test_the_score_of_real_images(tmp_path, monkeypatch):
    """Of a generator that gives the images of the test split, in whatever order it is asked."""
    monkeypatch.setattr(captions, "UNSEEN", 40)
    monkeypatch.setattr(captions, "HELD_OUT_REPEATS", 2)
    test = open_captions("shapes", resolution=16, limit=8)
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"):  # optax promotes dtypes implicitly
        reader = caption_reader("shapes", 16, 3, tmp_path)
    assert list(reader.values) == list(grammar.ATTRIBUTES)
    monkeypatch.setattr(captions, "read_shapes", lambda reader, images: grammar.attributes_of([seen[i] for i in images[:, 0, 0, 0]]))
    seen = []

    def draw(source, n, seed=0):
        tokens = source.columns["caption"][:n]
        first = len(seen)
        seen.extend(decode(tokens, source.names["caption"]))
        yield {"image": np.broadcast_to(np.arange(first, len(seen))[:, None, None, None], (len(tokens), 2, 2, 1)), "caption": tokens}

    score = caption_score(test, test, reader, 6)
    found = score.compute(Snapshot(None, draw))
    assert found[score.criterion] == found["captions/exact/held_out_pairs"] == 1 and not score.lower_is_better
    assert len(seen) == 6 + 2 * 6 and all(grammar.says_held_out(text) for text in seen[6:])
