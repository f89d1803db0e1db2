"""The toy experiment in miniature: every game plays, modes are counted right, and lanes of the program are separate games."""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from experiments.studies import toy
from PIL import Image

from jgan.run.main import study

TINY = toy.Config(seeds=2, steps=3, batch=8, hidden=8, samples=20)
RING, GRID = toy.MIXTURES["ring"], toy.MIXTURES["grid"]


@pytest.fixture(autouse=True, scope="module")
def settings():
    """Quickly compiled programs; and optax promotes dtypes implicitly, here also in threads, which do not inherit a context."""
    strict = jax.config.jax_numpy_dtype_promotion
    jax.config.update("jax_disable_most_optimizations", True)
    jax.config.update("jax_numpy_dtype_promotion", "standard")
    yield
    jax.config.update("jax_numpy_dtype_promotion", strict)
    jax.config.update("jax_disable_most_optimizations", False)


def call(*arguments):
    study("toy", {"tiny": TINY}, toy.train, arguments=["train", *map(str, arguments)])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    call("--runs", root)
    (folder,) = root.iterdir()
    return folder


@pytest.mark.slow
def test_a_run_has_every_loss_penalty_and_mixture(run):
    results = [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
    which = [(r["loss"], r["penalty"], r["mixture"]) for r in results]
    assert which == [(loss, p, m) for loss in toy.LOSSES for p in toy.PENALTIES for m in toy.MIXTURES]
    assert all(len(r["modes"]) == len(r["high_quality"]) == 2 and r["skipped"] == [0, 0] for r in results)
    assert all(r["protocol"]["steps"] == 3 and "commit" in r["protocol"] for r in results)
    lines = (run / "table.md").read_text().splitlines()
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:]] == list(toy.LOSSES)
    assert len({line.count("|") for line in lines}) == 1
    with Image.open(run / "plot.png") as picture:
        assert len(picture.getcolors(maxcolors=1 << 20)) > 3


@functools.cache
def points(loss, weight):
    return jax.device_get(toy.play_all(TINY, weight, jnp.int32(list(toy.LOSSES).index(loss))))[0]


@pytest.mark.parametrize("loss", toy.LOSSES)
def test_points_are_finite_and_differ_with_the_loss(loss):
    for weight in (0.0, TINY.r1_weight):
        assert np.isfinite(points(loss, weight)).all()
    others = [other for other in toy.LOSSES if other != loss and np.array_equal(points(other, 0.0), points(loss, 0.0))]
    assert others == []


@functools.cache
def alone(loss, mixture):
    mixture = toy.MIXTURES[mixture]
    centres = np.tile(mixture.centres, (200 // len(mixture.centres), 1))
    play = jax.jit(toy.play, static_argnums=(0, 1))
    arguments = jnp.int32(list(toy.LOSSES).index(loss)), jnp.asarray(centres, jnp.float32), jnp.float32(mixture.sigma), jnp.int32(1)
    return jax.device_get(play(TINY, TINY.r1_weight, *arguments))[0]


@pytest.mark.parametrize("loss", ["hinge", "relativistic", "boundary equilibrium"])
def test_a_lane_is_a_game_of_its_own(loss):
    for i, mixture in enumerate(toy.MIXTURES):
        np.testing.assert_allclose(points(loss, TINY.r1_weight)[i, 1], alone(loss, mixture), rtol=1e-4, atol=1e-5)


COUNTS = {  # a mixture, points of one game, modes covered, share of high quality
    "every centre": (GRID, GRID.centres, 25, 1.0),
    "one centre": (RING, np.repeat(RING.centres[:1], 10, axis=0), 1, 1.0),
    "just inside": (RING, RING.centres + [0.059, 0], 8, 1.0),
    "just outside": (RING, RING.centres + [0.061, 0], 0, 0.0),
    "half of them between": (RING, np.concatenate([RING.centres[:4], np.zeros((4, 2))]), 4, 0.5),
    "not a number": (RING, np.full((5, 2), np.nan), 0, 0.0),
}


@pytest.mark.parametrize("name", COUNTS)
def test_modes_and_quality_of_known_points(name):
    mixture, places, modes, share = COUNTS[name]
    assert toy.count(mixture, places[None]) == {"modes": [modes], "high_quality": [share]}


@pytest.mark.parametrize("mixture", toy.MIXTURES.values(), ids=toy.MIXTURES)
def test_real_points_cover_every_mode(mixture):
    centres = jnp.asarray(mixture.centres, jnp.float32)
    found = toy.count(mixture, np.asarray(toy.draw(jax.random.key(0), centres, jnp.float32(mixture.sigma), 2500))[None])
    assert found["modes"] == [len(mixture.centres)]
    assert found["high_quality"] == pytest.approx([1 - np.exp(-4.5)], abs=0.01)  # of a Gaussian in the plane


MISTAKES = {  # arguments, what the message says
    "no steps": (["--steps", 0], "--steps: expected a whole number from 1 to 2147483647, found 0"),
    "no seeds": (["--seeds", 0], "--seeds: expected a whole number from 1 to 2147483647, found 0"),
    "a run that is over": (["--resume", "{run}"], "cannot be resumed; start a new one"),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if "{run}" in MISTAKES[name][0] else name for name in MISTAKES]
)
def test_mistakes_are_one_line(name, request, tmp_path, capsys, monkeypatch):
    arguments, message = MISTAKES[name]
    if "{run}" in arguments:
        arguments = ["--resume", request.getfixturevalue("run")]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        call(*arguments)
    error = capsys.readouterr().err
    assert message in error and error.startswith("toy: ") and error.count("\n") == 1
