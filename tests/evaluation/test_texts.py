import json

import jax.numpy as jnp
import numpy as np
import pytest

from jgan.data.procedural import grammar
from jgan.data.texts import open_texts
from jgan.evaluation.score import Snapshot
from jgan.evaluation.texts import grammar_score, grammar_shares, rows_of, text_score, text_scores

REAL = [(1, 2, 0), (1, 3, 0), (2, 1, 3, 0), (1, 2, 0)] * 5


@pytest.mark.parametrize(
    ("made", "different", "new"),
    [(REAL, 3 / 20, 0), ([(1, 2, 0)] * 4, 0.25, 0), ([(3, 3, 0), (1, 3, 0)], 1, 0.5)],
)
def test_shares(made, different, new):
    found = text_scores(made, REAL, REAL, 4)
    assert (found["different"], found["new"]) == (different, new)


def test_perplexities_see_what_is_wrong():
    real, repeated, wrong = (text_scores(made, REAL, REAL, 4) for made in (REAL, [(1, 2, 0)] * 20, [(3, 3, 3, 0)] * 20))
    assert real["reverse_perplexity"] < repeated["reverse_perplexity"] < wrong["reverse_perplexity"]
    assert repeated["forward_perplexity"] < real["forward_perplexity"] < wrong["forward_perplexity"]  # blind for lack of variety


def test_rows_end():
    assert rows_of(np.asarray([[0, 1, 0], [1, 2, 3]])) == [(0,), (1, 2, 3)]


@pytest.mark.parametrize("unit", ["words", "characters"])
def test_the_grammar_is_scored_exactly(unit):
    """Of a model that knows nothing: V to the power of the tokens of a sentence."""
    source = open_texts("shapes", unit=unit, limit=4)
    vocabulary = len(source.names["tokens"])

    def nats(state, tokens):
        count = jnp.minimum(jnp.sum(tokens > 0, axis=1) + 1, tokens.shape[1])
        return state * count.astype(jnp.float32) * np.float32(np.log(vocabulary))

    shares = grammar_shares(lambda tokens: nats(1.0, tokens), source)
    lengths = [len(sentence if unit == "characters" else sentence.split()) + 1 for sentence in grammar.sentences()]
    np.testing.assert_allclose(shares, float(vocabulary) ** -np.asarray(lengths), rtol=1e-4)
    score = grammar_score(nats, source)
    found = score.compute(Snapshot(jnp.float32(1), None))
    assert found[score.criterion] == pytest.approx(1, abs=1e-3) and found["score/validity"] == pytest.approx(shares.sum(), rel=1e-4)
    assert json.loads(json.dumps(score.protocol))["exact"] and set(score.watched) <= set(found)


def test_a_grammar_in_other_tokens_is_refused():
    source = open_texts("shapes", limit=4, length=10)._replace(names={"tokens": ("<end>", "a", "large")})
    with pytest.raises(ValueError, match="expected every sentence of the grammar in words of the data, found red, circle"):
        grammar_shares(lambda tokens: None, source)


def test_the_score_of_texts(tmp_path):
    (tmp_path / "t.txt").write_text("\n".join(f"{a} {b}" for a in "abcd" for b in "vwxyz"))
    train, test = (open_texts(tmp_path / "t.txt", split=split) for split in ("train", "test"))
    score = text_score(train, test, 6)

    def draw(source, n, seed=0):
        yield from ({"tokens": source.columns["tokens"][start : start + 4]} for start in (0, 4))  # the last batch holds more

    found = score.compute(Snapshot(None, draw))
    assert found[score.criterion] > 1 and (found["variety/different"], found["score/new"]) == (1, 0)
    assert score.lower_is_better and json.loads(json.dumps(score.protocol))["real_samples"] == 2
