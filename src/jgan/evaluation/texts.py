"""How good generated texts are: exactly where their language is known, else by n-gram models both ways."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from jgan.data.procedural import grammar
from jgan.data.source import Source
from jgan.data.vocabulary import encode, split_sentence, unit_of
from jgan.evaluation.grammar import grammar_scores
from jgan.evaluation.likelihood import filled
from jgan.evaluation.results import describe
from jgan.evaluation.score import Score, Snapshot, drawn
from jgan.metrics.ngrams import NGrams, ngrams, perplexity
from jgan.types import Array

ORDER = 5
BATCH = 2_400  # sentences of the grammar at a time
Row = tuple[int, ...]


def rows_of(tokens: np.ndarray) -> list[Row]:
    """Returns tokens [N, T] as sequences, each up to its first 0, which ends it.

    >>> rows_of(np.asarray([[1, 2, 0, 0], [3, 3, 3, 3]]))
    [(1, 2, 0), (3, 3, 3, 3)]
    """
    lengths = np.where((tokens == 0).any(axis=1), (tokens == 0).argmax(axis=1) + 1, tokens.shape[1])
    return [tuple(row[:length]) for row, length in zip(tokens.tolist(), lengths.tolist(), strict=True)]


def text_scores(made: Sequence[Row], training: Sequence[Row], held_out: Sequence[Row], vocabulary: int) -> dict[str, float]:
    """Compares texts with real ones.

    Args:
      made: what is judged.
      training: what the generator has learned from.
      held_out: real texts that it has not seen.
      vocabulary: number of tokens.

    Returns:
      `reverse_perplexity`: of the real texts that were held out, in a 5-gram model of those made; it is high where they are wrong and where
      they lack variety (Zhao et al. 2018, section 5.1, https://arxiv.org/abs/1706.04223). `forward_perplexity`: of those made, in a model
      of the real ones that were held out; it is low where they repeat what is frequent, so it says little alone. `different`: the share
      of those made that are left without repetitions. `new`: the share that the training has not. Both depend on how many were made.

    >>> real = [(1, 2, 0), (1, 1, 0), (2, 0)]
    >>> {name: round(value, 2) for name, value in text_scores([(1, 2, 0), (2, 2, 0)], real, real, vocabulary=3).items()}
    {'reverse_perplexity': 3.13, 'forward_perplexity': 2.66, 'different': 1.0, 'new': 0.5}
    """
    return _text_scores(made, set(training), held_out, ngrams(held_out, vocabulary, ORDER))


def text_score(source: Source, held_out: Source, samples: int) -> Score:
    """Returns `text_scores` of drawn `tokens`; the criterion is the reverse perplexity.

    Args:
      source: what is trained on.
      held_out: other real texts, of the same vocabulary.
      samples: number of texts that are drawn.
    """
    training, real = set(rows_of(source.columns["tokens"])), rows_of(held_out.columns["tokens"])
    model = ngrams(real, len(source.names["tokens"]), ORDER)
    protocol = {"metric": "perplexity", "order": ORDER, "samples": samples, "real_samples": len(real), **describe(source)}

    def compute(snapshot: Snapshot) -> dict[str, float]:
        made = drawn(snapshot, source, samples, "tokens")["tokens"]
        found = _text_scores(rows_of(made), training, real, model)
        return {(f"variety/{name}" if name == "different" else f"score/{name}"): value for name, value in found.items()}

    return Score("score/reverse_perplexity", protocol, compute, watched={"variety/different": 0.5})


def grammar_shares(nats: Callable[[np.ndarray], Any], source: Source) -> np.ndarray:
    """Computes the probability of every sentence of the grammar, float64 [14400].

    Args:
      nats: tokens [BATCH, T] -> -log p [BATCH] of a model of the source.
      source: of `open_texts("shapes")`, in words or characters.

    Raises:
      ValueError: if the sentences cannot all be written in its tokens.
    """
    names, (length,) = source.names["tokens"], source.spec.shape("tokens")
    words = [split_sentence(sentence, unit_of(names)) for sentence in grammar.sentences()]
    rows = {"tokens": encode(words, names, length, lambda index: "every sentence of the grammar")}
    found = [np.asarray(nats(filled(rows, start, BATCH)["tokens"])) for start in range(0, len(words), BATCH)]
    return np.exp(-np.concatenate(found)[: len(words)].astype(np.float64))


def grammar_score(nats: Callable[[Any, Array], Array], source: Source) -> Score:
    """Returns `grammar_scores` of the exact distribution of a model; the criterion is the total variation.

    Args:
      nats: (state of the run, tokens [N, T]) -> -log p [N].
      source: as of `grammar_shares`.
    """
    compiled, protocol = jax.jit(nats), {"metric": "total variation", "exact": True, **describe(source)}

    def compute(snapshot: Snapshot) -> dict[str, float]:
        found = grammar_scores(grammar_shares(lambda tokens: compiled(snapshot.state, tokens), source))
        return {(f"variety/{name}" if name in ("entropy", "short") else f"score/{name}"): value for name, value in found.items()}

    return Score("score/total_variation", protocol, compute, watched={"variety/entropy": 0.5})


def _text_scores(made: Sequence[Row], training: set[Row], held_out: Sequence[Row], model: NGrams) -> dict[str, float]:
    return {
        "reverse_perplexity": perplexity(ngrams(made, model.vocabulary, ORDER), held_out),
        "forward_perplexity": perplexity(model, made),
        "different": len(set(made)) / len(made),
        "new": sum(row not in training for row in made) / len(made),
    }
