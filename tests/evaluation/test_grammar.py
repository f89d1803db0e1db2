import numpy as np
import pytest

from jgan.data.procedural import grammar
from jgan.evaluation.grammar import grammar_scores, shares_of

SENTENCES, TRUTH = grammar.sentences(), grammar.probabilities()


def test_half_of_the_texts_are_no_sentences():
    found = grammar_scores(TRUTH / 2)
    assert found == pytest.approx({"validity": 0.5, "total_variation": 0.5, "entropy": 6.0741, "kl": 0, "short": 64}, abs=1e-4)


def test_one_sentence_alone():
    shares = np.zeros(len(TRUTH))
    shares[3] = 1
    rare = TRUTH[3]
    expected = {"validity": 1, "total_variation": 1 - rare, "entropy": 0, "kl": -np.log(rare), "short": 1}
    assert grammar_scores(shares) == pytest.approx(expected)


def test_short_sentences_alone():
    shares = np.where(np.arange(len(TRUTH)) < grammar.SHORT, 1 / 64, 0)
    expected = {"validity": 1, "total_variation": 0.25, "entropy": np.log(64), "kl": np.log(1 / 0.75), "short": 64}
    assert grammar_scores(shares) == pytest.approx(expected)


def test_no_sentence():
    found = grammar_scores(shares_of(["moon", ""]))
    assert (found["validity"], found["short"]) == (0, 0) and found["total_variation"] == pytest.approx(1) and np.isnan(found["kl"])


def test_texts_are_counted():
    shares = shares_of([SENTENCES[5], SENTENCES[5], "none", SENTENCES[14_399]])
    assert shares[[5, 14_399]].tolist() == [0.5, 0.25] and shares.sum() == 0.75


@pytest.mark.parametrize("shares", [TRUTH[:5], 2 * TRUTH, -TRUTH, np.full(14_400, np.nan)])
def test_shares_that_are_none(shares):
    with pytest.raises(ValueError, match="expected shares of 14400 sentences"):
        grammar_scores(shares)
