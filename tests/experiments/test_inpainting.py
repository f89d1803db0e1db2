"""The comparison of inpainting, in miniature."""

import dataclasses
import functools
import warnings

import jax
import numpy as np
import pytest
from experiments import inpainting
from PIL import Image
from tests.systems.check import quick_classifiers
from tests.systems.test_inpainting import TINY

from jgan.evaluation import attributes
from jgan.run.arms import Arm


@pytest.mark.slow
def test_compare(tmp_path, monkeypatch, capsys):
    arms = {"both losses": TINY, "L1 alone": dataclasses.replace(TINY, adversarial_weight=0.0)}
    arms = {name: dataclasses.replace(config, score_samples=16, record_kimg=0.004, devices=1) for name, config in arms.items()}
    monkeypatch.setattr(inpainting, "ARMS", {name: Arm(inpainting.SYSTEM, config) for name, config in arms.items()})
    monkeypatch.setattr(inpainting, "SAMPLES", 32)
    monkeypatch.setattr(attributes, "UNSEEN_SHAPES", 64)
    monkeypatch.setattr(inpainting, "HIDDEN", 0.0)
    monkeypatch.setattr(attributes, "train_attributes", functools.partial(attributes.train_attributes, steps=2))
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*(close to guessing|covariance lacks)")
        inpainting.compare(inpainting.SYSTEM, tmp_path, kimg=0.016)
        inpainting.kept(inpainting.SYSTEM, tmp_path / "2-L1-alone")
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[0] == "| arm | frechet_distance | psnr | l1 | outside |"
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:]] == [
        "both losses",
        "both losses, coarse",
        "diffusion",
        "ring",
        "L1 alone",
        "L1 alone, coarse",
    ]
    assert all(line.endswith(" 0 |") for line in lines[2:])  # nothing but holes is changed
    assert np.asarray(Image.open(tmp_path / "picture.png")).ndim == 3
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines()[-4:]] == ["completed", "truth", "diffusion", "ring"]
    assert str(tmp_path / "picture.png") in printed
