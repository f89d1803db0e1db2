"""The benchmark of the metrics in miniature: it runs and prints what it promises."""

import json

import pytest
from benchmarks import metrics


def printed(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def test_small_subjects(capsys, monkeypatch):
    monkeypatch.setattr(metrics, "has", lambda module: False)
    metrics.main(subjects=("frechet", "kernel"), dimensions=4, samples=20, repeats=1)
    frechet, kernel = printed(capsys)
    assert frechet["subject"] == "frechet" and frechet["dimensions"] == 4 and frechet["torch_fidelity"] == "absent"
    assert kernel["subject"] == "kernel" and kernel["subset_size"] == 10 and kernel["ours"]["median"] > 0
    assert kernel["machine"]["platform"] == "cpu" and "difference" not in kernel


@pytest.mark.slow
def test_neighbours_in_a_process_of_their_own(capsys):
    metrics.main(subjects=("prdc",), dimensions=4, samples=50)
    (line,) = printed(capsys)
    assert line["k"] == 5 and line["samples"] == 50 and line["ours"]["seconds"] > 0 and 0 < line["ours"]["peak_gib"] < 4


@pytest.mark.slow
def test_inception(capsys, monkeypatch):
    monkeypatch.setattr(metrics, "has", lambda module: False)
    metrics.main(subjects=("inception",), batch=1, size=16, repeats=1)
    (line,) = printed(capsys)
    assert line["images_per_second"]["ours"] > 0


def test_unknown_subject():
    with pytest.raises(ValueError, match="found inceptoin"):
        metrics.main(subjects=("inceptoin",))
