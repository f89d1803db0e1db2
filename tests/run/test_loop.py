import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from tests.run import tiny_run
from tests.run.tiny_run import Config, tiny_feed, tiny_training

from jgan.run.checkpoints import Checkpoints
from jgan.run.folder import open_folder
from jgan.run.loop import make_plan, train
from jgan.run.recorder import read_records
from jgan.sharding import compile, data_mesh, run_key

PROGRAM = Path(tiny_run.__file__)
TIMES = ("seconds", "images_per_second", "memory_gib")


def program(*arguments):
    """Runs the tiny experiment as a user would."""
    root = str(PROGRAM.parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([root, root + "/src"]), "JAX_DEFAULT_PRNG_IMPL": "rbg"}
    return subprocess.run([sys.executable, str(PROGRAM), *map(str, arguments)], capture_output=True, text=True, env=environment)


def outcome(folder):
    """All that two equal runs must have in common, and their last checkpoint."""
    abstract = compile(tiny_training(), data_mesh(), tiny_feed()).abstract
    with Checkpoints(folder / "checkpoints") as checkpoints:
        step, state = checkpoints.restore_latest(abstract)
    records = [{k: v for k, v in r.items() if k not in TIMES} for r in read_records(folder / "metrics.jsonl")]
    samples = {p.name: p.read_bytes() for p in (folder / "samples").iterdir()}
    return step, [np.asarray(x).tobytes() for x in jax.tree.leaves(state)], records, samples


def here(tmp_path, config, **changes):
    with open_folder(tmp_path, "tiny", config) as folder:
        tiny_run.run(folder, replace(config, **changes))
    return folder.path


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return here(tmp_path_factory.mktemp("runs"), Config())


def test_what_a_run_leaves_behind(uninterrupted):
    step, _, records, samples = outcome(uninterrupted)
    assert step == 32
    assert [(r["step"], r["images"]) for r in records] == [(s, 8 * s) for s in range(4, 33, 4)]
    assert [r["step"] for r in records if "score/darkness/tiny" in r] == [16, 32]
    assert list(sorted(samples)) == [f"{8 * s:08d}.png" for s in (0, 8, 16, 24, 32)]
    assert (uninterrupted / "report.html").exists() and list((uninterrupted / "tensorboard").iterdir())
    with Checkpoints(uninterrupted / "checkpoints") as checkpoints:
        assert checkpoints.steps() == [24, 32] or checkpoints.steps() == [16, 24, 32]
        assert checkpoints.scores().keys() >= {32}


def test_records_are_means_over_the_steps_since_the_last(uninterrupted):
    """The same steps one by one, without the loop."""
    training, key = tiny_training(), tiny_run.run_key(0, data_mesh())
    feed = tiny_feed()
    items = (jax.tree.map(lambda x: x[0], item) for item in feed.items(0, 1))
    with jax.set_mesh(data_mesh()):
        state = compile(training, data_mesh(), feed).init(key)
        losses = []
        for _ in range(8):
            state, metrics = jax.jit(training.step)(state, next(items), key)
            losses.append(float(metrics["generator/loss"]))
    first, second = read_records(uninterrupted / "metrics.jsonl")[:2]
    assert first["generator/loss"] == pytest.approx(np.mean(losses[:4]), rel=1e-5)
    assert second["generator/loss"] == pytest.approx(np.mean(losses[4:]), rel=1e-5)
    assert second["generator/lazy"] == pytest.approx(losses[4], rel=1e-5)
    assert second["generator/never"] is None
    assert second["images_per_second"] > 0 and second["memory_gib"] > 0


def test_killed_and_resumed_equals_uninterrupted(tmp_path, uninterrupted):
    killed = program("train", "--runs", tmp_path, "--signal-at", 20, "--signal-number", int(signal.SIGKILL))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (folder,) = tmp_path.iterdir()
    assert [r["step"] for r in read_records(folder / "metrics.jsonl")] == [4, 8, 12, 16, 20]
    with open_folder(tmp_path, "tiny", Config(), resume=folder, may_change=("signal_at", "signal_number")) as again:
        tiny_run.run(again, Config())
    assert outcome(folder) == outcome(uninterrupted)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_stopping_saves_and_resuming_goes_on(tmp_path, uninterrupted, number, status):
    config, handler = Config(signal_at=18, signal_number=int(number)), signal.getsignal(signal.SIGINT)
    with open_folder(tmp_path, "tiny", config) as folder:
        with pytest.raises(SystemExit) as stopped:
            tiny_run.run(folder, config)
    assert (stopped.value.code or 0) == status
    assert signal.getsignal(signal.SIGINT) is handler
    assert read_records(folder.path / "metrics.jsonl")[-1]["step"] == 20
    tiny_run.run(folder, Config())
    step, state, _, samples = outcome(folder.path)
    expected = outcome(uninterrupted)
    assert (step, state, samples) == (expected[0], expected[1], expected[3])


