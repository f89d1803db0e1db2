import csv
import json
import os
import struct

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event
from tests.run.tiny_systems import COLOUR

from jgan import outputs
from jgan.run import loggers
from jgan.run.loggers import check_loggers, open_loggers
from jgan.run.main import main
from jgan.run.metrics_log import MetricsLog

QUICK = ["--kimg", "0.128", "--record-kimg", "0.032", "--sample-kimg", "0.064", "--score-kimg", "0.064", "--devices", "1"]


def events(folder):
    """(step, name, value) in all event files, in the order in which they were begun."""
    found = []
    for file in sorted((folder / "tensorboard").iterdir(), key=lambda p: p.name.rsplit("-", 1)[1]):
        data, at = file.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            event = Event.FromString(data[at + 12 : at + 12 + length])
            found += [(event.step, v.tag, v.simple_value) for v in event.summary.value]
            at += 16 + length
    return found


def table(folder):
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def shown(folder, name, *records, first=0):
    """A logger that is given records of a run."""
    log = MetricsLog(folder, first)
    (logger,) = open_loggers([name], folder, {"kind": "Config", "batch": 8}).values()
    for step, values in records:
        logger.scalars(log.record(step, 8 * step, values))
    return logger


def test_scalars_in_tensorboard(tmp_path):
    shown(tmp_path, "tensorboard", (1, {"loss": 0.5}), (2, {"loss": 0.25, "score/x": 3.0})).close()
    shown(tmp_path, "tensorboard", (2, {"loss": np.nan}), first=1).close()
    *before, (step, name, value) = events(tmp_path)
    assert before == [(1, "loss", 0.5), (2, "loss", 0.25), (2, "score/x", 3.0)]
    assert (step, name) == (2, "loss") and np.isnan(value)


def test_a_failed_file_of_events_is_not_used_again(tmp_path):
    (tmp_path / "tensorboard").write_text("a file in the way")
    with pytest.raises(FileExistsError):
        shown(tmp_path, "tensorboard", (1, {"loss": 1.0}))
    (tmp_path / "tensorboard").unlink()
    shown(tmp_path, "tensorboard", (2, {"loss": 2.0})).close()
    assert events(tmp_path) == [(2, "loss", 2.0)]


def test_a_table_has_the_records_of_the_whole_run(tmp_path):
    shown(tmp_path, "tensorboard", (1, {"loss": 0.5}), (2, {"loss": 0.4}), (3, {"loss": 9.0})).close()
    shown(tmp_path, "csv", (3, {"loss": 0.25, "score/x": 3.0}), (4, {"loss": np.inf}), (5, {"loss": 0.1, "late, x": 1.0}), first=2)
    found = [{name: value for name, value in row.items() if name != "seconds"} for row in table(tmp_path)]
    names = ("step", "images", "loss", "score/x", "late, x")
    rows = [("1", "8", "0.5", "", ""), ("2", "16", "0.4", "", ""), ("3", "24", "0.25", "3.0", ""), ("4", "32", "", "", "")]
    assert found == [dict(zip(names, row, strict=True)) for row in [*rows, ("5", "40", "0.1", "", "1.0")]]


def test_a_run_is_followed_where_it_is_asked_for(tmp_path):
    main(COLOUR, ["train", "--workdir", str(tmp_path / "run"), "--log", "csv", "tensorboard", *QUICK])
    assert [int(row["step"]) for row in table(tmp_path / "run")] == [4, 8, 12, 16]
    assert {"samples", "brightness"} <= {name for _, name, _ in events(tmp_path / "run")}
    main(COLOUR, ["train", "--workdir", str(tmp_path / "none"), "--log", *QUICK])
    assert {"tensorboard", "metrics.csv"}.isdisjoint(path.name for path in (tmp_path / "none").iterdir())


def test_trouble_with_a_logger_costs_neither_the_run_nor_the_others(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.csv").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    with pytest.warns(UserWarning, match="records are not shown in csv .step 4.*metrics.csv.*; training goes on"):
        main(COLOUR, ["train", "--workdir", str(tmp_path / "run"), "--log", "csv", "tensorboard", *QUICK])
    assert {4, 16} <= {step for step, _, _ in events(tmp_path / "run")}


def test_a_missing_package_is_said_before_there_is_a_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loggers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        main(COLOUR, ["train", "--workdir", str(tmp_path / "run"), "--log", "wandb", *QUICK])
    assert "--log wandb needs the package wandb: pip install 'jgan[wandb]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    check_loggers(["tensorboard", "csv"])


@pytest.fixture
def offline(monkeypatch):
    pytest.importorskip("wandb", reason="needs the extra wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in [name for name in os.environ if name.startswith("WANDB_") and name != "WANDB_MODE"]:
        monkeypatch.delenv(name)


def test_wandb_without_a_network(offline, tmp_path):
    logger = shown(tmp_path, "wandb", (1, {"loss": 0.5}), (2, {"loss": np.nan}))
    kinds = {"image": outputs.image(), "sound": outputs.audio(8_000), "words": outputs.tokens(("<b>", "moon"))}
    drawn = {"image": np.zeros((2, 8, 8, 3), np.uint8), "sound": np.zeros((2, 100, 1), np.float32), "words": np.ones((2, 3), np.int32)}
    logger.samples(2, outputs.render(drawn, kinds))
    logger.close()
    shown(tmp_path, "wandb", (3, {"loss": 0.25}), first=2).close()
    first, second = sorted((tmp_path / "wandb").glob("offline-run-*"))
    name = (tmp_path / "wandb" / "jgan-id").read_text()
    # W&B adds "-1" to the folder of a run that continues within the same second.
    assert f"-{name}" in first.name and f"-{name}" in second.name
    media = [path for path in (first / "files" / "media").rglob("*") if path.is_file()]
    assert {path.suffix for path in media} == {".png", ".wav", ".html"}
    text = next(path for path in media if path.suffix == ".html").read_text()
    assert "moon moon moon" in text
    (sent,) = first.glob("*.wandb")
    assert b"loss" in sent.read_bytes()


def test_wandb_that_refuses_is_a_mistake_and_later_trouble_is_passed_over(offline, tmp_path, monkeypatch):
    import wandb

    logger = shown(tmp_path, "wandb")

    def refuse(*_, **__):
        raise wandb.Error("no such account")

    monkeypatch.setattr(logger._run, "log", refuse)
    with pytest.raises(OSError, match="W&B: no such account"):
        logger.scalars({"step": 1, "images": 8, "loss": 0.5})
    logger.close()
    monkeypatch.setattr(wandb, "init", refuse)
    with pytest.raises(ValueError, match="W&B refused the run: no such account; log in with `wandb login`"):
        open_loggers(["wandb"], tmp_path, json.loads("{}"))
