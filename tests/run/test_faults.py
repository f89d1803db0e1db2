"""What goes wrong around a run: signals at any moment, damaged files, a full disk, a folder that goes, training that dies."""

import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import optax
import pytest
from tests.run import tiny_systems
from tests.run.test_loop import SETTINGS, outcome, train
from tests.run.tiny_systems import COLOUR, ColourConfig
from tests.systems.check import records

from jgan import losses
from jgan.run import loop
from jgan.run.checkpoints import Checkpoints
from jgan.run.main import main
from jgan.run.sampling import latent_inputs
from jgan.run.trained import load
from jgan.run.writer import Writer
from jgan.training import alternating
from jgan.types import Network


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return train(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    """A run of half the length."""
    return train(tmp_path_factory.mktemp("runs") / "run", kimg=0.128)


def once(function):
    """The same function, the first call of which is interrupted by SIGTERM."""
    left = [None]

    def signalled(*arguments, **options):
        if left:
            left.pop()
            signal.raise_signal(signal.SIGTERM)
        return function(*arguments, **options)

    return signalled


# Signals


@pytest.mark.parametrize(
    ("owner", "name", "trained"),
    [(loop, "make_feed", 0), (loop, "compile", 0), (Writer, "sample", 0), (Checkpoints, "save", 8), (Writer, "report", 0)],
)
def test_sigterm_while_starting_and_saving(tmp_path, uninterrupted, monkeypatch, owner, name, trained):
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as stopped:
        patch.setattr(owner, name, once(getattr(owner, name)))
        train(tmp_path / "run")
    assert (stopped.value.code or 0) == 0
    assert [r["step"] for r in records(tmp_path / "run")] == list(range(4, trained + 1, 4))
    assert outcome(train(tmp_path / "run")) == outcome(uninterrupted)


def test_sigterm_while_scoring(tmp_path, uninterrupted, monkeypatch):
    def score(config, source, /, *, folder, mesh=None):
        found = COLOUR.score(config, source, folder=folder, mesh=mesh)
        return found._replace(compute=once(found.compute))

    arguments = [part for name, value in SETTINGS.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    with pytest.raises(SystemExit) as stopped:
        main(COLOUR._replace(score=score), ["train", "--workdir", str(tmp_path / "run"), *arguments])
    assert (stopped.value.code or 0) == 0
    assert records(tmp_path / "run")[-1]["step"] == 16 and "brightness" in records(tmp_path / "run")[-1]
    assert outcome(train(tmp_path / "run")) == outcome(uninterrupted)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.3, 1.5, 3.0])
def test_sigterm_before_training_leaves_a_folder_that_goes_on(tmp_path, uninterrupted, seconds):
    options = [part for name, value in SETTINGS.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, tiny_systems.__file__, "colour", "train", "--workdir", str(tmp_path / "run"), *options]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(seconds)
    process.terminate()
    output = process.communicate(timeout=100)[0]
    assert process.returncode in (0, -signal.SIGTERM) and "Traceback" not in output
    assert outcome(train(tmp_path / "run")) == outcome(uninterrupted)


# Damaged files of a run


def test_damaged_samples_records_and_strays_are_left_out(tmp_path, half, uninterrupted):
    run = shutil.copytree(half, tmp_path / "run")
    (run / "samples" / "00000064.png").write_bytes((run / "samples" / "00000064.png").read_bytes()[:30])
    (run / "samples" / "mine.png").write_bytes(b"mine")
    with (run / "metrics.jsonl").open("ab") as file:
        file.write(b'3\n{"step": 8\xff\xfe\n{"step": 4, "images": 32}\n')
    with pytest.warns(UserWarning) as caught:
        train(run)
    messages = [str(w.message) for w in caught]
    assert [re.sub(r".*/(samples/)?", "", m) for m in messages if "no records" not in m] == [
        "mine.png is no sample of the run and is left out of the report",
        next(re.sub(r".*/", "", m) for m in messages if "00000064.png is damaged and is left out of the report" in m),
    ]
    assert [m for m in messages if "no records" in m][0].endswith(
        "metrics.jsonl: 3 lines are no records and are left out, the first is line 5"
    )
    assert "<svg" in (run / "report.html").read_text() and (run / "report.html").read_text().count("<img") >= 3
    found, expected = outcome(run), outcome(uninterrupted)
    assert found[:3] == expected[:3]


def damaged(run, *steps):
    for step in steps:
        for file in (run / "checkpoints" / f"{step:08d}").rglob("*"):
            if file.is_file() and file.parent.name == "d":
                file.write_bytes(file.read_bytes()[:-1])
    return run


def test_a_damaged_checkpoint_costs_the_way_from_the_one_before(tmp_path, half, uninterrupted):
    run = damaged(shutil.copytree(half, tmp_path / "run"), 16)
    with pytest.warns(UserWarning, match="step 16 cannot be read and was set aside.*has changed since it was written"):
        train(run)
    assert outcome(run) == outcome(uninterrupted)


