"""Scores of edits, on images of a few pixels."""

import numpy as np
import pytest

from jgan.evaluation.editing import attribute_numbers, baselines, changed_pixels, truth_numbers
from jgan.metrics.structure import MOST_PSNR

BEFORE = np.full((1, 6, 6, 3), 100, np.uint8)
TRUTH = BEFORE.copy()
TRUTH[0, 2:4, 2:4] = 150


def test_attributes_reached_and_kept():
    wanted = np.asarray([[1, 0, 1], [0, 0, 1]], bool)
    found = np.asarray([[1, 1, 1], [1, 0, 1]], bool)
    expected = {"reached": 0.5, "kept": 0.75, "kept/hat": 0.5, "kept/smile": 1.0}
    assert attribute_numbers(found, wanted, ("glasses", "hat", "smile"), "glasses") == expected
    assert attribute_numbers(found[:, :1], wanted[:, :1], ("glasses",), "glasses") == {"reached": 0.5}


@pytest.mark.parametrize(
    ("inside", "outside", "expected"),
    [(150, 100, (MOST_PSNR, MOST_PSNR)), (100, 100, (20 * np.log10(255 / 50), MOST_PSNR)), (150, 90, (MOST_PSNR, 20 * np.log10(255 / 10)))],
)
def test_inside_and_outside_of_what_changes(inside, outside, expected):
    edited = np.where(changed_pixels(BEFORE, TRUTH), np.uint8(inside), np.uint8(outside)).repeat(3, axis=3)
    found = truth_numbers(edited, BEFORE, TRUTH)
    np.testing.assert_allclose([found["psnr_inside"], found["psnr_outside"]], expected, rtol=1e-5)


def test_baselines():
    before = BEFORE.copy()
    before[0, 0:2] = 40  # above the hole: 4 of the 5 rows and columns around it start here
    mask = changed_pixels(BEFORE, TRUTH)
    found = baselines(before, mask, np.full((6, 6, 3), 7.4))
    np.testing.assert_array_equal(found["copy"], before)
    for name in ("mean", "ring"):
        np.testing.assert_array_equal(np.where(mask, 0, found[name]), np.where(mask, 0, before))
    assert found["mean"][0, 2, 2].tolist() == [7, 7, 7]
    assert found["ring"][0, 2, 2].tolist() == [round((12 * 40 + 20 * 100) / 32)] * 3
