"""Files of a run that are damaged, old, or those of another one."""

import json
from dataclasses import dataclass

import pytest

from jgan.data import open_source
from jgan.data.sounds import open_sounds
from jgan.run.about import config_files, config_of, plain_spec, read_about, read_config, recall
from jgan.run.folder import open_folder, remember
from jgan.run.system import system_of
from jgan.run.trained import load
from jgan.types import Spec


@dataclass(frozen=True)
class Config:
    batch: int = 8


@pytest.fixture
def run(tmp_path):
    with open_folder(tmp_path, "gan", Config(), workdir=tmp_path / "run") as folder:
        remember(folder, open_source("shapes", resolution=8, limit=5, labels=True))
    return folder.path


def test_rates_are_kept(tmp_path):
    with open_folder(tmp_path, "gan", Config(), workdir=tmp_path / "run") as folder:
        remember(folder, open_sounds(window=64, limit=5))
    assert recall(folder.path).rates == {"audio": 8000} and "rates" not in plain_spec(Spec({}))  # as in runs from before there were any


DAMAGED = {
    "empty": b"",
    "cut off": b'{\n  "data": "shapes",\n  "split": "tr',
    "not UTF-8": b'{"data": "\xff\xfe"}',
    "a list": b"[1]",
    "null": b"null",
    "no object of ours": b"{}",
    "deep": b"[" * 100_000,
    "a system that is no text": b'{"system": 3, "config": {}}',
    "no config": b'{"system": "gan", "config": []}',
}


@pytest.mark.parametrize("reader", [read_config, read_about, system_of, load, lambda run: config_of(run, "gan", Config)])
@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
@pytest.mark.parametrize("name", ["config.json", "config-2.json"])
def test_a_damaged_configuration_is_named(run, name, content, reader):
    (run / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"/{name} is damaged: expected .*, found .*; put back a copy of the file, or start a new run$"):
        reader(run)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"kind": "Config", "dropout": 1}, r"config\.json: Config has no field dropout"),
        ({"kind": "Other"}, r"config\.json: expected a configuration of kind Config, found 'Other'"),
        ({"kind": "Config", "batch": "8"}, r"config\.json: batch: expected int, found '8'"),
    ],
)
def test_a_configuration_that_does_not_fit(run, config, message):
    (run / "config.json").write_text(json.dumps({"system": "gan", "config": config}))
    with pytest.raises(ValueError, match=message):
        config_of(run, "gan", Config)


DAMAGED_DATA = {
    **{name: DAMAGED[name] for name in ("empty", "cut off", "not UTF-8", "a list", "null", "no object of ours")},
    "fields of nothing": b'{"fields": 3, "names": {}, "size": 5, "content": "x"}',
    "a shape of text": b'{"fields": {"image": {"shape": "x", "dtype": "what"}}, "names": {}, "size": 5, "content": "x"}',
}


@pytest.mark.parametrize("content", DAMAGED_DATA.values(), ids=DAMAGED_DATA.keys())
def test_damaged_data_are_named(run, content):
    (run / "data.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"data\.json is damaged: expected .*, found"):
        recall(run)


@pytest.mark.parametrize(
    "name", ["config-old.json", "config-.json", "config-2 (copy).json", "config-02.json", "config-0.json", "config2.json"]
)
def test_strangers_are_passed_over(run, name):
    (run / f"{name}.json").write_text("{")
    (run / "config-3.json").mkdir()
    assert list(config_files(run)) == [1] and read_config(run) == {"kind": "Config", "batch": 8}


def test_configurations_are_in_the_order_of_their_numbers(run):
    for number in (2, 10):
        (run / f"config-{number}.json").write_text(json.dumps({"system": "gan", "config": {"kind": "Config", "batch": number}}))
    assert list(config_files(run)) == [1, 2, 10] and read_config(run)["batch"] == 10


def test_a_run_of_before_0_2(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"kind": "Config", "total_images": 3}))
    with pytest.raises(ValueError, match="made by a version of before 0.2"):
        read_config(tmp_path)
