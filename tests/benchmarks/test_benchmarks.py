"""The benchmarks in miniature: they run and print what they promise. What they measure is not looked at."""

import dataclasses
import json

import jax
import numpy as np
import pytest
from benchmarks import control_flow, measure, step
from experiments import stylegan


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
    assert line["speedup"] == 1 and line["flops_per_step"] > 0 and line["compile_seconds"] > 0 and line["init_seconds"] > 0
    assert line["memory_gib"]["program"] > 0 and line["memory_gib"]["process"] > 0
    assert line["machine"]["platform"] == "cpu" and line["versions"]["jax"] == jax.__version__ and "commit" in line


@pytest.mark.slow
def test_flops_count_each_penalty_as_often_as_it_runs():
    config = dataclasses.replace(step.configuration("demo", None, None), path_every=2)
    main = step.flops(dataclasses.replace(config, path_every=0, r1_every=0))
    path = step.flops(dataclasses.replace(config, r1_every=0)) - main
    r1 = step.flops(dataclasses.replace(config, path_every=0)) - main
    assert path > 0 and r1 > 0
    assert step.flops_as_trained(config) == pytest.approx(main + path / 2 + r1 / 4)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: step.configuration("dmo", None, None), "expected one of the presets demo"),
        (lambda: measure.setup(step.configuration("demo", None, None), 99), "at most 8 devices, found 99"),
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
