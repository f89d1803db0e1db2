"""Numbers of animated images."""

import numpy as np
import pytest

from jgan.evaluation.animation import animation_numbers, identity_kept, landmark_error, reconstruction_numbers

RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.integers(0, 256, (3, 4, 8, 8, 3), np.uint8)
STILL = np.broadcast_to(TRUTH[:, :1], TRUTH.shape)


def test_a_source_that_stands_still_has_a_reconstruction_of_1_and_no_gain():
    assert reconstruction_numbers(STILL, TRUTH)["reconstruction"] == pytest.approx(1)
    assert animation_numbers(STILL, TRUTH)["gain"] == pytest.approx(0)


def test_half_the_difference_is_half_the_l1_and_six_decibels():
    half = ((STILL.astype(np.float32) + TRUTH) / 2).astype(np.uint8)
    assert reconstruction_numbers(half, TRUTH)["reconstruction"] == pytest.approx(0.5, abs=0.01)
    assert animation_numbers(half, TRUTH)["gain"] == pytest.approx(20 * np.log10(2), abs=0.1)


def test_true_clips_are_finite():
    assert reconstruction_numbers(TRUTH, TRUTH)["l1"] == 0 and animation_numbers(TRUTH, TRUTH)["psnr"] > 60


def test_landmarks_that_points_do_not_tell_are_missed_by_their_spread():
    landmarks = np.zeros((400, 14, 2))
    landmarks[:, 2:4, 0] = 1.0  # the right eye, at a distance of 1
    landmarks[:, 5:6] += RANDOM.choice([-1.0, 1.0], (400, 1, 1))
    points = RANDOM.normal(size=(400, 6))
    error = landmark_error(points[:200], landmarks[:200], points[200:], landmarks[200:])
    assert error == pytest.approx(np.sqrt(2) / 14, rel=0.1)
    points[:, 2] = landmarks[:, 5, 0]
    assert landmark_error(points[:200], landmarks[:200], points[200:], landmarks[200:]) < 1e-9


def test_identity_is_of_what_stays_and_can_be_seen(monkeypatch):
    found = RANDOM.integers(0, 3, (12, 10)).astype(np.int8)
    monkeypatch.setattr("jgan.evaluation.animation.read_attributes", lambda reader, images: found)
    wanted = found.reshape(3, 4, 10).copy()
    visible = np.ones(wanted.shape, bool)
    wanted[..., 8:] += 1  # smile and mouth
    wanted[0, 0, 0] += 1
    assert identity_kept(None, TRUTH, wanted, visible) == pytest.approx(1 - 1 / 96)
    visible[0, 0, 0] = False
    assert identity_kept(None, TRUTH, wanted, visible) == 1
