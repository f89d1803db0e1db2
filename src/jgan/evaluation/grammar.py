"""How near generated sentences are to the exact language of `jgan.data.procedural.grammar`."""

from collections.abc import Sequence

import numpy as np

from jgan.data.procedural import grammar
from jgan.metrics.classes import entropy, histogram_distance, kl_divergence

DRAWS = 20_000  # texts among which the short sentences are looked for


def grammar_scores(shares: np.ndarray) -> dict[str, float]:
    """Computes what a distribution over texts has in common with the language.

    Exact where `shares` are the probabilities of a model. Where they are counted in a sample all numbers but `validity` depend on its size,
    too: 14,336 long sentences cannot all occur in a few thousand. Compare with as many sentences of the language itself.

    Args:
      shares: float [14400], of each of `grammar.sentences`; what is missing to 1 are texts that are no sentences.

    Returns:
      `validity`: the share of sentences. `total_variation`: from 0 (the language) to 1, the share of texts that would have to be others.
      `entropy`: of the sentences alone, nats; 6.0741 of the language. `kl`: KL(sentences || language), nats. `short`: how many of the 64
      sentences of one shape have a share above 0. Entropy and kl are NaN if there is no sentence.

    Raises:
      ValueError: for another shape, or shares that are no part of 1.

    >>> {name: round(value, 4) for name, value in grammar_scores(grammar.probabilities()).items()}
    {'validity': 1.0, 'total_variation': 0.0, 'entropy': 6.0741, 'kl': 0.0, 'short': 64.0}
    """
    shares, truth = np.asarray(shares, np.float64), grammar.probabilities()
    if shares.shape != truth.shape or not (shares >= 0).all() or shares.sum() > 1 + 1e-3:
        raise ValueError(f"expected shares of {len(truth)} sentences that sum to 1 or less, found {shares.shape}, sum {shares.sum():.6g}")
    validity = min(float(shares.sum()), 1.0)
    whole = [np.append(truth, 0.0), np.append(shares, 1 - validity) / max(shares.sum(), 1.0)]
    numbers = {"validity": validity, "total_variation": histogram_distance(*whole), "entropy": np.nan, "kl": np.nan}
    if validity:
        of_sentences = shares / shares.sum()
        numbers |= {"entropy": entropy(of_sentences), "kl": kl_divergence(truth, of_sentences)}
    return numbers | {"short": float(np.sum(-np.expm1(DRAWS * np.log1p(-np.minimum(shares[: grammar.SHORT], 1 - 1e-9)))))}


def shares_of(texts: Sequence[str]) -> np.ndarray:
    """Computes how often each of `grammar.sentences` occurs among texts, float64 [14400], as a share of all of them.

    >>> float(shares_of(["a large red moon", "red large"]).max())
    0.5
    """
    numbers = grammar.numbers_of(texts)
    return np.bincount(numbers[numbers >= 0], minlength=len(grammar.sentences())) / len(texts)
