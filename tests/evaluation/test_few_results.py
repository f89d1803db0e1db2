"""Differences are taken pair by pair and are as sure as the subsets are many."""

import json

import numpy as np
import pytest

from jgan.evaluation.few_results import Difference, Scores, differences, table, to_numbers, verdict


def scores(test, share=0.0):
    test = np.asarray(test)
    return Scores(test, test, np.full(test.shape, share))


BASE = np.asarray([[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]])  # subsets differ far more than arms
FOUND = {"classic": scores(BASE), "none": scores(BASE - 0.02), "classic + GAN": scores(BASE + [[0.1, -0.1]], 0.5)}


def test_pairs_take_the_difference_of_subsets_away():
    found = differences(FOUND)
    assert list(found) == ["none", "classic + GAN"]
    assert found["none"] == pytest.approx((-0.02, -0.02, -0.02))
    assert found["classic + GAN"] == pytest.approx((0, 0, 0), abs=1e-12)  # seeds of a subset are one value


@pytest.mark.parametrize(
    "low, high, said", [(0.1, 0.2, "helps"), (-0.2, -0.1, "hurts"), (-0.1, 0.1, "not told apart"), (0.0, 0.1, "not told apart")]
)
def test_verdict(low, high, said):
    assert verdict(Difference((low + high) / 2, low, high)) == said


def test_the_table():
    lines = table(FOUND, "Dice").splitlines()
    assert lines[0].startswith("| arm | Dice, 0 to 100 |") and lines[2] == "| classic | 50.0 ± 40.0 | | | |"
    assert lines[3] == "| none | 48.0 ± 40.0 | -2.0 [-2.0, -2.0] | hurts | |"
    assert lines[4].endswith("| 50% |") and all(line.count("|") == 6 for line in lines)


def test_numbers_are_plain():
    numbers = json.loads(json.dumps(to_numbers(FOUND)))
    assert numbers["none"]["verdict"] == "hurts" and "verdict" not in numbers["classic"]
    assert numbers["classic"]["test"] == BASE.tolist() and numbers["classic + GAN"]["share"] == [[0.5] * 2] * 3
