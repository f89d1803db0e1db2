import numpy as np
import pytest

from jgan.data.procedural import grammar, shapes


def test_every_sentence_once():
    sentences, probabilities = grammar.sentences(), grammar.probabilities()
    assert len(sentences) == len(set(sentences)) == len(probabilities) == 14_400
    assert np.isclose(probabilities.sum(), 1) and np.isclose(probabilities[: grammar.SHORT].sum(), 0.75)
    assert {len(sentence.split()) for sentence in sentences[: grammar.SHORT]} == {4}
    assert grammar.numbers_of(sentences[::100]).tolist() == list(range(0, 14_400, 100))


def test_sentences_say_what_scenes_are():
    scenes = [shapes.scene(index) for index in range(100)]
    for scene, row in zip(scenes, grammar.attributes_of(list(map(shapes.caption, scenes))), strict=True):
        said = [values[number] for values, number in zip(grammar.ATTRIBUTES.values(), row, strict=True)]
        main = scene.shapes[0]
        assert said[:2] == [main.colour, main.kind] and said[2] == (scene.place if scene.shapes[1:] else "alone")
        assert not scene.shapes[1:] or said[3:] == [scene.shapes[1].colour, scene.shapes[1].kind]


def test_pairs_that_are_held_out():
    """Each has another colour and another kind, and every colour and kind stays in other sentences."""
    assert len({word for pair in grammar.HELD_OUT for word in pair.split()}) == 12
    kept = [sentence for sentence in grammar.sentences() if not grammar.says_held_out(sentence)]
    assert sum(sentence in kept for sentence in grammar.sentences()[: grammar.SHORT]) == 58
    assert {tuple(row[:2]) for row in grammar.attributes_of(kept).tolist()} == {
        tuple(row[:2]) for row in grammar.attributes_of(kept[:58]).tolist()
    }


def test_what_is_no_sentence():
    with pytest.raises(ValueError, match="expected sentences as 'a large red circle', found 'a red moon'"):
        grammar.attributes_of(["a large red moon", "a red moon"])

    texts = ["", "a large red red", "a large red moon above a small red star", "a large red moon "]
    assert grammar.numbers_of(texts).tolist() == [-1] * 4


def test_scenes_are_drawn_with_these_probabilities():
    """Counts of the kinds of sentences and of each word, within four standard deviations."""
    count = 6_000
    numbers = grammar.numbers_of([shapes.caption(shapes.scene(index, seed=5)) for index in range(count)])
    assert numbers.min() >= 0
    words = sorted({word for sentence in grammar.sentences() for word in sentence.split()})
    has = np.asarray([[word in sentence.split() for word in words] for sentence in grammar.sentences()])
    expected = grammar.probabilities() @ has
    np.testing.assert_array_less(np.abs(has[numbers].mean(0) - expected), 4 * np.sqrt(expected * (1 - expected) / count) + 1e-9)
    short = np.bincount(numbers[numbers < grammar.SHORT], minlength=grammar.SHORT)
    chi_squared = np.sum((short - short.mean()) ** 2 / short.mean())  # 63 degrees of freedom: 63 +- 11
    assert chi_squared < 63 + 4 * np.sqrt(2 * 63)
