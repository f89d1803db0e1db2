"""The comparison of growing and fixed networks, in miniature."""

import dataclasses
import warnings

import jax
import pytest
from experiments import progan
from tests.systems.check import quick_classifiers
from tests.systems.test_progan import TINY

from jgan.run.arms import Arm


@pytest.mark.slow
def test_compare(tmp_path, monkeypatch):
    short = dataclasses.replace(
        TINY, resolution=16, first_resolution=8, record_kimg=0.008, score_kimg=0.008, score_samples=16, steps_per_call=1, devices=1
    )
    arms = {"growing": short, "fixed": dataclasses.replace(short, first_resolution=16)}
    monkeypatch.setattr(progan, "ARMS", {name: Arm(progan.SYSTEM, config) for name, config in arms.items()})
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*(close to guessing|covariance lacks)")
        progan.compare(progan.SYSTEM, tmp_path, kimg=0.032)
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[0] == "| arm | kimg | minutes | frechet_distance | precision | recall |"
    assert [line.split(" | ")[1] for line in lines[2:4]] == ["0.032", "0.032"] and len(lines) == 5
