"""The StyleGAN experiment in miniature: its presets, its step on one device and on several, and its command line."""

import dataclasses
import functools
import importlib.util
import json
import os
import pathlib
import sys
from typing import Any, NamedTuple

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
STEPS = 4


def experiment():
    spec = importlib.util.spec_from_file_location("experiment_stylegan", ROOT / "experiments" / "stylegan.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where the annotations of its configuration are looked up
    spec.loader.exec_module(module)
    return module


stylegan = experiment()
TINY = stylegan.Config(
    resolution=8,
    channel_base=32,
    channel_max=8,
    latent_size=8,
    style_size=8,
    mapping_layers=1,
    batch=16,
    conditional=True,
    flip=True,
    r1_every=3,
    path_every=2,
    ada_target=-2.0,  # below every mean sign: the strength rises
    ada_kimg=0.2,
)


@pytest.fixture(autouse=True)
def implicit_promotion():
    """optax promotes dtypes implicitly."""
    with jax.numpy_dtype_promotion("standard"):
        yield


LARGE = ("flowers128", "ffhq256", "ffhq1024")
PRESETS = [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in stylegan.PRESETS]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_fits_together(name):
    config = stylegan.PRESETS[name]
    shape = (config.resolution, config.width or config.resolution, config.channels or 3)
    batch = {"image": jax.ShapeDtypeStruct((config.batch, *shape), jnp.uint8), "label": jax.ShapeDtypeStruct((config.batch,), jnp.int32)}
    training, key = stylegan.build(config, shape, classes=10), jax.random.key(0)
    state = jax.eval_shape(training.init, key, batch)
    after, metrics = jax.eval_shape(training.step, state, batch, key)
    assert described(after) == described(state)
    assert set(described(metrics).values()) == {((), jnp.dtype(jnp.float32))}
    assert any(m.startswith("path/") for m in metrics) == bool(config.path_every)
    assert any(m.startswith("r1/") for m in metrics) == bool(config.r1_every)


def described(tree):
    return jax.tree.map(lambda x: (x.shape, x.dtype), tree)


class Played(NamedTuple):
    """Some steps of a game."""

    first: Any  # the state before
    last: Any
    metrics: dict[str, np.ndarray]  # [STEPS]
    programs: int


@functools.cache
def play(config=TINY, devices=1):
    """All games start from the state of the first one, whose initialisation is compiled once."""
    source = data.open_source("shapes", resolution=config.resolution, limit=48, labels=config.conditional or None)
    feed = data.resident(source, batch=config.batch, seed=0)
    mesh = data_mesh(jax.devices()[:devices])
    key, items = run_key(0, mesh), feed.items(0, 1)
    compiled = compile(stylegan.build(config, source.shape, len(source.classes)), mesh, feed)
    first = jax.device_get(compiled.init(key)) if (config, devices) == (TINY, 1) else play().first
    state, metrics = jax.tree.map(lambda x, a: jax.device_put(x, a.sharding), first, compiled.abstract), []
    for _ in range(STEPS):
        state, new = compiled.step(state, compiled.constants, compiled.put(next(items)), key)
        metrics.append(jax.device_get(new))
    metrics = {name: np.concatenate([m[name] for m in metrics]) for name in metrics[0]}
    return Played(first, jax.device_get(state), metrics, compiled.step.__wrapped__._cache_size())


def test_one_program_with_penalties_on_their_steps():
    played = play()
    assert played.programs == 1 and played.last.step == STEPS
    finite = {name: np.isfinite(values).tolist() for name, values in played.metrics.items()}
    assert finite["path/penalty"] == [True, False, True, False]
    assert finite["r1/penalty"] == [True, False, False, True]
    for name, steps in finite.items():
        assert steps == finite[{"path": "path/penalty", "r1": "r1/penalty"}.get(name.split("/")[0], "generator/loss")], name
    assert finite["generator/loss"] == finite["discriminator/loss"] == [True] * STEPS
    assert {"generator/skipped", "discriminator/real_sign", "path/length", "augment/strength"} <= finite.keys()


def normals(jaxpr):
    """How many normal numbers a program draws whatever its conditions are."""
    total = 0
    for equation in jaxpr.eqns:
        inner = [p.jaxpr for p in equation.params.values() if hasattr(p, "jaxpr")]
        total += sum(v.aval.size for v in equation.outvars) if equation.primitive.name == "erf_inv" else sum(map(normals, inner))
    return total


def test_lazy_penalties_draw_only_on_their_steps():
    plain = dataclasses.replace(TINY, r1_every=0, path_every=0)
    batch = {"image": jax.ShapeDtypeStruct((16, 8, 8, 3), jnp.uint8), "label": jax.ShapeDtypeStruct((16,), jnp.int32)}
    drawn = []
    for config in (TINY, plain):
        training, key = stylegan.build(config, (8, 8, 3), classes=5), jax.random.key(0)
        state = jax.eval_shape(training.init, key, batch)
        drawn.append(normals(jax.make_jaxpr(training.step)(state, batch, key)))
    assert drawn[0] == drawn[1] > 16 * 2 * 8 * 8


def test_what_a_step_moves():
    first, last, metrics, _ = play()
    jax.tree.map(np.testing.assert_array_equal, first.average, first.generator.params)
    for before, after in ((first.average, last.average), (last.generator.params, last.average)):
        assert any(np.abs(a - b).max() > 0 for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True))
    np.testing.assert_allclose(metrics["augment/strength"], [0, 0, 0, 16 * 4 / 200], rtol=1e-5)
    assert last.signs == 0
    lengths = metrics["path/length"][[0, 2]]
    np.testing.assert_allclose(last.path_mean, 0.01 * (0.99 * lengths[0] + lengths[1]), rtol=1e-5)
    assert np.abs(last.generator.state["mapping"]["average"]["w"]).max() > 0
    for player in (last.generator, last.discriminator):
        assert all(np.isfinite(p).all() for p in jax.tree.leaves(player.params)) and player.guard.skipped == 0


