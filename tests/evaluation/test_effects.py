"""Effects of directions on attributes, on log-odds that are made up."""

import numpy as np
import pytest

from jgan.evaluation.effects import effect, flips, targets_of

VALUES = {"smile": ("no", "yes"), "hue": ("red", "green", "blue")}
STEPS = np.asarray([-2.0, -1.0, 0.0, 1.0, 2.0])
SMILE = targets_of(VALUES)[0]


def odds(smile, hue):
    """Log-odds [N, S, 5] of a smile [N, S], and of hues by number [N, S]."""
    hues = np.where(np.asarray(hue)[..., None] == np.arange(3), 3.0, -3.0)
    return np.concatenate([-np.asarray(smile)[..., None], np.asarray(smile)[..., None], hues], axis=-1)


CLEAN = odds(smile=[STEPS - 0.5, STEPS + 0.5], hue=[[1] * 5] * 2)  # one image does not smile before, one does
LEAKING = odds(smile=[STEPS - 0.5, STEPS + 0.5], hue=[[0, 1, 1, 1, 2]] * 2)


def test_what_a_direction_does():
    found = effect(LEAKING, STEPS, VALUES)
    assert found.changed == {"smile": 0.5, "hue": 1.0}  # each image flips to one side
    assert found.spearman["smile"] == pytest.approx(1) and found.spearman["hue=green"] == 0
    assert found.spearman["hue=red"] == pytest.approx(-np.sqrt(0.5)) == -found.spearman["hue=blue"]
    assert effect(CLEAN, STEPS, VALUES).changed["hue"] == 0


def test_flips_count_where_others_are_kept():
    assert flips(CLEAN, STEPS, VALUES, SMILE) == (1.0, 1.0, 1.0)
    late = odds(smile=[STEPS - 1.5, STEPS + 1.5], hue=[[1] * 5] * 2)
    assert flips(late, STEPS, VALUES, SMILE) == (2.0, 1.0, 1.0)
    assert flips(odds([STEPS - 1.5, STEPS + 1.5], [[0, 1, 1, 1, 2]] * 2), STEPS, VALUES, SMILE) == (1.0, 0.0, 1.0)


def test_where_no_step_keeps_the_others():
    everywhere = odds(smile=[STEPS - 0.5], hue=[[0, 0, 1, 2, 2]])
    assert flips(everywhere, STEPS, VALUES, SMILE) == (1.0, 1.0, 0.0)


def test_presence_is_whatever_is_not_absence():
    target = targets_of({"hat": ("none", "cap", "beanie")})[0]
    assert target.name == "hat" and target.score(np.asarray([2.0, -3.0, -3.0])) == -2
