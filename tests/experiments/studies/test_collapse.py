"""The study of collapse in miniature: modes are counted right, and hits and false alarms are told apart."""

import json

import jax
import numpy as np
import pytest
from experiments.studies import collapse
from tests.systems.check import quick_classifiers

from jgan.evaluation import attributes
from jgan.run.main import study

TINY = collapse.Config(seeds=1, kimg=0.064, score_kimg=0.064, samples=32)


@pytest.mark.parametrize(("pairs", "expected"), [([(0, 0)] * 4, 1.0), ([(0, 0), (0, 1), (1, 0), (1, 1)], 4.0)])
def test_modes(monkeypatch, pairs, expected):
    monkeypatch.setattr(collapse, "read_attributes", lambda reader, images: np.asarray(pairs))
    assert collapse.modes(None, np.zeros(4)) == pytest.approx(expected)


def records(modes, recall):
    rows = zip(modes, recall, strict=True)
    return [{"images": 1000 * i, collapse.MODES: m, "variety/recall": r, "variety/coverage": 0.5} for i, (m, r) in enumerate(rows)]


def test_hits_and_false_alarms():
    steady, falling = [0.5] * 4, [0.5, 0.5, 0.1, 0.1]
    cases = {"hit": (falling, falling), "missed": (falling, steady), "false alarm": (steady, falling), "well": (steady, steady)}
    outcomes = {name: collapse.outcome(records(*numbers)) for name, numbers in cases.items()}
    assert [(one.collapsed, one.warned) for one in outcomes.values()] == [(3000, 3000), (3000, None), (None, 3000), (None, None)]
    assert collapse.table(outcomes).endswith("Warned of 1 of 2 collapses; 1 false alarms in 2 other runs.")
    assert collapse.plot(outcomes, 2).size == (480, 240)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*(close to guessing|covariance lacks)")
def test_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(attributes, "UNSEEN_SHAPES", 60)
    monkeypatch.setattr(collapse, "KINDS", {"R1": {"channel_base": 32, "channel_max": 8, "limit": 200}})
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"):
        study("collapse", {"tiny": TINY}, collapse.train, arguments=["train", "--workdir", str(tmp_path / "run")])
    numbers = json.loads((tmp_path / "run" / "results.json").read_text())
    assert len(numbers["R1 0"]["numbers"][collapse.MODES]) == 1 and "commit" in numbers["protocol"]
    assert {path.name for path in (tmp_path / "run").glob("*.*")} >= {"table.md", "collapse.png"}
