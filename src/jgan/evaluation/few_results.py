"""Scores of the arms of `jgan.evaluation.few`, what each adds to the classic one, and how sure that is."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jgan.metrics.intervals import bootstrap_interval

CLASSIC = "classic"  # the arm with which all others are compared


class Scores(NamedTuple):
    """How an arm did, of every subset and seed: float [subsets, seeds]."""

    test: np.ndarray
    validation: np.ndarray
    share: np.ndarray  # of generated examples, as it was chosen; 0 without any


class Difference(NamedTuple):
    """Test scores of an arm minus those of another, pair by pair."""

    mean: float
    low: float
    high: float


def differences(scores: Mapping[str, Scores], base: str = CLASSIC) -> dict[str, Difference]:
    """Computes how much better each arm is on the test examples than another, with the 95 % interval.

    Seeds of one subset are not independent of each other, so their mean is taken and subsets are drawn for the interval.

    >>> zero = np.zeros((3, 1))
    >>> found = differences({"classic": Scores(zero, zero, zero), "none": Scores(zero - 0.5, zero, zero)})
    >>> found["none"]
    Difference(mean=-0.5, low=-0.5, high=-0.5)
    """
    gains = {arm: (one.test - scores[base].test).mean(axis=1) for arm, one in scores.items() if arm != base}
    return {arm: Difference(float(gain.mean()), *bootstrap_interval(gain)) for arm, gain in gains.items()}


def verdict(difference: Difference) -> str:
    """Returns what can be said: "helps" or "hurts" where the interval is on one side of 0, else "not told apart".

    >>> verdict(Difference(0.1, -0.1, 0.3))
    'not told apart'
    """
    return "helps" if difference.low > 0 else "hurts" if difference.high < 0 else "not told apart"


def table(scores: Mapping[str, Scores], metric: str = "score") -> str:
    """Returns scores as Markdown, a row per arm: mean ± standard deviation over the subsets, in hundredths, and the gain over "classic".

    >>> zero = np.zeros((3, 1))
    >>> print(table({"classic": Scores(zero + 0.5, zero, zero), "none": Scores(zero, zero, zero)}).splitlines()[-1])
    | none | 0.0 ± 0.0 | -50.0 [-50.0, -50.0] | hurts | |
    """
    gains = differences(scores)
    rows = [["arm", f"{metric}, 0 to 100", "minus classic [95 % interval]", "verdict", "share chosen"], ["---"] * 5]
    for arm, one in scores.items():
        means, gain = 100 * one.test.mean(axis=1), gains.get(arm)
        row = [arm, f"{means.mean():.1f} ± {means.std(ddof=1):.1f}"]
        row += [f"{100 * gain.mean:+.1f} [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]", verdict(gain)] if gain else ["", ""]
        rows.append([*row, f"{one.share.mean():.0%}" if one.share.any() else ""])
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |").replace("|  |", "| |") for row in rows)


def to_numbers(scores: Mapping[str, Scores]) -> dict[str, Any]:
    """Returns everything about the scores, as JSON takes it."""
    gains = differences(scores)
    numbers: dict[str, Any] = {
        arm: {name: np.round(values, 5).tolist() for name, values in one._asdict().items()} for arm, one in scores.items()
    }
    for arm, gain in gains.items():
        numbers[arm] |= {"minus classic": gain._asdict(), "verdict": verdict(gain)}
    return numbers
