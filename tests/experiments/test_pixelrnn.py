"""The PixelRNN experiment in miniature: its presets, its step on one device and on several, and its command line."""

import dataclasses
import functools
import importlib.util
import json
import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jgan import data
from jgan.run import command_line
from jgan.run.export import load_exported
from jgan.run.images import to_uint8
from jgan.sharding import compile, data_mesh, run_key

ROOT = pathlib.Path(__file__).parents[2]
STEPS = 3


def experiment():
    spec = importlib.util.spec_from_file_location("experiment_pixelrnn", ROOT / "experiments" / "pixelrnn.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where the annotations of its configuration are looked up
    spec.loader.exec_module(module)
    return module


pixelrnn = experiment()
SMALL = dict(resolution=8, channels=1, levels=2, layers=1, features=4, head_features=4, batch=16)
TINY = pixelrnn.Config(**SMALL, architecture="gated_pixelcnn", conditional=True)


@pytest.fixture(autouse=True)
def implicit_promotion():
    """optax promotes dtypes implicitly."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def described(tree):
    return jax.tree.map(lambda x: (x.shape, x.dtype), tree)


FAST = ("demo", "fashion_mnist")
PRESETS = [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in pixelrnn.PRESETS]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_fits_together(name):
    config = pixelrnn.PRESETS[name]
    shape = (config.resolution, config.resolution, config.channels or 3)
    batch = {"image": jax.ShapeDtypeStruct((config.batch, *shape), jnp.uint8), "label": jax.ShapeDtypeStruct((config.batch,), jnp.int32)}
    training, key = pixelrnn.build(config, shape, classes=10), jax.random.key(0)
    state = jax.eval_shape(training.init, key, batch)
    after, metrics = jax.eval_shape(training.step, state, batch, key)
    assert described(after) == described(state)
    assert described(metrics) == dict.fromkeys(("loss", "nats", "gradient_norm", "skipped"), ((), jnp.dtype(jnp.float32)))


@functools.cache
def play(config, devices=1):
    """The state before and after some steps, their metrics, and the number of programs; all games of an architecture begin alike."""
    source = data.open_source("shapes", resolution=8, channels=1, limit=48, labels=True)
    feed, mesh = data.resident(source, batch=config.batch, seed=0), data_mesh(jax.devices()[:devices])
    key, items, metrics = run_key(0, mesh), feed.items(0, 1), []
    compiled = compile(pixelrnn.build(config, source.shape, len(source.classes)), mesh, feed)
    first = jax.device_get(compiled.init(key)) if devices == 1 else play(config)[0]
    state = jax.tree.map(lambda x, a: jax.device_put(x, a.sharding), first, compiled.abstract)
    for _ in range(STEPS):
        state, new = compiled.step(state, compiled.constants, compiled.put(next(items)), key)
        metrics.append(jax.device_get(new))
    metrics = {name: np.concatenate([m[name] for m in metrics]) for name in metrics[0]}
    return first, jax.device_get(state), metrics, compiled.step.__wrapped__._cache_size()


def test_steps_are_one_program_and_learn():
    first, last, metrics, programs = play(TINY)
    assert programs == 1 and last.step == STEPS
    assert all(np.isfinite(values).all() for values in metrics.values())
    np.testing.assert_allclose(metrics["nats"], metrics["loss"] * np.log(2) * 64, rtol=1e-5)
    assert metrics["loss"][0] < 1.5  # bits per dimension of a network that knows nothing: about 1
    jax.tree.map(np.testing.assert_array_equal, first.average, first.player.params)
    for before, after in ((first.average, last.average), (last.player.params, last.average)):
        assert any(np.abs(a - b).max() > 0 for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [*pixelrnn.BLOCKS, "gated_pixelcnn"])
def test_parts_and_devices_change_nothing(architecture):
    config = dataclasses.replace(TINY, architecture=architecture, conditional=architecture == "gated_pixelcnn")
    one = play(config)
    for other in (play(config, 8), play(dataclasses.replace(config, microbatches=2), 8)):
        for metric, values in one[2].items():
            np.testing.assert_allclose(other[2][metric], values, rtol=1e-3, atol=1e-5, err_msg=metric)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), other[1].player.params, one[1].player.params)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [*pixelrnn.BLOCKS, "gated_pixelcnn"])
def test_half_precision(architecture):
    config = dataclasses.replace(TINY, architecture=architecture, conditional=False, half=True)
    _, last, metrics, _ = play(config)
    assert all(np.isfinite(values).all() for values in metrics.values()) and last.player.guard.skipped == 0
    assert {p.dtype for p in jax.tree.leaves(last.player.params)} == {np.dtype(np.float32)}


SETTINGS = {**SMALL, "limit": 40, "devices": 1, "steps_per_call": 2, "kimg": 0.128, "record_kimg": 0.032, "score_images": 20}
SETTINGS |= {f"{name}_kimg": 0.064 for name in ("sample", "checkpoint", "score")}


def call(*arguments):
    """The command line, in this process."""
    given = list(map(str, arguments))
    command_line.main("pixelrnn", pixelrnn.PRESETS, pixelrnn.train, may_change=("kimg",), arguments=given, **pixelrnn.COMMANDS)


def options(**changes):
    return [part for name, value in (SETTINGS | changes).items() for part in (f"--{name.replace('_', '-')}", value)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    with jax.numpy_dtype_promotion("standard"):
        call("train", "demo", *options(workdir=folder))
    return folder


def records(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def size(path):
    with Image.open(path) as picture:
        return picture.size


def test_what_a_run_leaves_behind(run):
    assert [r["images"] for r in records(run)] == [32, 64, 96, 128]
    scored = [r["images"] for r in records(run) if np.isfinite(r.get("score/nats/test", np.nan))]
    assert scored == [64, 128]
    assert size(run / "samples" / "00000128.png") == (64, 64)
    assert "nats per image" in (run / "report.html").read_text()


def test_the_score_is_the_likelihood_of_the_test_images(run, capsys):
    config = pixelrnn.from_plain(pixelrnn.Config, pixelrnn.read_config(run))
    trained, source = pixelrnn.load(run, step=8), pixelrnn.open_data(config, "test", 20)
    nats = trained.nats(np.stack([source.read(i) for i in range(20)]), source.labels)
    assert nats.shape == (20,)
    np.testing.assert_allclose(nats.mean(), records(run)[-1]["score/nats/test"], rtol=1e-5)
    call("likelihood", run, "--limit", 20, "--step", 8)
    found = {r["metric"]: r for r in map(json.loads, (run / "evaluations.jsonl").read_text().splitlines())}
    np.testing.assert_allclose(found["nats"]["value"], nats.mean(), rtol=1e-5)
    np.testing.assert_allclose(found["bits_per_dimension"]["value"], nats.mean() / np.log(2) / 64, rtol=1e-5)
    assert found["nats"]["images"] == 20 and found["nats"]["split"] == "of the score"


def test_an_image_is_a_function_of_its_seed_and_class(run, tmp_path):
    trained = pixelrnn.load(run)
    images = trained(range(4))
    assert images.shape == (4, 8, 8, 1) and images.dtype == np.uint8
    np.testing.assert_array_equal(images[[3, 1]], trained([3, 1]))
    assert trained([3, 3], label=2).std(0).max() == 0
    call("sample", run, "--seeds", "0-3", "--columns", 2, "--truncation", 1, "--out", tmp_path / "grid.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "grid.png"))[:8, 8:], images[1, ..., 0])


def test_completions_keep_what_is_known(run, tmp_path):
    call("complete", run, "--count", 5, "--completions", 2, "--keep", 0.5, "--out", tmp_path / "completions.png")
    occluded, first, second, original = np.asarray(Image.open(tmp_path / "completions.png")).reshape(4, 8, 40)
    assert (occluded[4:] == 128).all() and set(np.unique(original)) <= {0, 255}
    for rows in (occluded, first, second):
        np.testing.assert_array_equal(rows[:4], original[:4])
    assert (first[4:] != second[4:]).any()


def test_the_exported_file_is_the_loaded_model(run, tmp_path):
    call("export", run, "--out", tmp_path / "generator.jaxexp")
    label = np.arange(3, dtype=np.int32)
    uniforms = pixelrnn.pixel_runs.uniforms(np.arange(3), (8, 8, 1))
    images = load_exported(tmp_path / "generator.jaxexp")(uniforms, np.ones(3, np.float32), label)
    np.testing.assert_array_equal(to_uint8(images), pixelrnn.load(run)(range(3)))


def test_a_run_goes_on(run, tmp_path):
    shorter = tmp_path / "shorter"
    call("train", "demo", *options(workdir=shorter, kimg=0.064))
    call("train", "--resume", shorter, "--kimg", 0.128)
    assert [r["nats"] for r in records(shorter)] == [r["nats"] for r in records(run)]
    assert records(shorter)[-1]["score/nats/test"] == records(run)[-1]["score/nats/test"]
    np.testing.assert_array_equal(pixelrnn.load(shorter)(range(4)), pixelrnn.load(run)(range(4)))


def test_only_the_gated_network_learns_classes():
    with pytest.raises(ValueError, match="expected the architecture gated_pixelcnn for a conditional model, found row_lstm"):
        pixelrnn.build(dataclasses.replace(TINY, architecture="row_lstm"), (8, 8, 1), 3)
