"""What the preset `auto` chooses, as a table, and how a run begins and goes on with it."""

import json
from importlib import import_module

import jax
import numpy as np
import pytest
from PIL import Image

from jgan.models.stylegan2 import plan
from jgan.systems import _auto, stylegan
from jgan.systems._auto import Machine, Set, choose, complete, parts
from jgan.systems.stylegan import SYSTEM
from jgan.types import Spec

shell = import_module("jgan.run.main")  # the module, not its function of the same name
CPU, GPU, EIGHT = Machine("cpu", 1, None), Machine("gpu", 1, 80.0), Machine("gpu", 8, 80.0)


@pytest.mark.parametrize(
    ("data", "machine", "given", "expected"),
    [
        (Set(2000, 500, 0), CPU, {}, dict(resolution=64, batch=8, r1_weight=0.5, augment="none", kimg=60, conditional=False)),
        (Set(2000, 40, 0), CPU, {}, dict(resolution=32, kimg=100)),
        (Set(2000, 3, 0), CPU, {}, dict(resolution=8, score_kimg=0)),
        (Set(2000, 500, 0), GPU, dict(resolution=8), dict(score_kimg=0)),
        (Set(2000, 500, 0, (1, 3)), CPU, {}, dict(channels=3)),
        (Set(2000, 500, 0, (1,)), CPU, {}, dict(channels=1)),
        (Set(2000, 500, 0, (4,)), CPU, {}, dict(channels=4)),
        (Set(2000, 500, 0), CPU, dict(resolution=128), dict(kimg=60)),
        (Set(2000, 500, 0), CPU, dict(kimg=8), dict(score_kimg=2)),
        (Set(2000, 500, 0), GPU, {}, dict(resolution=256, batch=16, half_levels=4, augment="ada", kimg=25_000)),
        (Set(2000, 500, 0), GPU, {}, dict(r1_weight=0.0002 * 256**2 / 16, average_kimg=5.0, channel_base=16384, learning_rate=0.0025)),
        (Set(2000, 500, 0), EIGHT, {}, dict(batch=64, average_kimg=20.0)),
        (Set(2000, 1024, 0), EIGHT, dict(resolution=1024), dict(batch=32, learning_rate=0.002, channel_base=32768)),
        (Set(2000, 100, 0), GPU, {}, dict(resolution=64, batch=32)),
        (Set(2000, 500, 0), GPU, dict(batch=32), dict(r1_weight=0.0002 * 256**2 / 32, average_kimg=10.0)),
        (Set(2000, 500, 0), Machine("gpu", 100, 80.0), {}, dict(batch=100)),
        (Set(2000, 500, 10), GPU, {}, dict(conditional=True, style_mixing=0)),
        (Set(400, 500, 10), GPU, {}, dict(conditional=False)),
        (Set(400, 500, 1), GPU, {}, dict(conditional=False)),
        (Set(400, 500, 10), GPU, dict(conditional=True), dict(style_mixing=0)),
    ],
)
def test_choices(data, machine, given, expected):
    found = choose(data, machine, given)
    assert {name: found[name].value for name in expected} == expected
    assert not given.keys() & found.keys() and all(why for _, why in found.values())
    assert ("style_mixing" in found) == ("style_mixing" in expected)


@pytest.mark.parametrize(
    ("resolution", "batch", "machine", "expected"),
    [
        (256, 64, GPU, 1),
        (256, 64, Machine("tpu", 1, 15.75), 1),
        (256, 64, Machine("tpu", 8, 15.75), 1),
        (1024, 32, GPU, 1),
        (1024, 32, Machine("gpu", 1, 40.0), 2),
        (1024, 12, Machine("gpu", 1, 16.0), 2),
        (1024, 32, Machine("gpu", 1, 2.0), 32),  # as little as can be: the device will say what is missing
        (1024, 32, CPU, 1),
        (256, 4, Machine("gpu", 8, 80.0), 1),
    ],
)
def test_microbatches_that_fit(resolution, batch, machine, expected):
    levels = plan(resolution, 32768 if resolution == 1024 else 16384, 512, half_levels=4)
    assert parts(levels, batch, machine) == expected