def test_the_augmentation_falls_where_the_real_images_are_not_known():
    signs, state = np.array([0.5, 0.0, -0.5, 0.1]), play().first._replace(strength=jnp.float32(0.5))
    for i, sign in enumerate(signs):
        strength, total = stylegan._steer(TINY, state._replace(step=jnp.int32(i)), jnp.float32(sign - 3))
        state = state._replace(strength=strength, signs=total)
    np.testing.assert_allclose(strength, 0.5 - 16 * 4 / 200, rtol=1e-5)


EQUAL = {"2 microbatches": (dataclasses.replace(TINY, microbatches=2), 1), "8 devices": (TINY, 8)}


@pytest.mark.slow
@pytest.mark.parametrize("name", EQUAL)
def test_parts_and_devices_change_nothing(name):
    one, other = play(), play(*EQUAL[name])
    for metric, values in one.metrics.items():
        np.testing.assert_allclose(other.metrics[metric], values, rtol=1e-3, atol=1e-4, err_msg=metric)
    for mine, theirs in ((other.last.generator, one.last.generator), (other.last.discriminator, one.last.discriminator)):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), mine.params, theirs.params)


@pytest.mark.slow
def test_half_precision_with_recomputation():
    config = dataclasses.replace(TINY, half_levels=1, rematerialise=True, augment="none", path_shrink=4)
    played = play(config)
    for name, values in played.metrics.items():
        assert np.isfinite(values).all() or name.split("/")[0] in ("path", "r1"), name
        assert np.isfinite(values[0]), name
    assert (played.metrics["augment/strength"] == 0).all()
    assert played.last.generator.guard.skipped == played.last.discriminator.guard.skipped == 0
    assert {p.dtype for p in jax.tree.leaves(played.last.generator.params)} == {np.dtype(np.float32)}


SETTINGS = {"resolution": 8, "channel-base": 32, "channel-max": 8, "latent-size": 8, "style-size": 8, "mapping-layers": 1, "limit": 40}
SETTINGS |= {"devices": 1, "kimg": 0.128, "record-kimg": 0.032, "sample-kimg": 0.064, "checkpoint-kimg": 0.064, "score-kimg": 0}
SETTINGS |= {"batch": 16, "steps-per-call": 2}


def call(*arguments):
    """The command line, in this process."""
    given = list(map(str, arguments))
    command_line.main("stylegan", stylegan.PRESETS, stylegan.train, may_change=("kimg",), arguments=given, **stylegan.COMMANDS)


