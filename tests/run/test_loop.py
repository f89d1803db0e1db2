"""A run of a tiny system: what it leaves behind, how it is stopped and goes on, and what cannot break it."""

import dataclasses
import json
import os
import shutil
import signal

import jax
import numpy as np
import pytest
from tests.run.tiny_systems import COLOUR
from tests.systems.check import TIMES, records

from jgan.data import make_feed
from jgan.data.settings import ImageSettings
from jgan.evaluation.score import Score
from jgan.run import Settings
from jgan.run.checkpoints import Checkpoints
from jgan.run.loop import fits_memory
from jgan.run.main import main
from jgan.run.trained import load
from jgan.run.writer import Writer
from jgan.sharding import compile, data_mesh, run_key

SETTINGS = dict(kimg=0.256, record_kimg=0.032, sample_kimg=0.064, checkpoint_kimg=0.064, score_kimg=0.128, steps_per_call=2, devices=1)


def train(workdir, **changes):
    options = [part for name, value in (SETTINGS | changes).items() for part in (f"--{name.replace('_', '-')}", str(value))]
    main(COLOUR, ["train", "--workdir", str(workdir), *options])
    return workdir


def outcome(folder):
    """All that two equal runs must have in common, and their last checkpoint."""
    with Checkpoints(folder / "checkpoints") as checkpoints:
        step = checkpoints.steps()[-1]
        state = checkpoints.restore_raw(step)
    kept = [{name: value for name, value in record.items() if name not in TIMES} for record in records(folder)]
    samples = {p.name: p.read_bytes() for p in (folder / "samples").iterdir()} if (folder / "samples").is_dir() else {}
    return step, {name: value.tobytes() for name, value in state.items()}, kept, samples


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return train(tmp_path_factory.mktemp("runs") / "run")


def test_what_a_run_leaves_behind(uninterrupted):
    step, _, found, samples = outcome(uninterrupted)
    assert step == 32
    assert [(r["step"], r["images"]) for r in found] == [(s, 8 * s) for s in range(4, 33, 4)]
    assert [r["step"] for r in found if "brightness" in r] == [16, 32]
    assert sorted(samples) == [f"{8 * s:08d}.png" for s in (0, 8, 16, 24, 32)]
    assert (uninterrupted / "report.html").exists() and list((uninterrupted / "tensorboard").iterdir())
    about = json.loads((uninterrupted / "score.json").read_text())
    assert about["criterion"] == "brightness" and about["lower_is_better"] is False and about["protocol"]["samples"] == 8
    with Checkpoints(uninterrupted / "checkpoints") as checkpoints:
        scores = checkpoints.scores()
        assert {24, 32} <= set(checkpoints.steps()) and scores[32] == found[-1]["brightness"]
        assert checkpoints.best_step() == max(scores, key=scores.__getitem__)


def test_the_best_is_the_highest_where_higher_is_better(uninterrupted):
    found = {r["step"]: r["brightness"] for r in records(uninterrupted) if "brightness" in r}
    assert load(uninterrupted, system=COLOUR).about["step"] == max(found, key=found.__getitem__)


def test_records_are_means_over_the_steps_since_the_last(uninterrupted):
    """The same steps one by one, without the loop."""
    config = COLOUR.presets["tiny"]
    source, mesh = COLOUR.data(config), data_mesh(jax.devices()[:1])
    training, feed, key = COLOUR.build(config, source.spec), make_feed(source, config.batch, 0), run_key(0, mesh)
    state, losses = compile(training, mesh, feed).init(key), []
    for item in (jax.tree.map(lambda x: x[0], next(feed.items(step, 1))) for step in range(8)):
        state, metrics = jax.jit(training.step)(state, feed.lookup(feed.constants, item), key)
        losses.append(float(metrics["generator/loss"]))
    first, second = records(uninterrupted)[:2]
    assert first["generator/loss"] == pytest.approx(np.mean(losses[:4]), rel=1e-5)
    assert second["generator/loss"] == pytest.approx(np.mean(losses[4:]), rel=1e-5)
    assert second["generator/lazy"] == pytest.approx(losses[4], rel=1e-5)
    assert second["images_per_second"] > 0 and second["memory_gib"] > 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_stopping_saves_and_resuming_goes_on(tmp_path, uninterrupted, monkeypatch, number, status):
    record, handler, usual = Writer.record, signal.getsignal(signal.SIGINT), signal.signal(signal.SIGHUP, signal.SIG_DFL)

    def signalled(writer, step, values):
        record(writer, step, values)
        if step == 20:
            signal.raise_signal(number)

    with monkeypatch.context() as patch, pytest.raises(SystemExit) as stopped:
        patch.setattr(Writer, "record", signalled)
        train(tmp_path / "run")
    signal.signal(signal.SIGHUP, usual)
    assert (stopped.value.code or 0) == status
    assert signal.getsignal(signal.SIGINT) is handler
    assert records(tmp_path / "run")[-1]["step"] == 20
    assert outcome(train(tmp_path / "run")) == outcome(uninterrupted)


