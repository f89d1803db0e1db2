"""Images found again by a style-based generator whose numbers are random."""

import json

import jax
import numpy as np
import pytest
from PIL import Image
from tests.commands.mistakes import refused
from tests.systems.untrained import random_run

from jgan import bounded
from jgan.commands.along import file_of_directions
from jgan.console.main import main
from jgan.evaluation.gather import npz_of
from jgan.outputs.files import write_atomic
from jgan.run.trained import load
from jgan.systems.stylegan import SYSTEM, Config

SIZE = 8
CONFIG = Config(
    resolution=SIZE, channel_base=64, channel_max=8, latent_size=4, style_size=6, mapping_layers=1, batch=4, limit=24, path_every=0
)
MOVE = np.full((4, 6), 0.5, np.float32)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = random_run(SYSTEM, CONFIG, tmp_path_factory.mktemp("project") / "run", scale=0.3)
    write_atomic(file_of_directions(folder, 1), npz_of({"up": MOVE}))
    return folder


@pytest.fixture(scope="module")
def album(run, tmp_path_factory):
    """Two samples, one of them at twice the size."""
    folder = tmp_path_factory.mktemp("album")
    for name, image in zip(("a.png", "b.png"), load(run)([1000, 1001]), strict=True):
        Image.fromarray(image).resize((SIZE * (1 + (name == "b.png")),) * 2, Image.Resampling.NEAREST).save(folder / name)
    return folder


def project(run, album, out, *given):
    settings = "--steps 60 --tuning-steps 60 --samples 100 --features none --direction up=2".split()
    with jax.numpy_dtype_promotion("standard"):  # optax promotes implicitly
        main(["project", str(run), str(album), str(out), *settings, *given])
    return json.loads((out / "scores.json").read_text()), bounded.read_npz(out / "latents.npz")


def read(path):
    return np.asarray(Image.open(path), int)


@pytest.mark.parametrize("space", ["w", "w+"])
def test_what_is_found_in_styles(run, album, tmp_path, space):
    scores, found = project(run, album, tmp_path, "--space", space)
    trained = load(run)
    for row, name in enumerate(("a.png", "b.png")):
        decibels = scores["psnr"][name]
        assert list(decibels) == list(dict.fromkeys(["nearest", "w", space])) and decibels["w"] > 30
        weights = {path: found[f"noise/{level}"][row][None] for level, path in enumerate(trained.sampling.styles.noise)}
        for folder, ws in (("images", found["ws"][row]), ("edited", found["ws"][row] + 2 * MOVE)):
            image = trained.apply({**trained.weights, **weights}, {"ws": ws[None]})["image"][0]
            np.testing.assert_allclose(read(tmp_path / folder / name), np.clip(127.5 * image + 127.5, 0, 255), atol=1)
    assert found["ws"].shape == (2, 4, 6) and (np.ptp(found["ws"], axis=1).max() > 1e-3) == (space == "w+")
    if space == "w+":
        assert np.mean([of["w+"] - of["w"] for of in scores["psnr"].values()]) > 0


def test_generators_tuned_to_images(run, album, tmp_path):
    scores, found = project(run, album, tmp_path, "--space", "pti")
    for row, name in enumerate(("a", "b")):
        assert scores["psnr"][f"{name}.png"]["pti"] > scores["psnr"][f"{name}.png"]["w"]
        tuned = load(tmp_path / "tuned" / f"{name}.npz")
        for folder, ws in (("images", found["ws"][row]), ("edited", found["ws"][row] + 2 * MOVE)):
            np.testing.assert_allclose(tuned(ws=ws[None])[0].astype(int), read(tmp_path / folder / f"{name}.png"), atol=1)


def test_mistakes(run, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    assert "is a file" in refused(capsys, "project", run, tmp_path, tmp_path / "file" / "x")
    assert "no images in" in refused(capsys, "project", run, tmp_path / "empty", tmp_path / "out")
    assert "--direction: expected NAME=STEP" in refused(capsys, "project", run, tmp_path, "--direction", "up")
    assert "expected some of the directions up, found down" in refused(capsys, "project", run, tmp_path, "--direction", "down=1")
