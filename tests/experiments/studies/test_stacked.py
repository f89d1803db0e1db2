"""The study of stacked images in miniature: what is stacked, and how modes are counted."""

import dataclasses
import json

import jax
import numpy as np
import pytest
from experiments.studies import stacked
from tests.systems.check import quick_classifiers

from jgan.data import open_source
from jgan.run.main import study
from jgan.systems import r3gan


def test_stacked_images_are_those_of_the_source():
    source = open_source("shapes", resolution=16, channels=1, limit=20)
    found = stacked.stacked(source)
    singles = {source.read(i)["image"].tobytes() for i in range(20)}
    layers = [found.read(i)["image"][..., channel].tobytes() for i in range(20) for channel in range(3)]
    assert found.size == 20 and found.fields["image"].shape == (16, 16, 3)
    assert set(layers) == singles and len(set(zip(layers[::3], layers[1::3], layers[2::3], strict=True))) == 20


def by_brightness(images):
    """A classifier of ten classes that sees how bright an image is."""
    return {"logits": np.eye(10)[images[:, 0, 0, 0]]}


@pytest.mark.parametrize(
    ("combinations", "modes", "divergence"),
    [
        ([(1, 2, 3)] * 4, 1, np.log(1000)),
        ([(1, 2, 3), (3, 2, 1)], 2, np.log(500)),
        ([(a, b, c) for a in range(10) for b in range(10) for c in range(10)], 1000, 0.0),
    ],
    ids=["one", "two", "all"],
)
def test_modes(combinations, modes, divergence):
    images = np.broadcast_to(np.asarray(combinations, np.uint8)[:, None, None], (len(combinations), 8, 8, 3))
    found = stacked.modes(by_brightness, images)
    assert found[stacked.MODES] == modes and found[stacked.DIVERGENCE] == pytest.approx(divergence, abs=1e-9)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*(close to guessing|covariance lacks)")
def test_a_run(tmp_path, monkeypatch):
    small = dataclasses.replace(r3gan.PRESETS["fashion_mnist"], channel_base=128, channel_max=8, limit=100)
    monkeypatch.setitem(r3gan.PRESETS, "fashion_mnist", small)
    monkeypatch.setattr(stacked, "KINDS", {"all": {}, "none": {"loss": "non_saturating", "penalties": ()}})
    tiny = stacked.Config(data="shapes", resolution=16, kimg=0.032, samples=20)
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"):
        study("stacked", {"tiny": tiny}, stacked.train, arguments=["train", "--workdir", str(tmp_path / "run")])
    numbers = json.loads((tmp_path / "run" / "results.json").read_text())
    assert numbers["rows"].keys() == {"all", "none", "real images"} and "commit" in numbers["protocol"]
    assert "| real images |" in (tmp_path / "run" / "table.md").read_text()