def test_a_run_outlives_whoever_reads_what_it_says(tmp_path, uninterrupted, monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stream, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", stream)
        patch.setattr("sys.stderr", stream)
        assert outcome(train(tmp_path / "run")) == outcome(uninterrupted)
    assert not (tmp_path / "run" / "error.txt").exists()


def test_a_run_that_has_nothing_left_to_do_keeps_its_configuration(tmp_path):
    run = train(tmp_path / "run", kimg=0.064)
    main(COLOUR, ["train", "--resume", str(run), "--learning-rate", "0.5", "--allow-change", "learning_rate"])
    assert [path.name for path in run.glob("config*.json")] == ["config.json"]


def test_a_longer_run_is_the_same_run(tmp_path, uninterrupted):
    train(tmp_path / "run", kimg=0.128)
    assert outcome(train(tmp_path / "run")) == outcome(uninterrupted)


def test_a_run_says_what_it_is_doing_before_its_first_record(tmp_path, capsys):
    train(tmp_path / "run", kimg=0.064)
    said = capsys.readouterr().err
    doing = ("reading the data", "preparing the score", "loading the examples", "making the first state", "drawing", "compiling")
    places = [said.find(line) for line in doing]
    assert -1 not in places and places == sorted(places) and places[-1] < said.find("images  ")


def test_the_speed_is_without_compiling_and_the_end_says_where_things_are(tmp_path, capsys):
    run = train(tmp_path / "my run", kimg=0.064, steps_per_call=4)
    assert ["images_per_second" in record for record in records(run)] == [False, True]
    with Checkpoints(run / "checkpoints") as checkpoints:
        best, score = checkpoints.best_step(), next(iter(checkpoints.scores().values()))
    checkpoint = f"best checkpoint: {run}/checkpoints/{best:08d} (score {score:.4g})"
    assert capsys.readouterr().out.splitlines()[-3:] == [f"report: {run}/report.html", checkpoint, f"next: jgan sample '{run}'"]


def test_a_finished_run_is_left_as_it_is(tmp_path):
    before = outcome(train(tmp_path / "run", kimg=0.064))
    assert outcome(train(tmp_path / "run", kimg=0.064)) == before


def test_non_finite_gradients_end_the_run_and_are_not_saved(tmp_path, capsys):
    with pytest.warns(UserWarning, match="samples of step .* found NaN"), pytest.raises(SystemExit) as stopped:
        train(tmp_path / "run", poison_at=18, score_kimg=0)
    assert stopped.value.code == 2 and "player: 3 updates in a row were skipped" in capsys.readouterr().err
    step, _, found, _ = outcome(tmp_path / "run")
    assert step <= 20
    assert found[-1]["generator/loss"] is None


def test_a_disk_that_is_full_does_not_end_the_run(tmp_path, uninterrupted):
    (tmp_path / "run").mkdir()
    train(tmp_path / "run", kimg=0.032)
    (tmp_path / "run" / "report.html").unlink()
    (tmp_path / "run" / "report.html").mkdir()
    for sample in (tmp_path / "run" / "samples").iterdir():
        sample.unlink()
    (tmp_path / "run" / "samples").rmdir()
    (tmp_path / "run" / "samples").write_text("a file in the way")
    with pytest.warns(UserWarning) as caught:
        train(tmp_path / "run")
    messages = [str(w.message).split(": ")[0] for w in caught]
    assert messages == ["samples are not written (step 8)", "the report is not written"]
    os.unlink(tmp_path / "run" / "samples")
    found, expected = outcome(tmp_path / "run"), outcome(uninterrupted)
    assert found[:2] == expected[:2]


def test_a_collapse_is_warned_of(tmp_path):
    def collapsing(config, source, /, *, folder, mesh=None):
        score = COLOUR.score(config, source, folder=folder, mesh=mesh)
        values = iter([0.5, 0.1, 0.1, 0.1])
        return score._replace(compute=lambda snapshot: {"brightness": 1.0, "spread": next(values)}, watched={"spread": 0.5})

    system = COLOUR._replace(score=collapsing)
    with pytest.warns(UserWarning, match="spread fell from 0.5 at 64 images to 0.1"):
        options = {**SETTINGS, "score_kimg": 0.064}
        arguments = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        main(system, ["train", "--workdir", str(tmp_path / "run"), *arguments])
    assert "spread fell from 0.5" in (tmp_path / "run" / "report.html").read_text()


def test_parameters_of_another_run(tmp_path, uninterrupted, capsys):
    main(COLOUR, ["train", "--workdir", str(tmp_path / "run"), "--init-from", str(uninterrupted), "--resolution", "8", "--kimg", "0.016",
                  "--record-kimg", "0.008", "--score-kimg", "0", "--devices", "1", "--learning-rate", "1e-9"])  # fmt: skip
    out = capsys.readouterr().out
    assert "player: 1 arrays taken" in out and "begun anew" not in out
    old, new = (load(run, system=COLOUR).weights["player/params/colour"] for run in (uninterrupted, tmp_path / "run"))
    np.testing.assert_allclose(old, new, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--init-from", "nowhere"], "expected the folder of a run, with a config.json, found none in nowhere"),
        (["--seed", "9223372036854775808"], "--seed: expected a whole number from 0 to 9223372036854775807"),
        (["--batch", "0"], "expected positive numbers, found a stage of 256 examples, 0 per step"),
        (["--record-kimg", "0"], "--record-kimg: expected a number from 0.001"),
    ],
)
def test_mistakes_are_found_before_the_score_is_made(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    system = COLOUR._replace(score=lambda *_, **__: pytest.fail("the score was made"))
    with pytest.raises(SystemExit):
        main(system, ["train", "--workdir", "run", "--kimg", "0.256", "--devices", "1", *options])
    assert message in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()


def test_a_score_that_fails_leaves_its_record(tmp_path, capsys):
    def score(config, source, /, *, folder, mesh=None):
        return Score("x", {}, lambda snapshot: {}["x"])

    with pytest.raises(KeyError):
        options = ["--score-kimg", "0.032", "--record-kimg", "0.032", "--devices", "1", "--steps-per-call", "2"]
        main(COLOUR._replace(score=score), ["train", "--workdir", str(tmp_path / "run"), "--kimg", "0.064", *options])
    assert [r["images"] for r in records(tmp_path / "run")] == [32]


def test_other_data_of_the_same_shape_are_refused_and_the_same_data_may_move(tmp_path, capsys):
    random = np.random.default_rng(0).integers(0, 256, (2, 32, 4, 4, 3), np.uint8)
    for name, images in zip(("a", "b"), random, strict=True):
        np.savez(tmp_path / f"{name}.npz", images=images)
    system = COLOUR._replace(config=Elsewhere, presets={"tiny": Elsewhere()})

    def call(name, kimg):
        options = ["--score-kimg", "0", "--devices", "1", "--workdir", str(tmp_path / "run"), "--kimg", str(kimg)]
        main(system, ["train", "--data", str(tmp_path / name), *options])

    call("a.npz", 0.032)
    (tmp_path / "a.npz").rename(tmp_path / "moved.npz")
    call("moved.npz", 0.064)
    with pytest.raises(SystemExit):
        call("b.npz", 0.096)
    assert "expected the data of this run" in capsys.readouterr().err


@dataclasses.dataclass(frozen=True, kw_only=True)
class Elsewhere(Settings, ImageSettings):
    """What a run is made of."""

    resolution: int = 4
    """Side of the images, pixels."""
    learning_rate: float = 0.1
    """Of gradient descent."""
    poison_at: int = 0
    """Never."""


def test_a_run_says_that_it_uses_fewer_devices(tmp_path, capsys):
    options = ["--kimg", "0.012", "--record-kimg", "0.012", "--batch", "6", "--score-kimg", "0"]
    main(COLOUR, ["train", "--workdir", str(tmp_path / "run"), *options])
    assert "using 6 of 8 devices, over which the batch divides; change --batch to use more" in capsys.readouterr().err


def test_a_run_without_its_checkpoints_says_that_it_begins_anew(tmp_path, capsys):
    run = train(tmp_path / "run", kimg=0.064, score_kimg=0)
    assert "begins anew" not in capsys.readouterr().err
    shutil.rmtree(run / "checkpoints")
    train(run, kimg=0.064, score_kimg=0)
    assert f"{run / 'checkpoints'} holds no checkpoint: the run begins anew, its 2 records are replaced" in capsys.readouterr().err


def test_what_to_do_without_enough_memory():
    for splits, advice in ((True, "--microbatches 2, or more, .* or a smaller --batch"), (False, "a smaller --batch")):
        with pytest.raises(ValueError, match=f"found RESOURCE_EXHAUSTED: 90 GiB; give {advice}"), fits_memory(splits):
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 90 GiB\nand more")
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"), fits_memory(True):
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")


def test_labels_need_names(tmp_path, capsys):
    def nameless(config, split=None):
        return COLOUR.data(config)._replace(fields={"label": jax.ShapeDtypeStruct((), np.int32)})

    with pytest.raises(SystemExit):
        main(COLOUR._replace(data=nameless), ["train", "--workdir", str(tmp_path / "run")])
    assert "expected the names of the classes of label" in capsys.readouterr().err
