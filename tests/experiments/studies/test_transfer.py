"""The study of transfer in miniature."""

import dataclasses
import json

import jax
import numpy as np
import pytest
from experiments.studies import transfer
from tests.systems.check import quick_classifiers

from jgan.run.main import study
from jgan.systems import stylegan

TINY = transfer.Config(data="shapes", kept="star", images=16, resolution=16, first_kimg=0.016, kimg=0.016, score_kimg=0.016, seeds=1)
SIZES = {"channel_base": 32, "channel_max": 8, "latent_size": 8, "style_size": 8}
SMALL = dataclasses.replace(stylegan.PRESETS["shapes"], **SIZES, limit=200, score_samples=20)


def test_parts(tmp_path, monkeypatch):
    """The class that is kept is not among the others, and few of its images are learned."""
    monkeypatch.setitem(stylegan.PRESETS, "shapes", SMALL)
    arms = transfer.arms(TINY, tmp_path)
    assert [arm.init_from for arm in arms.values()] == [None, None, "other classes"]
    others, few = (arms[name].system.data(arms[name].config) for name in ("other classes", "from scratch 0"))
    assert few.size == 16 and others.size + few.size <= 200
    pixels = {source.read(i)["image"].tobytes() for source in (others,) for i in range(others.size)}
    assert not any(few.read(i)["image"].tobytes() in pixels for i in range(few.size))


def test_an_unknown_class(tmp_path):
    arm = transfer.arms(dataclasses.replace(TINY, kept="rose"), tmp_path)["other classes"]
    with pytest.raises(ValueError, match="expected a class of shapes, circle.*found rose"):
        arm.system.data(arm.config)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*(close to guessing|covariance lacks)")
def test_a_run(tmp_path, monkeypatch):
    monkeypatch.setitem(stylegan.PRESETS, "shapes", SMALL)
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"):
        study("transfer", {"tiny": TINY}, transfer.train, arguments=["train", "--workdir", str(tmp_path / "run")])
    numbers = json.loads((tmp_path / "run" / "results.json").read_text())
    assert all(np.isfinite(list(numbers[f"{way} 0"].values())).all() for way in transfer.WAYS)
    assert (tmp_path / "run" / "table.md").read_text().count("\n") == 3
