"""How sure a mean is, and a success rate."""

import math

import numpy as np

HELD = 2**22  # values drawn at once


def bootstrap_interval(values, level: float = 0.95, draws: int = 10_000, seed: int = 0) -> tuple[float, float]:
    """Computes the interval of the mean of values [N], such as the differences of pairs: percentiles of the means of samples of them.

    The samples are of N, drawn with replacement (Efron 1979, https://doi.org/10.1214/aos/1176344552). The interval is too narrow for few
    values: of normal deviates, at 95 %, it holds the true mean in 84 % of all cases with 5 values, in 90 % with 10, in 93 % with 20.

    Args:
      values: finite numbers [N], independent of each other, at least 2.
      level: the share of the means inside the interval.
      draws: number of samples.
      seed: of the samples.

    Raises:
      ValueError: unless they are at least 2 finite numbers [N] and the level is between 0 and 1.

    >>> low, high = bootstrap_interval([0.0, 1.0, 2.0, 3.0])
    >>> low, high
    (0.5, 2.5)
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"expected at least 2 finite numbers [N], found shape {values.shape}: {values.ravel()[:5]}")
    if not 0.0 < level < 1.0:
        raise ValueError(f"expected a level between 0 and 1, found {level}")
    random, rows = np.random.default_rng(seed), max(1, HELD // len(values))
    parts = [min(rows, draws - start) for start in range(0, draws, rows)]
    means = [values[random.integers(0, len(values), (part, len(values)))].mean(axis=1) for part in parts]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Returns the interval of a success rate by Wilson's score, at 95 % with the default z: it is sound for few trials and rates near 0 and
    1.

    (p + z^2 / 2n ± z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)   (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953).

    Raises:
      ValueError: unless 0 <= successes <= trials and trials > 0.

    >>> [round(bound, 3) for bound in wilson(8, 8)]
    [0.676, 1.0]
    """
    if not 0 <= successes <= trials or not trials:
        raise ValueError(f"expected 0 <= successes <= trials and at least one trial, found {successes} of {trials}")
    rate, share = successes / trials, z * z / trials
    half = z * math.sqrt(rate * (1 - rate) / trials + share / (4 * trials))
    low, high = ((rate + share / 2 + side * half) / (1 + share) for side in (-1, 1))
    return max(low, 0.0), min(high, 1.0)
