"""The comparison of generators of sound, in miniature."""

import dataclasses
import warnings

import jax
import pytest
from experiments import wavegan
from tests.systems import test_specgan, test_wavegan
from tests.systems.check import quick_classifiers

from jgan.run.arms import Arm, compare
from jgan.systems import specgan


def test_arms():
    assert list(wavegan.ARMS) == ["WaveGAN", "without phase shuffle", "SpecGAN"]
    with_shuffle, without, _ = (arm.config for arm in wavegan.ARMS.values())
    assert dataclasses.replace(without, shuffle=2) == with_shuffle and without.shuffle == 0


@pytest.mark.slow
def test_compare(tmp_path):
    short = {"record_kimg": 0.008, "score_kimg": 0, "steps_per_call": 1, "devices": 1}
    arms = {
        "WaveGAN": Arm(wavegan.SYSTEM, dataclasses.replace(test_wavegan.TINY, **short)),
        "SpecGAN": Arm(specgan.SYSTEM, dataclasses.replace(test_specgan.TINY, **short)),
    }
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*(close to guessing|covariance lacks|more dimensions|samples)")
        compare(arms)(wavegan.SYSTEM, tmp_path, kimg=0.016)
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[0].startswith("| arm | frechet_distance | precision |") and [line.split(" | ")[0] for line in lines[2:]] == [
        "| WaveGAN",
        "| SpecGAN",
    ]
