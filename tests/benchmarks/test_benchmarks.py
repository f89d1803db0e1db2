"""The benchmarks in miniature: they run and print what they promise. What they measure is not looked at."""

import dataclasses
import json

import jax
import numpy as np
import pytest
from benchmarks import all as everything
from benchmarks import control_flow, measure, operations, population, sampling, start, step
from benchmarks import input as feeds

from jgan.systems import stylegan


@pytest.fixture(autouse=True)
def tiny_demo(monkeypatch):
    tiny = {
        "resolution": 8,
        "batch": 4,
        "channel_base": 64,
        "channel_max": 8,
        "latent_size": 8,
        "style_size": 8,
        "path_every": 2,
        "r1_every": 4,
    }
    monkeypatch.setitem(stylegan.PRESETS, "demo", dataclasses.replace(stylegan.PRESETS["demo"], **tiny))
    with jax.numpy_dtype_promotion("standard"):  # for optax.adam
        yield


def printed(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.slow
def test_step(capsys):
    step.main(devices=(1,), steps=1, repeats=1)
    (line,) = printed(capsys)
    assert line["benchmark"] == "step" and line["preset"] == "demo" and line["batch"] == 4 and line["resolution"] == [8, 8]
    assert line["phases_ms"].keys() == {"generator", "discriminator", "path", "r1"}
    assert all(line[name]["low"] > 0 for name in ("images_per_second", "step_ms", "of_matmul"))
    assert line["speedup"] == 1 and line["flops_per_step"] > 0 and all(line[f"{name}_seconds"] > 0 for name in ("trace", "init", "compile"))
    assert line["memory_gib"]["program"] > 0 and line["memory_gib"]["process"] > 0
    assert line["machine"]["platform"] == "cpu" and line["versions"]["jax"] == jax.__version__ and "commit" in line


@pytest.mark.slow
def test_flops_count_each_penalty_as_often_as_it_runs():
    config = dataclasses.replace(measure.configuration("demo", None, None), path_every=2)
    main = step.flops(dataclasses.replace(config, path_every=0, r1_every=0))
    path = step.flops(dataclasses.replace(config, r1_every=0)) - main
    r1 = step.flops(dataclasses.replace(config, path_every=0)) - main
    assert path > 0 and r1 > 0
    assert step.flops_as_trained(config) == pytest.approx(main + path / 2 + r1 / 4)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: measure.configuration("dmo", None, None), "expected one of the presets demo"),
        (lambda: measure.setup(measure.configuration("demo", None, None), 99), "from 1 to 8 devices, found 99"),
        (lambda: step.counters(stylegan.Config(path_every=8, r1_every=4)), "intervals of 8 and 4"),
        (lambda: step.counters(stylegan.Config(path_every=4, r1_every=1)), "intervals of 4 and 1"),
    ],
)
def test_mistakes(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_counters():
    assert step.counters(stylegan.Config(path_every=0, r1_every=16)) == {"plain": 1, "r1": 16}
    assert step.counters(stylegan.Config(path_every=4, r1_every=16)) == {"plain": 1, "path": 4, "r1": 16}


@pytest.mark.slow
def test_control_flow(capsys):
    control_flow.main(batch=4, resolution=8, channels=4, steps=8, repeats=1)
    lines = printed(capsys)
    plain = [line for line in lines if line["subject"] == "convolutions"]
    assert {(line["convolutions"], line["form"]) for line in plain} == {
        (kind, form) for kind in ("closed", "library") for form in ("loop", "scan", "cond")
    }
    assert all(line["ms"]["low"] > 0 and line["of_library"]["low"] > 0 for line in plain)
    assert {line["of_loop"]["median"] for line in plain if line["form"] == "loop"} == {1.0}
    assert [line["steps_per_call"] for line in lines if line["subject"] == "stylegan2"] == [1, 8]


@pytest.mark.parametrize("kind", [control_flow.closed, control_flow.library])
def test_forms_compute_the_same(kind):
    keys = jax.random.split(jax.random.key(0), 2)
    x, kernels = jax.random.normal(keys[0], (2, 8, 8, 4)), jax.random.normal(keys[1], (2, 3, 3, 4, 4)) / 6
    new = {form: run() for form, run in control_flow.forms(kind, x, kernels).items()}
    assert np.abs(new["loop"] - kernels).max() > 1e-4
    for form in ("scan", "cond"):
        np.testing.assert_allclose(new[form], new["loop"], atol=1e-6)


@pytest.mark.slow
def test_sampling(capsys):
    sampling.main(batches=(16,), resolution=4, images=16, repeats=1)
    (line,) = printed(capsys)
    speeds, compilations = line["images_per_second"], line["compilations"]
    assert speeds.keys() == {"truncation_1", "truncation_0.7", "mixed", "called", "sampler", "exported"}
    assert all(speed["low"] > 0 for speed in speeds.values())
    assert compilations["exported"] == {"first": 1, "again": 0}
    assert compilations["styles"]["again"] == compilations["sampler"]["again"] == 0


@pytest.mark.slow
def test_input(capsys, monkeypatch):
    plain = dataclasses.replace(stylegan.PRESETS["demo"], path_every=0, r1_every=0, mapping_layers=1)
    monkeypatch.setitem(stylegan.PRESETS, "demo", plain)
    feeds.main(feeds=("zip", "stream"), resolution=4, images=20, pixels=12, steps=4, repeats=1)
    lines = printed(capsys)
    assert [(line["feed"], line["images"]) for line in lines] == [("zip", 20), ("stream", 20)]
    assert all(line[name]["low"] > 0 for line in lines for name in ("images_per_second", "step_ms"))
    assert all(0 <= line["waiting"]["low"] <= line["fetching"]["low"] < 1 and line["ready_seconds"]["once"] > 0 for line in lines)


@pytest.mark.slow
def test_start(capsys, monkeypatch):
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "1")
    sizes = "resolution=4", "channel-base=32", "latent-size=8", "style-size=8", "mapping-layers=1", "limit=64", "r1-every=0"
    start.main(options=sizes, repeats=1)
    run, imported = printed(capsys)
    for kind in ("cold", "warm"):
        assert 0 < run[kind]["folder"]["median"] < run[kind]["sample"]["median"] < run[kind]["record"]["median"]
    assert run["cached"]["median"] > 0 and imported["import_seconds"]["median"] > 0


