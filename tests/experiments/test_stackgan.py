"""The comparison of one stage and two, in miniature."""

import dataclasses
import warnings

import jax
import numpy as np
import pytest
from experiments import stackgan
from PIL import Image
from tests.systems.check import quick_classifiers
from tests.systems.test_gan_int_cls import TINY as ONE_STAGE
from tests.systems.test_stackgan import TINY

from jgan.data.procedural import grammar
from jgan.evaluation import captions
from jgan.run.arms import Arm
from jgan.systems import gan_int_cls


def test_captions_of_the_picture_are_sentences_and_the_last_two_are_held_out():
    assert grammar.numbers_of(stackgan.CAPTIONS).min() >= 0
    assert [grammar.says_held_out(text) for text in stackgan.CAPTIONS] == [False] * 3 + [True] * 2


def test_arms_are_of_one_size_and_hold_out_the_same():
    one, other = (arm.config for arm in stackgan.ARMS.values())
    assert all(getattr(one, name) == getattr(other, name) for name in ("data", "resolution", "hold_out", "batch", "channels"))


@pytest.mark.slow
def test_compare(tmp_path, monkeypatch):
    monkeypatch.setattr(captions, "UNSEEN", 40)
    monkeypatch.setattr(captions, "HELD_OUT_REPEATS", 2)
    monkeypatch.setattr(stackgan, "SAMPLES", 16)
    tiny = {"record_kimg": 0.008, "score_kimg": 0.0, "devices": 1, "steps_per_call": 1}
    one = dataclasses.replace(ONE_STAGE, resolution=32, **tiny)
    arms = {"StackGAN": Arm(stackgan.SYSTEM, dataclasses.replace(TINY, **tiny)), "one stage": Arm(gan_int_cls.SYSTEM, one)}
    monkeypatch.setattr(stackgan, "ARMS", arms)
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*(close to guessing|covariance lacks)")
        stackgan.compare(stackgan.SYSTEM, tmp_path)
    header, _, *rows = [line.split(" | ") for line in (tmp_path / "table.md").read_text().splitlines()]
    assert header[1] == "exact" and [row[0] for row in rows] == ["| stage II", "| stage I", "| stage I, bilinear", "| one stage"]
    place = header.index("frechet_distance")
    assert [bool(row[place].strip()) for row in rows] == [True, False, True, True]  # small images have no distance to large ones
    assert np.asarray(Image.open(tmp_path / "picture.png")).ndim == 3
