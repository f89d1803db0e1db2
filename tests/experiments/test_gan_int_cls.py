"""The comparison of images of captions, in miniature."""

import dataclasses

import jax
import numpy as np
import pytest
from experiments import gan_int_cls
from PIL import Image
from tests.systems.check import quick_classifiers
from tests.systems.test_gan_int_cls import TINY

from jgan.data.procedural import grammar
from jgan.evaluation import captions
from jgan.run.arms import Arm


def test_captions_of_the_picture_are_sentences_and_the_last_three_are_held_out():
    assert grammar.numbers_of(gan_int_cls.CAPTIONS).min() >= 0
    assert [grammar.says_held_out(text) for text in gan_int_cls.CAPTIONS] == [False] * 5 + [True] * 3


def test_arms_lack_one_part_each():
    full, *others = (dataclasses.asdict(arm.config) for arm in gan_int_cls.ARMS.values())
    assert [[name for name in full if full[name] != other[name]] for other in others] == [["wrong_captions"], ["between_weight"]]


@pytest.mark.slow
def test_compare(tmp_path, monkeypatch):
    monkeypatch.setattr(captions, "UNSEEN", 40)
    monkeypatch.setattr(gan_int_cls, "SAMPLES", 16)
    tiny = {"record_kimg": 0.008, "score_kimg": 0.0, "devices": 1}
    changes = {"INT-CLS": {}, "without": {"wrong_captions": False, "between_weight": 0.0}}
    arms = {name: Arm(gan_int_cls.SYSTEM, dataclasses.replace(TINY, **tiny, **change)) for name, change in changes.items()}
    monkeypatch.setattr(gan_int_cls, "ARMS", arms)
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"):
        gan_int_cls.compare(gan_int_cls.SYSTEM, tmp_path)
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[0].startswith("| arm | exact | exact/one | exact/two | shuffled |") and len(lines) == 4
    assert np.asarray(Image.open(tmp_path / "picture.png")).ndim == 3
