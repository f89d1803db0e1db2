"""N-gram models of sequences, the measure of text that needs no network: interpolated Kneser-Ney."""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

BEGIN = object()  # stands before a sequence
DISCOUNT = 0.75  # where counts do not say which


class Order(NamedTuple):
    """Counts of the n-grams of one length."""

    counts: Counter  # (*context, token) -> how often; of shorter n-grams, behind how many different tokens
    totals: Counter  # context -> sum of the counts
    kinds: Counter  # context -> number of different tokens behind it
    discount: float


class NGrams(NamedTuple):
    """A model of sequences."""

    vocabulary: int
    orders: tuple[Order, ...]  # from single tokens up


def ngrams(sequences: Iterable[Sequence[Hashable]], vocabulary: int, order: int = 5) -> NGrams:
    """Counts the n-grams of sequences.

    p(w | h) = max(c(h w) - D, 0) / c(h) + D kinds(h) / c(h) p(w | h without its first token), and 1 / vocabulary below single tokens. The
    longest n-grams are counted as they are, shorter ones by the number of different tokens before them; D = n1 / (n1 + 2 n2), n1 and n2
    the numbers of n-grams that are counted once and twice. Kneser, Ney 1995 (https://doi.org/10.1109/ICASSP.1995.479394) in the form of
    Chen, Goodman 1999, section 2.7 (https://doi.org/10.1006/csla.1999.0128).

    Args:
      sequences: with the token that ends them.
      vocabulary: number of tokens that there are.
      order: the longest n-grams, tokens; 0: all tokens are equally probable.

    Raises:
      ValueError: if there are no sequences, or the vocabulary or the order is too small.

    >>> model = ngrams(["ab.", "ab.", "ac."], vocabulary=4, order=2)
    >>> round(probability(model, "a", "b"), 4), round(sum(probability(model, "a", token) for token in "abc."), 4)
    (0.6, 1.0)
    """
    if vocabulary < 1 or order < 0:
        raise ValueError(f"expected a vocabulary of one token or more and an order of 0 or more, found {vocabulary} and {order}")
    padded = [(*[BEGIN] * (order - 1), *sequence) for sequence in sequences]
    if not padded:
        raise ValueError("expected one sequence or more, found none")
    counts = Counter(gram for sequence in padded for gram in _grams(sequence, order)) if order else Counter()
    orders = []
    for _ in range(order):
        orders.append(_order(counts))
        counts = Counter(gram[1:] for gram in counts)
    return NGrams(vocabulary, tuple(reversed(orders)))


def probability(model: NGrams, context: Sequence[Hashable], token: Hashable) -> float:
    """Computes p(token | context), of which only the last tokens count."""
    context, p = tuple(context), 1.0 / model.vocabulary
    for length, (counts, totals, kinds, discount) in enumerate(model.orders):
        before = context[len(context) - length :]
        if len(before) == length and totals[before]:
            p = (max(counts[*before, token] - discount, 0.0) + discount * kinds[before] * p) / totals[before]
    return p


def nats(model: NGrams, sequences: Iterable[Sequence[Hashable]]) -> np.ndarray:
    """Computes -log p of sequences, in nats, float64 [N].

    >>> nats(ngrams(["a"], vocabulary=4, order=0), ["ab"]).tolist() == [2 * math.log(4)]
    True
    """
    order, known = len(model.orders), {}
    found = []
    for sequence in sequences:
        padded, total = (*[BEGIN] * (order - 1), *sequence), 0.0
        for place in range(len(padded) - len(sequence), len(padded)):
            gram = padded[place - max(order, 1) + 1 : place + 1]
            if gram not in known:
                known[gram] = -math.log(probability(model, gram[:-1], gram[-1]))
            total += known[gram]
        found.append(total)
    return np.asarray(found)


def perplexity(model: NGrams, sequences: Sequence[Sequence[Hashable]]) -> float:
    """Computes exp(nats per token).

    >>> round(perplexity(ngrams(["a"], vocabulary=4, order=0), ["ab", "a"]), 6)
    4.0
    """
    return float(np.exp(nats(model, sequences).sum() / sum(map(len, sequences))))


def draw(model: NGrams, tokens: Sequence[Hashable], end: Hashable, count: int, longest: int, seed: int = 0) -> list[tuple[Hashable, ...]]:
    """Draws sequences token by token.

    Args:
      model: of `ngrams`.
      tokens: all that there are.
      end: the one that ends a sequence.
      count: number of sequences.
      longest: tokens after which a sequence ends anyway.
      seed: of what is drawn.

    >>> draw(ngrams(["ab."] * 99, vocabulary=3, order=2), "ab.", ".", count=2, longest=5)
    [('a', 'b', '.'), ('a', 'b', '.')]
    """
    random, order, known = np.random.default_rng(seed), len(model.orders), {}
    found = []
    for _ in range(count):
        sequence = []
        while len(sequence) < longest and sequence[-1:] != [end]:
            context = (*[BEGIN] * (order - 1), *sequence)[len(sequence) :] if order else ()
            if context not in known:
                known[context] = np.cumsum([probability(model, context, token) for token in tokens])
            place = np.searchsorted(known[context][:-1], random.random(), side="right")  # the last is 1 but for rounding
            sequence.append(tokens[place])
        found.append(tuple(sequence))
    return found


def _grams(sequence, order):
    return (sequence[place : place + order] for place in range(len(sequence) - order + 1))


def _order(counts):
    totals, kinds, numbers = Counter(), Counter(), Counter(counts.values())
    for gram, count in counts.items():
        totals[gram[:-1]] += count
        kinds[gram[:-1]] += 1
    once, twice = numbers[1], numbers[2]
    return Order(counts, totals, kinds, once / (once + 2 * twice) if once and twice else DISCOUNT)
