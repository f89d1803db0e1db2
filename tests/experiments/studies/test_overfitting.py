"""The study of overfitting in miniature."""

import dataclasses
import json

import jax
import numpy as np
import pytest
from experiments.studies import overfitting
from tests.systems.check import quick_classifiers

from jgan.run.main import study
from jgan.systems import stylegan

TINY = overfitting.Config(data="shapes", kept="star", held_out=4, resolution=16, kimg=0.016, seeds=1)
SIZES = {"channel_base": 32, "channel_max": 8, "latent_size": 8, "style_size": 8}
SMALL = dataclasses.replace(stylegan.PRESETS["shapes"], **SIZES, limit=200)


def test_what_is_held_out_is_not_learned(tmp_path, monkeypatch):
    monkeypatch.setitem(stylegan.PRESETS, "shapes", SMALL)
    arms = overfitting.arms(TINY, tmp_path)
    assert list(arms) == ["none 0", "ada 0", "diffusion 0"] and arms["ada 0"].config.augment == "ada"
    sizes = {arm.system.data(arm.config).size for arm in arms.values()}
    every = overfitting.arms(dataclasses.replace(TINY, held_out=2), tmp_path)["none 0"]
    assert len(sizes) == 1 and every.system.data(every.config).size == sizes.pop() + 2


def test_an_unknown_class(tmp_path):
    arm = overfitting.arms(dataclasses.replace(TINY, kept="rose"), tmp_path)["none 0"]
    with pytest.raises(ValueError, match="expected a class of shapes, circle.*found rose"):
        arm.system.data(arm.config)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*(close to guessing|covariance lacks)")
def test_a_run(tmp_path, monkeypatch):
    monkeypatch.setitem(stylegan.PRESETS, "shapes", SMALL)
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"):
        study("overfitting", {"tiny": TINY}, overfitting.train, arguments=["train", "--workdir", str(tmp_path / "run")])
    numbers = json.loads((tmp_path / "run" / "results.json").read_text())
    assert all(np.isfinite(list(numbers[f"{augment} 0"].values())).all() for augment in overfitting.AUGMENTATIONS)
    assert numbers["none 0"]["strength"] == 0 and (tmp_path / "run" / "picture.png").exists()
    assert (tmp_path / "run" / "table.md").read_text().count("\n") == 5
