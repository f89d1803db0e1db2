"""The pix2pix experiment in miniature: its presets, its step on one device and on several, and its command line."""

import dataclasses

import jax
import numpy as np
import pytest
from tests.experiments.translators import CommandLine, evaluated, experiment, fits_together, play, records, same, same_records

from jgan.data import resident
from jgan.data.pairs import open_pairs, paired
from jgan.run import translation
from jgan.run.export import load_exported
from jgan.run.translation_scores import in_range

pix2pix = experiment("pix2pix")
TINY = pix2pix.Config(resolution=16, jitter=2, batch=4, width=2, patch_layers=2)
call = CommandLine(pix2pix, "pix2pix", ("kimg",))


@pytest.fixture(autouse=True)
def implicit_promotion():
    """optax promotes dtypes implicitly."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.parametrize("name", pix2pix.PRESETS)
def test_every_preset_fits_together(name):
    config = pix2pix.PRESETS[name]
    metrics = fits_together(pix2pix.build(config), config, config.jitter)
    assert ("discriminator/loss" in metrics) == ("generator/adversarial" in metrics) == bool(config.adversarial_weight)


def test_half_precision():
    config = dataclasses.replace(TINY, half=True)
    fits_together(pix2pix.build(config), config, config.jitter)


def test_both_images_are_cropped_and_mirrored_alike():
    batch = {"image": np.random.default_rng(0).integers(0, 256, (8, 18, 18, 3), np.uint8)}
    found = jax.jit(lambda keys: pix2pix.augmented(TINY, keys, batch | {"target": 255 - batch["image"]}))(
        jax.random.split(jax.random.key(0))
    )
    assert found["image"].shape == (8, 16, 16, 3)
    np.testing.assert_allclose(found["image"], -found["target"], atol=1e-6)


@pytest.mark.slow
def test_devices_change_nothing():
    feed = paired(resident(open_pairs("shapes", resolution=18, limit=16).both, batch=4, seed=0))
    same(*(play(pix2pix.build(TINY), feed, devices) for devices in (1, 2)))


SETTINGS = dict(resolution=16, jitter=2, width=2, patch_layers=2, batch=4, limit=40, kimg=0.032, record_kimg=0.008, sample_kimg=0.032)
SETTINGS |= dict(checkpoint_kimg=0.016, score_kimg=0, steps_per_call=1, devices=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    with jax.numpy_dtype_promotion("standard"):
        call.train(folder, **SETTINGS)
    return folder


def test_what_a_run_leaves_behind(run):
    assert [r["images"] for r in records(run)] == [8, 16, 24, 32]
    assert sorted(p.name for p in (run / "samples").iterdir()) == ["00000000.png", "00000032.png"]
    l1 = [r["generator/l1"] for r in records(run)]
    assert l1[-1] < l1[0] and "<html" in (run / "report.html").read_text()


def test_a_stopped_run_goes_on(run, tmp_path, monkeypatch):
    call.stopped_and_resumed(monkeypatch, tmp_path / "run", **SETTINGS)
    same_records(run, tmp_path / "run")


def test_a_trained_translator_in_three_lines_and_as_a_file(run, tmp_path):
    translate = pix2pix.load(run)
    images = translation.take(open_pairs("shapes", resolution=16, limit=3).image, 3)
    assert translate(images).shape == (3, 16, 16, 3) and translate(images[0, :9, :13]).shape == (9, 13, 3)
    assert (translate(images, seed=1) != translate(images)).any()
    call("export", run, "--out", tmp_path / "x.jaxexp")
    silent, _ = translate.network.apply(translate.params, translate.state, in_range(images))
    np.testing.assert_allclose(load_exported(tmp_path / "x.jaxexp")(in_range(images)), silent, atol=1e-4)
    with pytest.raises(ValueError, match="train with --reverse"):
        pix2pix.load(run, direction="backward")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*close to guessing", "ignore:.*covariance lacks")
def test_score_and_evaluation(tmp_path):
    run = tmp_path / "run"
    call.train(run, **SETTINGS | {"score_kimg": 0.032, "score_samples": 20})
    assert {"pairs/psnr", "pairs/l1", "pairs/ssim"} <= records(run)[-1].keys()
    pairs = pix2pix.open_pairs("shapes", resolution=16, limit=40)
    pix2pix.translation_scores.evaluate_pairs(pix2pix.load, lambda *_: pairs, run)
    found = evaluated(run)
    assert found["psnr"] == pytest.approx(records(run)[-1]["pairs/psnr"], abs=1.0) and np.isfinite(found["input/frechet_distance"])
