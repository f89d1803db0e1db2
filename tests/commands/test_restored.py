"""What systems that give images back what they lost are measured by, and compared."""

import json

import jax
import numpy as np
import pytest
from PIL import Image
from tests.systems.check import quick_classifiers
from tests.systems.untrained import random_run

from jgan.commands import evaluate_restored
from jgan.commands.compare_restored import compare_restored
from jgan.run.arms import Arm
from jgan.run.trained import load
from jgan.systems import dcgan
from jgan.systems.superresolution import SYSTEM, Config

TINY = Config(resolution=32, crop=32, scale=2, batch=4, features=2, blocks=1, discriminator_features=2, limit=16, kimg=0.004, devices=1)


pytestmark = pytest.mark.filterwarnings("ignore:.*(close to guessing|covariance lacks)")


@pytest.fixture(autouse=True)
def promotion():
    with jax.numpy_dtype_promotion("standard"):  # optax promotes dtypes implicitly
        yield


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (3, 41, 50, 3), np.uint8)
    for name, image in zip("abc", (pixels[0], pixels[1], pixels[2].swapaxes(0, 1)), strict=True):
        Image.fromarray(image).save(folder / f"{name}.png")
    return folder


def test_images_of_any_size(photos, tmp_path):
    run = random_run(SYSTEM, TINY, tmp_path / "run", scale=0.1)
    with quick_classifiers():
        evaluate_restored.evaluate(SYSTEM, run, images=photos)
    lines = [json.loads(line) for line in (run / "evaluations.jsonl").read_text().splitlines()]
    names = {"psnr_y", "ssim_y", "top_octave", "consistency", "frechet_distance"}
    assert {line["metric"] for line in lines} == names | {f"baseline/{name}" for name in names}
    assert all(np.isfinite(line["value"]) and line["samples"] == 3 and line["tile"] == 40 for line in lines)
    trained = load(run, system=SYSTEM)
    pairs = evaluate_restored.pairs_of(trained, photos, "train")
    assert [pair["target"].shape for pair in pairs] == [(40, 50, 3), (40, 50, 3), (50, 40, 3)]
    groups = evaluate_restored.shown_of(trained, pairs)
    assert [group["restored"].shape for group in groups] == [(2, 40, 50, 3), (1, 50, 40, 3)]
    np.testing.assert_array_equal(groups[1]["restored"], trained(input=pairs[2]["input"][None], noise=0))


def test_systems_that_give_nothing_back(tmp_path):
    config = dcgan.Config(resolution=16, features=2, batch=4, limit=8)
    trained = load(random_run(dcgan.SYSTEM, config, tmp_path / "run"), system=dcgan.SYSTEM)
    with pytest.raises(ValueError, match="expected a system with a restoration, found dcgan"):
        evaluate_restored.restoration_of(trained)


@pytest.mark.slow
def test_arms_are_compared(photos, tmp_path, capsys):
    first = Arm(SYSTEM, Config(**{**vars(TINY), "adversarial_weight": 0.0, "score_kimg": 0}))
    second = Arm(SYSTEM, Config(**{**vars(TINY), "score_kimg": 0}), init_from="first stage")
    with quick_classifiers():
        compare_restored({"first stage": first, "second": second}, "bicubic", tmp_path / "out", photos, {"seed": 1, "kimg": None})
    rows = (tmp_path / "out" / "table.md").read_text().splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| bicubic", "| first stage", "| second"]
    assert np.asarray(Image.open(tmp_path / "out" / "picture.png")).shape[1] > 4 * 40
    assert "parameters of" in capsys.readouterr().out
