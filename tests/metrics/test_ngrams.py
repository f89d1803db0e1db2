import math

import numpy as np
import pytest

from jgan.metrics.ngrams import BEGIN, draw, nats, ngrams, perplexity, probability

TEXTS = ["abab.", "abc.", "ba.", "abab.", "c."]


@pytest.mark.parametrize("order", [0, 1, 2, 3, 5])
def test_probabilities_sum_to_one(order):
    model = ngrams(TEXTS, 5, order)
    for context in ((), (BEGIN,) * 4, (BEGIN, "a"), ("a", "b"), ("c", "c", "c"), tuple("abab")):
        found = [probability(model, context, token) for token in "abc.x"]  # x was never seen
        assert sum(found) == pytest.approx(1) and min(found) > 0


def test_single_tokens():
    """With order 1 counts are those of tokens: 6 a of 19. No token occurs once, so 0.75 of each count is given away, evenly."""
    model = ngrams(TEXTS, 4, 1)
    expected = (6 - 0.75) / 19 + 0.75 * 4 / 19 / 4
    assert probability(model, (), "a") == pytest.approx(expected)
    assert nats(model, ["a"]).tolist() == pytest.approx([-math.log(expected)])


def test_longer_contexts_know_more():
    held_out = ["abab.", "abc."]
    found = [perplexity(ngrams(TEXTS, 4, order), held_out) for order in (0, 1, 2, 3)]
    assert found[0] == pytest.approx(4) and found == sorted(found, reverse=True)


def test_the_beginning_counts():
    model = ngrams(["ab", "ab"], 2, 2)
    assert probability(model, (BEGIN,), "a") > 0.6 > 0.5 > probability(model, (BEGIN,), "b")


def test_nats_add_up():
    model = ngrams(TEXTS, 4, 3)
    by_hand = [-math.log(probability(model, (BEGIN, BEGIN, *"abc."[:place]), "abc."[place])) for place in range(4)]
    np.testing.assert_allclose(nats(model, ["abc.", "abc."]), [sum(by_hand)] * 2)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_sequences_are_drawn_as_often_as_they_are_probable(order):
    model, count = ngrams(TEXTS, 4, order), 4_000
    drawn = draw(model, "abc.", ".", count, longest=6, seed=1)
    assert max(map(len, drawn)) <= 6 and all("." not in sequence[:-1] for sequence in drawn)
    for text in ("c.", "abc.", "."):
        expected = math.exp(-nats(model, [text])[0])
        assert abs(drawn.count(tuple(text)) / count - expected) < 4.5 * math.sqrt(expected * (1 - expected) / count) + 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(([], 3), "expected one sequence or more"), ((["a"], 0), "a vocabulary of one"), ((["a"], 3, -1), "an order of 0 or more")],
)
def test_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ngrams(*arguments)