def test_if_no_checkpoint_can_be_read_one_line_says_so(tmp_path, half, capsys):
    run = damaged(shutil.copytree(half, tmp_path / "run"), 8, 16)
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        train(run)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("colour")]
    assert stopped.value.code == 2 and len(lines) == 1
    assert "found none: tried were the steps [8, 16]" in lines[0] and str(run) in lines[0]


def test_a_damaged_checkpoint_is_not_loaded(tmp_path, half, capsys):
    run = damaged(shutil.copytree(half, tmp_path / "run"), 16)
    with pytest.raises(ValueError, match=r"00000016, found.*has changed since it was written; take another step, one of \[8\]"):
        load(run, 16, system=COLOUR)
    assert load(run, 8, system=COLOUR).about["step"] == 8
    with pytest.raises(SystemExit):
        train(tmp_path / "other", init_from=damaged(run, 8))
    assert "expected a checkpoint that can be read in" in capsys.readouterr().err


# Full disks, and folders that go


def fails(*_, **__):
    raise OSError(28, "No space left on device")


def test_the_last_state_that_is_not_saved_is_status_1(tmp_path, monkeypatch, uninterrupted):
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as stopped:
        patch.setattr("jgan.run.checkpoints._probe", fails)
        with pytest.warns(UserWarning) as caught:
            train(tmp_path / "run")
    assert [str(w.message).split(":")[0] for w in caught] == ["checkpoints are not saved (step 8)"]
    assert re.match(
        r"the state of step 32 was not saved in .*run: OSError: .*No space left.*; mend that and go on with --resume", stopped.value.code
    )
    assert outcome(train(tmp_path / "run")) == outcome(uninterrupted)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_folder_that_goes_ends_the_run(tmp_path, monkeypatch, replaced):
    run, record = tmp_path / "run", Writer.record

    def removed(writer, step, values):
        record(writer, step, values)
        if step == 8:
            shutil.rmtree(run)
            if replaced:
                run.mkdir()

    monkeypatch.setattr(Writer, "record", removed)
    with pytest.raises(SystemExit) as stopped:
        train(run)
    assert stopped.value.code.startswith(f"the folder of the run, {run}, was removed or replaced while it trained")
    assert not run.exists() or not list(run.iterdir())


# Training that dies


@dataclasses.dataclass(frozen=True, kw_only=True)
class DuelConfig(ColourConfig):
    """What a run is made of."""


def linear(shape):
    """A linear map onto the shape; images are bounded."""
    size = max(1, int(jnp.prod(jnp.asarray(shape))))

    def init(key, x):
        return {"w": 0.1 * jax.random.normal(key, (x[0].size, size)), "b": jnp.zeros(size)}, {}

    def apply(params, state, x, key=None, train=False):
        y = (x.reshape(x.shape[0], -1) @ params["w"] + params["b"][None]).reshape(x.shape[0], *shape)
        return (jnp.tanh(y) if shape else y), state

    return Network(init, apply)


def duel(config, spec):
    optimizers = optax.sgd(config.learning_rate), optax.sgd(config.learning_rate)
    return alternating(linear(spec.shape()), linear(()), losses.non_saturating(), *optimizers, latent_size=2)


DUEL = COLOUR._replace(
    config=DuelConfig,
    presets={"tiny": DuelConfig(limit=32)},
    build=duel,
    sampling=lambda config, spec: COLOUR.sampling(config, spec)._replace(inputs=latent_inputs(2)),
    score=None,
)
LENGTH = ["--kimg", "9.6", "--record-kimg", "0.4", "--checkpoint-kimg", "0.4", "--sample-kimg", "9", "--score-kimg", "0"]
LENGTH += ["--devices", "1", "--steps-per-call", "50"]


def test_training_that_dies_is_warned_of_and_ends(tmp_path, capsys):
    with pytest.warns(UserWarning, match="this player may have stopped to learn"), pytest.raises(SystemExit) as stopped:
        main(DUEL, ["train", "--workdir", str(tmp_path / "run"), "--learning-rate", "1e9", *LENGTH])
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and "the training is dead: " in error and "checkpoints from before are kept" in error
    with Checkpoints(tmp_path / "run" / "checkpoints") as checkpoints:
        assert checkpoints.steps()[0] == 50
    assert records(tmp_path / "run")[-1]["step"] < 1200
    assert 'class="warning"' in (tmp_path / "run" / "report.html").read_text()


def test_training_that_lives_goes_on(tmp_path):
    main(DUEL, ["train", "--workdir", str(tmp_path / "run"), "--learning-rate", "0.05", *LENGTH])
    assert records(tmp_path / "run")[-1]["step"] == 1200
    assert 'class="warning"' not in (tmp_path / "run" / "report.html").read_text()


# What a run says before its first record


def test_each_stage_of_the_start_is_said(tmp_path, capsys):
    train(tmp_path / "run", kimg=0.032)
    lines = capsys.readouterr().err.splitlines()
    expected = [
        "reading the data",
        "preparing the score",
        "loading the examples",
        "making the first state",
        "drawing the first samples",
        "compiling the training step",
        "scoring",
    ]
    for line, start in zip(lines, [*expected, "32 of 32"], strict=True):
        assert line.startswith(start)
