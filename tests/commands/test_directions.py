"""Directions of a style-based generator whose numbers are random: found, kept, scored, and followed by samples."""

import functools
import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from tests.commands.mistakes import refused
from tests.systems.untrained import random_run

from jgan import bounded
from jgan.commands.along import parse_amounts
from jgan.commands.directions import leaks, realism
from jgan.console.main import main
from jgan.data.source import read_rows
from jgan.evaluation.attributes import train_attributes
from jgan.outputs.matrix import CELL
from jgan.run.trained import load
from jgan.systems.stylegan import SYSTEM, Config
from jgan.types import Features

CONFIG = Config(
    resolution=16,
    channel_base=64,
    channel_max=8,
    latent_size=4,
    style_size=6,
    mapping_layers=1,
    batch=4,
    limit=20,
    path_every=0,
)


def colours(source, folder):
    """Mean colours as features."""
    return Features("colours", lambda params, images: {"features": images.astype(jnp.float32).mean((1, 2))}, {}, {})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = random_run(SYSTEM, CONFIG, tmp_path_factory.mktemp("directions") / "run")
    quick = functools.partial(train_attributes, steps=2, batch=4)
    with pytest.MonkeyPatch.context() as patch, jax.numpy_dtype_promotion("standard"):
        patch.setattr(sys.modules["jgan.commands.directions"], "train_attributes", quick)
        patch.setattr(sys.modules["jgan.commands.directions"], "classifier_features", colours)
        given = "--attributes kind=moon colour=red --keep colour=blue --count 2 --samples 256 --score-samples 6 --layers 1-2"
        main(["directions", str(folder), *given.split(), "--seeds", "0", "--split", "train"])
    return folder


def kept(run):
    return bounded.read_npz(run / "directions" / "00000001.npz")


def test_what_is_kept(run):
    found = kept(run)
    assert list(found) == ["kind=moon", "colour=red", "colour=blue", "sefa/0", "sefa/1", "pca/0", "pca/1"]
    for move in found.values():
        assert move.shape == (6, 6) and move.dtype == np.float32
        np.testing.assert_array_equal(move[[0, 3, 4, 5]], 0)  # layers that were not chosen
        np.testing.assert_array_equal(move[1], move[2])
    assert abs(found["kind=moon"][1] @ found["colour=blue"][1]) < 1e-7 < 1e-5 < found["pca/0"][1] @ found["pca/0"][1]


def test_a_step_is_a_standard_deviation(run):
    w = load(run).outputs(range(256), only="ws")["ws"][:, 0].astype(np.float64)
    first, second = (kept(run)[name][1] for name in ("pca/0", "pca/1"))
    for move in (first, second):
        np.testing.assert_allclose(np.std(w @ move) / (move @ move), 1, rtol=1e-4)
    assert np.linalg.norm(first) >= np.linalg.norm(second)


def test_scores_and_picture(run):
    about = json.loads((run / "directions" / "00000001.json").read_text())
    assert about["step"] == 1 and about["layers"] == [1, 2] and about["classifier"].startswith("attributes-shapes-16px-")
    assert len(about["scores"]) == 7 + 10 and "flips" in about["scores"]["kind=moon"] and "flips" not in about["scores"]["random/0"]
    assert set(about["scores"]["pca/0"]["changed"]) == {"kind", "colour"}
    assert 0 <= about["realistic"] <= 1 and all(0 <= one["realistic"] <= 1 for one in about["scores"].values())
    with Image.open(run / "directions" / "00000001.png") as picture:
        assert picture.height > 7 * 16 and picture.width >= 7 * 16
    with Image.open(run / "directions" / "00000001-leak.png") as picture:
        assert picture.height >= (7 + 1) * CELL and picture.width >= 2 * CELL


def test_real_images_look_real_and_noise_does_not(run, monkeypatch):
    trained = load(run)
    monkeypatch.setattr(sys.modules["jgan.commands.directions"], "classifier_features", colours)
    real = realism(trained, run / "features")
    images = read_rows(trained.open_data(), np.arange(20))["image"]
    noise = np.random.default_rng(0).integers(0, 256, images.shape).astype(np.uint8)
    assert real.share(real.features(images)) == 1 and real.share(real.features(noise)) == 0


def test_leaks():
    found = {"kind=moon": 0.5, "random/0": 0.0, "random/1": 0.5}
    changed = {name: {"changed": {"kind": share, "colour": 1 - share}} for name, share in found.items()}
    assert leaks(changed) == {"kind=moon": {"kind": 0.5, "colour": 0.5}, "random (mean)": {"kind": 0.25, "colour": 0.75}}


def test_samples_along_directions(run, tmp_path):
    main(["sample", str(run), "--seeds", "3,5", "--direction", "pca/0=2", "kind=moon=-0.5", "--out", str(tmp_path / "each")])
    trained, found = load(run), kept(run)
    ws = trained.outputs([3, 5], only="ws", truncation=0.7)["ws"] + 2 * found["pca/0"] - np.float32(0.5) * found["kind=moon"]
    for number, expected in enumerate(trained(ws=ws)):
        np.testing.assert_allclose(np.asarray(Image.open(tmp_path / "each" / f"{number:04d}.png"), int), expected.astype(int), atol=1)


@pytest.mark.parametrize("text", ["smile", "smile=", "=2", "smile=nan", "smile=101", "smile=1e400"])
def test_steps_that_are_none(text):
    with pytest.raises(ValueError, match="expected NAME=STEP once for each"):
        parse_amounts([text])


def test_mistakes(run, tmp_path, capsys):
    bare = random_run(SYSTEM, CONFIG, tmp_path / "bare")
    assert "find them with `jgan directions" in refused(capsys, "sample", bare, "--direction", "pca/0=1")
    assert "expected some of the directions kind=moon, colour=red" in refused(capsys, "sample", run, "--direction", "hat=1")
    assert "--layers: expected some of 0-5" in refused(capsys, "directions", run, "--layers", "4-6")
    given = ("directions", run, "--methods", "pca", "--attributes", "hat")
    assert "expected attributes that are known, none, found hat" in refused(capsys, *given)
