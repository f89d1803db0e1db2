import json
import math
from dataclasses import dataclass

import pytest

from jgan.run.config import differences, from_plain, to_plain


@dataclass(frozen=True)
class Adam:
    learning_rate: float = 1e-3
    b1: float = 0.0


@dataclass(frozen=True)
class Sgd:
    learning_rate: float = 0.1


@dataclass(frozen=True)
class Config:
    optimizer: Adam | Sgd = Adam()
    widths: tuple[int, ...] = (64, 32)
    stages: tuple[Adam, ...] = ()
    data: str | None = None
    flip: bool = True


@dataclass(frozen=True)
class Odd:
    value: object = None


CONFIGS = [
    Config(),
    Config(optimizer=Sgd(0.5), widths=(), data="shapes", flip=False),
    Config(stages=(Adam(1.0), Adam(b1=0.9))),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_json_and_back(config):
    assert from_plain(Config, json.loads(json.dumps(to_plain(config)))) == config


def test_nested_kinds_are_tagged():
    assert to_plain(Config(optimizer=Sgd()))["optimizer"] == {"kind": "Sgd", "learning_rate": 0.1}


def test_absent_fields_take_their_defaults():
    assert from_plain(Config, {"kind": "Config", "data": "shapes"}) == Config(data="shapes")


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"kind": "Other"}, "expected a configuration of kind Config, found 'Other'"),
        ([], "kind Config"),
        ({"kind": "Config", "depth": 3}, "Config has no field depth"),
        ({"kind": "Config", "optimizer": {"kind": "Lion"}}, "found 'Lion'"),
    ],
)
def test_refused_files(plain, message):
    with pytest.raises(ValueError, match=message):
        from_plain(Config, plain)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [(Odd([1]), TypeError, r"config\.value: .*list"), (Odd((1, math.nan)), ValueError, r"value\[1\]: expected a finite number, found nan")],
)
def test_refused_values(value, error, message):
    with pytest.raises(error, match=message):
        to_plain(value)


def test_differences():
    assert differences(Config(), Config()) == []
    assert differences(Config(), Config(optimizer=Adam(2e-3), widths=(8,))) == [
        "optimizer.learning_rate: 0.001 -> 0.002",
        "widths: [64, 32] -> [8]",
    ]
    assert "optimizer.kind: 'Adam' -> 'Sgd'" in differences(Config(), to_plain(Config(optimizer=Sgd())))