def options(**changes):
    settings = SETTINGS | {name.replace("_", "-"): value for name, value in changes.items()}
    return [part for name, value in settings.items() if value is not None for part in (f"--{name}", value)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a finished run."""
    runs = tmp_path_factory.mktemp("runs")
    with jax.numpy_dtype_promotion("standard"):
        call("train", "demo", *options(runs=runs))
    (folder,) = runs.iterdir()
    return folder


def measured(path):
    """Size and number of frames of a picture."""
    with Image.open(path) as picture:
        return picture.size, getattr(picture, "n_frames", 1)


def records(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_what_a_run_leaves_behind(run):
    assert json.loads((run / "config.json").read_text())["latent_size"] == 8
    assert json.loads((run / "data.json").read_text()) | {"classes": []} == {"shape": [8, 8, 3], "classes": [], "size": 40}
    assert sorted(p.name for p in (run / "samples").iterdir()) == ["00000000.png", "00000064.png", "00000128.png"]
    assert measured(run / "samples" / "00000128.png") == ((64, 64), 1)
    assert sorted(p.name for p in (run / "checkpoints").iterdir() if p.name.isdigit()) == ["00000004", "00000008"]
    assert "<html" in (run / "report.html").read_text()
    assert [r["images"] for r in records(run)] == [32, 64, 96, 128]
    assert all(np.isfinite(r["generator/loss"]) and np.isfinite(r["discriminator/loss"]) for r in records(run))


def test_a_trained_generator_in_three_lines(run):
    trained = stylegan.load(run)
    images = trained(seeds := range(4), truncation=0.7)
    assert images.shape == (len(seeds), 8, 8, 3) and images.dtype == np.uint8
    older = stylegan.load(run, step=4)(seeds)
    assert np.abs(images.astype(int) - older).max() > 0


def test_commands(run, tmp_path, capsys):
    call("sample", run, "--seeds", "0-7", "--columns", "4", "--out", tmp_path / "grid.png")
    call("interpolate", run, "--seeds", "0,1", "--frames", "3", "--out", tmp_path / "walk.gif")
    call("mix", run, "--rows", "0-1", "--columns", "2-4", "--out", tmp_path / "mix.png")
    found = [measured(tmp_path / name) for name in ("grid.png", "walk.gif", "mix.png")]
    assert found == [((32, 16), 1), ((8, 8), 6), ((32, 24), 1)]
    assert capsys.readouterr().out.split() == [str(tmp_path / name) for name in ("grid.png", "walk.gif", "mix.png")]


def test_the_exported_file_is_the_loaded_generator(run, tmp_path):
    call("export", run, "--out", tmp_path / "generator.jaxexp")
    z = jax.vmap(lambda seed: jax.random.normal(jax.random.key(seed, impl="threefry2x32"), (8,)))(jnp.arange(5))
    trained = stylegan.load(run)
    label = jnp.arange(5, dtype=jnp.int32) % len(trained.classes)
    images = load_exported(tmp_path / "generator.jaxexp")(z, jnp.full((5,), 0.7), label)
    np.testing.assert_allclose(to_uint8(images).astype(int), trained(range(5), truncation=0.7), rtol=0, atol=1)


def test_a_run_goes_on(run, tmp_path):
    call("train", *options(runs=tmp_path, kimg=0.064))
    (shorter,) = tmp_path.iterdir()
    call("train", "--resume", shorter, "--kimg", "0.128")
    assert [r["images"] for r in records(shorter)] == [32, 64, 96, 128]
    for mine, theirs in zip(records(shorter), records(run), strict=True):
        assert mine["generator/loss"] == theirs["generator/loss"]
    np.testing.assert_array_equal(stylegan.load(shorter)(range(4)), stylegan.load(run)(range(4)))


@pytest.fixture
def pictures(tmp_path):
    """A folder of images without classes."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(20):
        Image.fromarray(np.full((8, 8, 3), i, np.uint8)).save(folder / f"{i}.png")
    return folder


MISTAKES = {  # arguments, what the message says
    "unknown preset": (["train", "dmeo"], "unknown preset 'dmeo': did you mean demo?"),
    "missing path": (options(data="no/such/folder"), "no source 'no/such/folder'"),
    "resolution": (options(resolution=100), "stops at 25 x 25; 96 x 96 would do: crop or resize the images"),
    "batch larger than data": (options(limit=8), "fewer images than one batch: shapes has 8, batch=16"),
    "batch and devices": (options(batch=12, devices=None), "expected a batch that divides over 8 devices, found 12"),
    "no run": (["sample", "no/such/run"], "expected the folder of a run, with a config.json, found none in no/such/run"),
    "another configuration": (["train", "--resume", "{run}", "--batch", "8"], "batch: 16 -> 8"),
    "no such checkpoint": (["sample", "{run}", "--step", "5"], "expected one of the steps [4, 8]"),
    "no seeds": (["sample", "{run}", "--seeds", "x"], "expected seeds as 0-63 or 3,14,15-20, found 'x'"),
    "no labels": (options(data="{pictures}", limit=None) + ["--conditional"], "has no labels: put each class into a folder"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_line(name, request, tmp_path, capsys, monkeypatch):
    arguments, message = MISTAKES[name]
    for place in ("run", "pictures"):
        if any(f"{{{place}}}" in str(a) for a in arguments):
            arguments = [str(a).replace(f"{{{place}}}", str(request.getfixturevalue(place))) for a in arguments]
    capsys.readouterr()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        call(*arguments)
    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert message in error and error.startswith("stylegan: ") and error.count("\n") == 1


def test_an_unknown_option_names_the_nearest(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        call("train", "--resolutoin", "16")
    assert stopped.value.code == 2 and "--resolution" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []
