"""The CycleGAN experiment in miniature: its presets, its step on one device and on several, and its command line."""

import dataclasses

import jax
import numpy as np
import pytest
from tests.experiments.translators import CommandLine, evaluated, experiment, fits_together, play, records, same, same_records

from jgan.data import resident
from jgan.data.pairs import combined, open_domains

cyclegan = experiment("cyclegan")
TINY = cyclegan.Config(resolution=16, jitter=0, batch=2, width=2, blocks=1, patch_layers=2, pool=3, kimg=0.016)
call = CommandLine(cyclegan, "cyclegan")


@pytest.fixture(autouse=True)
def implicit_promotion():
    """optax promotes dtypes implicitly."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.parametrize("name", cyclegan.PRESETS)
def test_every_preset_fits_together(name):
    config = cyclegan.PRESETS[name]
    metrics = fits_together(cyclegan.build(config), config, config.jitter)
    assert {"generator/forward/cycle", "generator/backward/identity", "discriminator/loss"} <= metrics.keys()


def test_half_precision():
    config = dataclasses.replace(TINY, half=True)
    fits_together(cyclegan.build(config), config)


def test_the_same_data_in_no_pairs_on_one_device_and_on_two():
    first, second = open_domains("pairs:shapes", resolution=16, limit=8)
    feed = combined(image=resident(first, batch=2, seed=0), target=resident(second, batch=2, seed=1))
    state, metrics, programs = play(cyclegan.build(TINY), feed)
    assert programs == 1 and all(np.isfinite(values).all() for values in metrics.values())
    assert {way: int(pool.count) for way, pool in state.pools.items()} == {"forward": 3, "backward": 3}
    weights = {"adversarial": 1, "cycle": TINY.cycle_weight, "identity": TINY.identity_weight}
    total = sum(w * metrics[f"generator/{way}/{name}"] for name, w in weights.items() for way in ("forward", "backward"))
    np.testing.assert_allclose(metrics["generator/loss"], total, rtol=1e-4)


@pytest.mark.slow
def test_devices_change_nothing():
    first, second = open_domains("pairs:shapes", resolution=16, limit=8)
    feed = combined(image=resident(first, batch=2, seed=0), target=resident(second, batch=2, seed=1))
    same(*(play(cyclegan.build(TINY), feed, devices) for devices in (1, 2)))


SETTINGS = dict(resolution=16, jitter=0, width=2, blocks=1, patch_layers=2, pool=3, batch=2, limit=20, kimg=0.016, record_kimg=0.004)
SETTINGS |= dict(sample_kimg=0.016, checkpoint_kimg=0.008, score_kimg=0, steps_per_call=1, devices=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    with jax.numpy_dtype_promotion("standard"):
        call.train(folder, **SETTINGS)
    return folder


def test_what_a_run_leaves_behind(run):
    assert [r["images"] for r in records(run)] == [4, 8, 12, 16]
    assert sorted(p.name for p in (run / "samples").iterdir()) == ["00000000.png", "00000016.png"]


def test_a_stopped_run_goes_on_with_pool_and_schedule(run, tmp_path, monkeypatch):
    call.stopped_and_resumed(monkeypatch, tmp_path / "run", **SETTINGS)
    same_records(run, tmp_path / "run")


def test_the_learning_rate_falls_to_nothing(run):
    """The last step changes next to nothing: an eighth of half the run is left of the learning rate."""
    last, before = (cyclegan.load(run, step).params["image"]["kernel"] for step in (8, 4))
    assert 0 < np.abs(np.asarray(last) - np.asarray(before)).max() < 4 * TINY.learning_rate


def test_both_directions(run, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (2, 13, 30, 3), np.uint8)
    there, back = (cyclegan.load(run, direction=way)(images) for way in ("forward", "backward"))
    assert there.shape == images.shape and (there != back).any()
    call("export", run, "--direction", "backward", "--out", tmp_path / "x.jaxexp")
    assert (tmp_path / "x.jaxexp").exists()
    with pytest.raises(ValueError, match="expected the direction forward"):
        cyclegan.load(run, direction="sideways")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*close to guessing", "ignore:.*covariance lacks")
def test_score_and_evaluation(tmp_path):
    run = tmp_path / "run"
    call.train(run, **SETTINGS | {"score_kimg": 0.016, "score_samples": 8})
    assert any(name.startswith("score/frechet_distance/") for name in records(run)[-1])
    domains = open_domains("pairs:shapes", resolution=16, limit=20)
    cyclegan.translation_scores.evaluate_domains(cyclegan.load, lambda *_: domains, run)
    found = evaluated(run)
    assert found["forward/real/frechet_distance"] < 1e-3 < found["forward/untranslated/frechet_distance"]
    assert found["backward/cycle_l1"] > 0 and found["forward/share_a"] + found["forward/share_b"] == pytest.approx(1)
