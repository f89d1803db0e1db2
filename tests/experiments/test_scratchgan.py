"""The comparison of text GANs with likelihood, in miniature."""

import dataclasses

import jax
import numpy as np
import pytest
from experiments import scratchgan
from PIL import Image
from tests.systems import test_language_model, test_scratchgan
from tests.systems.untrained import random_run

from jgan.run.arms import Arm
from jgan.run.trained import load
from jgan.systems import language_model


def test_arms_share_the_generator_and_the_data():
    for preset in ("grammar", "names"):
        configs = [arm.config for arm in scratchgan.arms_of(preset).values()]
        assert len({(c.data, c.unit, c.embedding, c.features, c.layers, c.score_samples) for c in configs}) == 1
    assert set(scratchgan.arms_of("names")) == {scratchgan.GAN, scratchgan.TWIN}


def test_models_that_need_no_training(tmp_path):
    """On the grammar the longer the n-grams the better; nothing is as good as the language itself."""
    config = dataclasses.replace(test_language_model.TINY, limit=2_000)
    trained = load(random_run(language_model.SYSTEM, config, tmp_path / "run"))
    found = scratchgan.references(trained)
    validity = [found[name]["validity"] for name in ("uniform", "unigram", "bigram", "trigram", "the language")]
    assert validity == sorted(validity) and validity[0] < 1e-4 and validity[3] > 0.5
    assert found["the language"]["entropy"] == pytest.approx(6.0741, abs=1e-4)


def test_references_of_names(tmp_path, monkeypatch):
    monkeypatch.setattr(scratchgan, "SAMPLES", 200)
    (tmp_path / "names.txt").write_text("\n".join(a + b for a in ("an", "be", "cor", "di") for b in ("na", "la", "ro", "sa", "to")))
    config = dataclasses.replace(test_language_model.TINY, data=str(tmp_path / "names.txt"), unit="characters", limit=None)
    found = scratchgan.references(load(random_run(language_model.SYSTEM, config, tmp_path / "run")))
    order = [found[name]["reverse_perplexity"] for name in ("trigram", "unigram", "uniform")]
    assert order == sorted(order) and found["training sentences"]["new"] == 0


def test_picture():
    rows = {"ScratchGAN": {"a": 1.0, "b": 0.2}, "likelihood, 0.5": {"a": 0.0, "b": 1.0}, "likelihood, 1": {"a": 2.0, "b": 0.5}}
    picture = np.asarray(scratchgan.plot(rows | {"none": {"a": np.nan, "b": 0.0}}, "a", "b", size=100, margin=40))
    assert picture.shape == (180, 180, 3)
    assert (picture[40 + 100, 90] == (0xC8, 0x50, 0x1E)).all() and (picture[40, 40] == (0x1F, 0x5F, 0xA8)).all()


@pytest.mark.slow
def test_compare(tmp_path, monkeypatch):
    tiny = {"record_kimg": 0.016, "devices": 1}
    arms = {scratchgan.GAN: Arm(scratchgan.SYSTEM, dataclasses.replace(test_scratchgan.TINY, **tiny))}
    arms |= {scratchgan.TWIN: Arm(language_model.SYSTEM, dataclasses.replace(test_language_model.TINY, **tiny))}
    monkeypatch.setattr(scratchgan, "arms_of", lambda preset: arms)
    monkeypatch.setattr(scratchgan, "TEMPERATURES", (0.5, 1.0))
    with jax.numpy_dtype_promotion("standard"):
        scratchgan.compare(scratchgan.SYSTEM, out=tmp_path, kimg=0.032)
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[0] == "| arm | validity | total_variation | entropy | kl | short |"
    names = [line.split(" | ")[0].strip("| ") for line in lines[2:]]
    assert names == ["ScratchGAN", "likelihood, 0.5", "likelihood, 1", *scratchgan.ORDERS, "the language"]
    assert np.asarray(Image.open(tmp_path / "picture.png")).shape == (600, 600, 3)
