"""The DiscoGAN experiment in miniature: its presets, its step, the measurement of angles, and its command line."""

import dataclasses

import jax
import numpy as np
import pytest
from tests.experiments.translators import CommandLine, evaluated, experiment, fits_together, play, records, same, same_records

from jgan.data import resident, shapes
from jgan.data.pairs import combined

discogan = experiment("discogan")
TINY = discogan.Config(resolution=16, batch=4, width=2, bottleneck=3)
call = CommandLine(discogan, "discogan", ("kimg",))


@pytest.fixture(autouse=True)
def implicit_promotion():
    """optax promotes dtypes implicitly."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.parametrize("name", discogan.PRESETS)
def test_every_preset_fits_together(name):
    config = discogan.PRESETS[name]
    fits_together(discogan.build(config), config)


def test_half_precision():
    config = dataclasses.replace(TINY, half=True)
    fits_together(discogan.build(config), config)
    with pytest.raises(ValueError, match="a resolution of 16, 32, 64"):
        discogan.build(dataclasses.replace(TINY, resolution=24))


def feed():
    first, second = discogan.open_data(dataclasses.replace(TINY, limit=12))
    return combined(image=resident(first, batch=4, seed=0), target=resident(second, batch=4, seed=1))


@pytest.mark.parametrize("method", discogan.METHODS)
def test_the_terms_of_each_method(method):
    config = dataclasses.replace(TINY, method=method)
    state, metrics, programs = play(discogan.build(config), feed())
    terms = discogan.METHODS[method]
    names = ("forward/adversarial", "forward/loop", "backward/adversarial", "backward/loop")
    total = sum(weight * metrics[f"generator/{name}"] for weight, name in zip(terms, names, strict=True))
    np.testing.assert_allclose(metrics["generator/loss"], total, rtol=1e-4)
    assert programs == 1 and state.step == 3


@pytest.mark.slow
def test_devices_change_nothing():
    same(*(play(discogan.build(TINY), feed(), devices) for devices in (1, 2)))


@pytest.mark.parametrize("domain", [0, 1])
def test_angles_are_measured(domain):
    sources = discogan.open_data(dataclasses.replace(TINY, resolution=32), "test")
    true = np.array([np.rad2deg(discogan.scene("test", domain, i).shapes[0].angle) for i in range(60)])
    images = np.stack([sources[domain].read(i) for i in range(60)])
    seen, far = discogan.measured(images, domain)
    assert np.abs(seen - true).max() < 1.5 and far.max() < 0.02
    found = discogan.angle_numbers(true, images, domain)
    assert found["angle_correlation"] > 0.999 and found["parts_reached"] == 1 and found["ambiguity"] < 2
    cut = discogan.angle_numbers((true + 150) % 150 - 75, images, domain)  # in pieces, yet one to one
    assert abs(cut["angle_correlation"]) < 0.8 and cut["ambiguity"] < 20
    folded = discogan.angle_numbers(np.where(np.arange(60) % 2, true, -true), images, domain)
    assert folded["ambiguity"] > 20
    collapsed = discogan.angle_numbers(true, np.repeat(images[:1], 60, axis=0), domain)
    assert collapsed["angle_correlation"] == 0 and collapsed["parts_reached"] == 0.1 and collapsed["ambiguity"] > 20
    assert discogan.measured(sources[1 - domain].read(0)[None], domain)[1] > 0.1


def test_train_and_test_differ():
    assert discogan.scene("train", 0, 3) != discogan.scene("test", 0, 3)
    assert discogan.scene("train", 0, 3).shapes[0].angle != discogan.scene("train", 1, 3).shapes[0].angle
    assert {discogan.scene("train", d, 0).shapes[0].kind for d in (0, 1)} < set(shapes.KINDS)


SETTINGS = dict(resolution=16, width=2, bottleneck=3, batch=4, limit=20, kimg=0.016, record_kimg=0.004, sample_kimg=0.016)
SETTINGS |= dict(checkpoint_kimg=0.008, score_kimg=0, steps_per_call=1, devices=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    with jax.numpy_dtype_promotion("standard"):
        call.train(folder, **SETTINGS)
    return folder


def test_a_stopped_run_goes_on(run, tmp_path, monkeypatch):
    call.stopped_and_resumed(monkeypatch, tmp_path / "run", **SETTINGS)
    assert [r["images"] for r in records(run)] == [4, 8, 12, 16]
    same_records(run, tmp_path / "run")


def test_commands(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(discogan.SIZES, "test", 20)
    images = np.random.default_rng(0).integers(0, 256, (2, 13, 30, 3), np.uint8)
    there, back = (discogan.load(run, direction=way) for way in ("forward", "backward"))
    assert there(images).shape == images.shape
    assert any(jax.tree.leaves(jax.tree.map(lambda a, b: bool((a != b).any()), there.params, back.params)))
    capsys.readouterr()
    call("angles", run)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["forward", "angle_correlation"], ["backward", "angle_correlation"]]
    call("export", run, "--out", tmp_path / "x.jaxexp")
    assert (tmp_path / "x.jaxexp").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*close to guessing", "ignore:.*covariance lacks")
def test_evaluation(run, monkeypatch):
    monkeypatch.setitem(discogan.SIZES, "test", 20)
    call("evaluate", run)
    assert evaluated(run)["forward/untranslated/share_a"] > 0.9