@pytest.mark.slow
def test_operations(capsys):
    operations.main(repeats=1)
    (line,) = printed(capsys)
    assert line["batch"] == 4 and line["step_ms"]["low"] > 0
    assert all(line[name][kind]["low"] > 0 for name in ("floor_ms", "share") for kind in ("compute", "memory"))
    longest = line["profile"]["longest"].values()
    found = [operation["ms"] for operation in longest]
    assert len(found) == 10 and found == sorted(found, reverse=True) and found[-1] > 0
    assert 0 < sum(operation["share"] for operation in longest) <= 1.001
    setting, numbers = everything.described(line)
    assert "profile=" not in setting and sum(name.endswith(".ms") for name in numbers) == 10


@pytest.mark.slow
def test_population(capsys):
    population.main(lanes=2, devices=(1, 2), resolution=8, width=2, batch=4, steps=2, repeats=1)
    lines = printed(capsys)
    assert [line["devices"] for line in lines] == [1, 2]
    assert all(line["images_per_second"][name]["low"] > 0 for line in lines for name in ("together", "apart"))
    assert all(line["difference"] < 1e-3 for line in lines)  # after many steps, in float32


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: feeds.main(feeds=("tape",)), ValueError, "expected feeds out of shapes, zip, stream, found tape"),
        (lambda: start.main(options=("colour=red",), repeats=1), RuntimeError, "ended with status 2"),
    ],
)
def test_mistakes_in_feeds_and_runs(call, error, message):
    with pytest.raises(error, match=message):
        call()