def test_a_longer_run_is_the_same_run(tmp_path, uninterrupted):
    with open_folder(tmp_path, "tiny", Config(total_images=128)) as folder:
        tiny_run.run(folder, Config(total_images=128))
    with open_folder(tmp_path, "tiny", Config(), resume=folder.path, may_change=("total_images",)) as again:
        tiny_run.run(again, Config())
    assert outcome(folder.path) == outcome(uninterrupted)


def test_a_finished_run_is_left_as_it_is(tmp_path):
    folder = here(tmp_path, Config(total_images=64))
    before = outcome(folder)
    with open_folder(tmp_path, "tiny", Config(total_images=64), resume=folder) as again:
        tiny_run.run(again, Config(total_images=64))
    assert outcome(folder) == before


def test_non_finite_gradients_end_the_run_and_are_not_saved(tmp_path):
    config = Config(poison_at=18)
    with open_folder(tmp_path, "tiny", config) as folder:
        with pytest.raises(FloatingPointError, match="generator: 3 updates in a row were skipped"):
            tiny_run.run(folder, config)
    step, _, records, _ = outcome(folder.path)
    assert step <= 20
    assert records[-1]["generator/loss"] is None


def test_a_disk_that_is_full_does_not_end_the_run(tmp_path, uninterrupted):
    with open_folder(tmp_path, "tiny", Config()) as folder:
        (folder.path / "samples").write_text("a file in the way")
        (folder.path / "report.html").mkdir()
        with pytest.warns(UserWarning) as caught:
            tiny_run.run(folder, Config())
    assert {str(w.message).split(" were ")[0].split(" was ")[0] for w in caught} == {
        *(f"the samples of step {step}" for step in (0, 8, 16, 24, 32)),
        "the report",
    }
    (folder.path / "samples").unlink()
    (folder.path / "samples").mkdir()
    assert outcome(folder.path)[:3] == outcome(uninterrupted)[:3]


@pytest.mark.parametrize(
    ("changes", "plan"),
    [
        ({}, (10, 20, 40, 80, 100)),
        ({"steps_per_call": 4}, (8, 16, 40, 80, 100)),
        ({"record_every": 1, "total_images": 1}, (1, 20, 40, 80, 1)),
        ({"record_every": 64, "sample_every": 10}, (16, 16, 32, 80, 100)),
    ],
)
def test_plans_are_whole_calls_and_whole_records(changes, plan):
    durations = dict(record_every=40, sample_every=80, checkpoint_every=160, score_every=320, total_images=400)
    found = make_plan(**(dict(batch_size=4, steps_per_call=1) | durations | changes))
    assert found == plan
    assert all(steps % found.record == 0 for steps in found[:4])


@pytest.mark.parametrize("name", ["batch_size", "steps_per_call", "record_every", "total_images"])
def test_durations_must_be_positive(name):
    durations = dict(record_every=40, sample_every=80, checkpoint_every=160, score_every=320, total_images=400)
    with pytest.raises(ValueError, match=f"expected {name} to be positive, found 0"):
        make_plan(**(dict(batch_size=4, steps_per_call=1) | durations | {name: 0}))


def test_without_inputs_the_state_is_scored(tmp_path):
    mesh, training, feed = data_mesh(), tiny_training(), tiny_feed()
    durations = dict.fromkeys(("total_images", "record_every", "sample_every", "checkpoint_every", "score_every"), 8)
    scores = []

    def compute(state):
        scores.append(int(state.step))
        return {"score/step": -1.0}

    with open_folder(tmp_path, "tiny", Config()) as folder:
        settings = dict(key=run_key(0, mesh), batch_size=8, inputs={"z": np.zeros(8, np.float32)})
        score = tiny_run.TinyScore("score/step", {}, compute)
        train(folder, training, compile(training, mesh, feed), feed, score=score, **settings, **durations)
    assert scores == [1]


def test_config_json_is_that_of_the_run(uninterrupted):
    assert json.loads((uninterrupted / "config.json").read_text())["total_images"] == 256
