"""Inception Score: whether each image looks like one class, and all classes come up."""

import numpy as np


def inception_score(logits, splits: int = 10, seed: int | None = 0) -> tuple[float, float]:
    """Computes the mean and standard deviation over splits of exp(mean over images of KL(p(y|x) || p(y))), with p(y) the mean of p(y|x) in
    the split.

    Salimans et al. 2016, https://arxiv.org/abs/1606.03498, section 4; ten splits of 5,000 images there. The deviation has the divisor
    `splits`. Between 1 and the number of classes. It depends on the classifier: it is the Inception Score with the 1,008 logits of the
    2015 Inception graph, and a score of that kind with any other.

    Args:
      logits: [N, K] of the classifier on N images; log-probabilities do as well.
      splits: parts, of equal size but for rounding.
      seed: for shuffling first, which matters where images come in order of class; None leaves them in order.

    Raises ValueError if the logits are not [N, K] and finite, or there are fewer images than twice the splits.

    >>> mean, std = inception_score(100.0 * np.eye(4), splits=1)  # sure of each image, all four classes alike
    >>> round(mean, 6), std
    (4.0, 0.0)
    """
    logits = np.asarray(logits, np.float64)
    if logits.ndim != 2 or splits < 1 or len(logits) < 2 * splits:
        raise ValueError(f"expected logits [N, K] with N at least {2 * splits} for {splits} splits, found shape {logits.shape}")
    if not np.isfinite(logits).all():
        raise ValueError("expected finite logits, found NaN or infinity: check the images (a probability of 0 has no logarithm)")
    if seed is not None:
        logits = np.random.default_rng(seed).permutation(logits)
    scores = [_score(part) for part in np.array_split(logits, splits)]
    return float(np.mean(scores)), float(np.std(scores))


def _score(logits: np.ndarray) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    marginal = p.mean(axis=0, keepdims=True)
    return float(np.exp(np.sum(p * (log_p - np.log(np.maximum(marginal, np.finfo(float).tiny))), axis=1).mean()))
