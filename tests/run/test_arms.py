"""Arms are compared in the same features, or not at all."""

import json
from pathlib import Path

import pytest

from jgan.run.arms import Arm, check_features, measured, scores_of
from jgan.run.system import System


def record(name, value):
    return {"images": 2000, "seconds": 60, f"score/frechet_distance/{name}": value}


def test_scores_of_one_space():
    found = scores_of(
        {"ours": [record("a", 1.0), {"images": 3}, record("a", 0.5)], "other": [record("a", 2.0)], "unscored": [{"images": 3}]}
    )
    assert [row["frechet_distance"] for row in found["ours"]] == [1.0, 0.5] and len(found["other"]) == 1 and found["unscored"] == []


def test_scores_of_two_spaces_are_refused():
    message = "expected frechet_distance of all arms in the same features, found a of ours and b of other; .* the same --features"
    with pytest.raises(ValueError, match=message):
        scores_of({"ours": [record("a", 1.0)], "other": [record("b", 2.0)]})


def test_spaces_are_those_of_each_number():
    check_features({"ours": {"recall": "a", "psnr": "pixels"}, "other": {"recall": "a"}, "third": {"psnr": "pixels"}})
    with pytest.raises(ValueError, match="expected psnr of all arms .* found pixels of ours and a of third"):
        check_features({"ours": {"recall": "a", "psnr": "pixels"}, "third": {"psnr": "a"}})


def evaluating(features):
    """An arm whose runs have the number of its folder, in these features."""

    def evaluate(system, run: Path, samples: int):
        with (run / "evaluations.jsonl").open("a") as file:
            file.write(json.dumps({"metric": "recall", "value": samples, "features": features}) + "\n")

    return Arm(System("tiny", int, {}, data=None, build=None, sampling=None, commands={"evaluate": evaluate}), None)


def test_what_evaluate_adds_is_measured(tmp_path):
    for name in ("ours", "other"):
        (tmp_path / name).mkdir()
    folders = {name: tmp_path / name for name in ("ours", "other")}
    same = {"ours": evaluating("a"), "other": evaluating("a")}
    assert measured(same, folders, samples=3) == {"ours": {"recall": 3}, "other": {"recall": 3}}
    assert measured(same, folders, samples=4)["ours"] == {"recall": 4}
    with pytest.raises(ValueError, match="found a of ours and b of other"):
        measured({**same, "other": evaluating("b")}, folders, samples=3)