@pytest.mark.parametrize(("asked", "used"), [(0, 4), (2, 2)])
def test_a_step_is_cut_to_the_memory_unless_it_is_told(asked, used, monkeypatch):
    seen = []
    monkeypatch.setattr(stylegan, "machine", lambda devices: Machine("gpu", 1, 1.0))
    monkeypatch.setattr(stylegan, "update", lambda *players, microbatches: seen.append(microbatches))
    config = stylegan.Config(resolution=8, batch=4, microbatches=asked)
    stylegan.build(config, Spec({"image": jax.ShapeDtypeStruct((8, 8, 3), np.uint8)}))
    assert set(seen) == {used}


@pytest.mark.parametrize(
    ("changes", "machine", "expected"),
    [
        (dict(resolution=256, batch=16), GPU, 1),
        (dict(resolution=256, batch=16, half_levels=4), Machine("gpu", 1, 4.0), 2),
        (dict(resolution=256, batch=16, half_levels=0), Machine("gpu", 1, 4.0), 4),
        (dict(resolution=256, batch=16, microbatches=8), Machine("gpu", 1, 4.0), None),
        (dict(resolution=256, batch=16), Machine("tpu", 1, None), None),
    ],
)
def test_what_a_configuration_leaves_to_the_machine(changes, machine, expected, monkeypatch):
    monkeypatch.setattr(_auto, "machine", lambda devices: machine)
    found = complete(stylegan.Config(**changes))
    assert {name: chosen.value for name, chosen in found.items()} == ({} if expected is None else {"microbatches": expected})


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """Begins a run on photos as the command line does; returns its settings instead of training."""
    photos = np.random.default_rng(0).integers(0, 255, (6, 40, 50, 3), np.uint8)
    (tmp_path / "photos").mkdir()
    for number, photo in enumerate(photos):
        Image.fromarray(photo).save(tmp_path / "photos" / f"{number}.png")
    seen = []
    monkeypatch.setattr(shell, "prepare", lambda system, config, init_from: lambda folder: seen.append(config))

    def beginning(*arguments):
        shell.run_training(SYSTEM, [*arguments, "--workdir", str(tmp_path / "run")], "jgan train stylegan")
        return seen.pop()

    return beginning


def test_data_without_a_preset_are_fitted_and_each_choice_is_said(begin, tmp_path, capsys):
    config = begin("--data", str(tmp_path / "photos"), "--batch", "4")
    assert (config.resolution, config.batch, config.channel_base) == (32, 4, 1024)
    said = capsys.readouterr().out
    assert "--resolution 32          the shorter side of the images is 40 pixels (median)\n" in said and "--batch" not in said
    assert "--no-conditional         the images have no classes" in said
    assert json.loads((tmp_path / "run" / "config.json").read_text())["config"]["channel_base"] == 1024


def test_photos_of_which_one_is_grey_are_learned_in_colour(begin, tmp_path, capsys):
    Image.new("L", (50, 40)).save(tmp_path / "photos" / "0.png")
    assert begin("--data", str(tmp_path / "photos")).channels == 3
    assert "--channels 3             the images differ in their channels, 1 and 3; grey" in capsys.readouterr().out


def test_a_run_that_goes_on_is_not_fitted_again(begin, tmp_path, capsys):
    config = begin("--data", str(tmp_path / "photos"))
    capsys.readouterr()
    for number in range(10, 14):  # larger photos come: the run keeps its resolution
        Image.new("RGB", (500, 500)).save(tmp_path / "photos" / f"{number}.png")
    assert begin("--data", str(tmp_path / "photos")) == config and "chosen" not in capsys.readouterr().out


@pytest.mark.parametrize("gib, expected", [(40.0, 2), (10.0, 8)])
def test_microbatches_are_said_and_kept(gib, expected, begin, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(_auto, "machine", lambda devices: Machine("gpu", 1, gib))
    assert begin("ffhq1024").microbatches == expected
    assert f"--microbatches {expected:<10}a device has {gib:.0f} GiB\n" in capsys.readouterr().out
    assert json.loads((tmp_path / "run" / "config.json").read_text())["config"]["microbatches"] == expected


@pytest.mark.parametrize("arguments", [("flowers64", "--data", "photos"), ()])
def test_other_presets_are_as_they_are(begin, capsys, arguments):
    name = arguments[0] if arguments else "demo"
    assert begin(*arguments).kimg == SYSTEM.presets[name].kimg and "chosen" not in capsys.readouterr().out
