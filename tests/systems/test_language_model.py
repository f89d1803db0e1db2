"""The language model in miniature."""

import dataclasses

import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of, records
from tests.systems.steps import moved, play

from jgan.systems.language_model import SYSTEM, Config

TINY = Config(batch=16, embedding=4, features=6, limit=48, learning_rate=1e-2)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


def test_steps_learn():
    first, last, metrics = play(SYSTEM, TINY)
    assert moved(first.generator.params, last.generator.params)
    loss = metrics["generator/loss"]
    assert abs(loss[0] - np.log(25)) < 0.5 and loss[-1] < loss[0]  # it begins with knowing nothing
    assert (metrics["generator/nats"] / loss > 4).all()  # tokens of a sentence


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ab\nba\n", "has no split 'test'.*without a score, with --score-kimg 0"),
        ("ab\n" * 9 + "\n".join("bcdefghij"), "found j.*--score-kimg 0"),
    ],
)
def test_nothing_to_compare_with(tmp_path, text, message):
    (tmp_path / "few.txt").write_text(text)
    config = dataclasses.replace(TINY, data=str(tmp_path / "few.txt"), unit="characters")
    with pytest.raises(ValueError, match=message):
        SYSTEM.score(config, SYSTEM.data(config), folder=tmp_path)


@pytest.mark.slow
def test_system_on_a_file(tmp_path):
    (tmp_path / "names.txt").write_text("\n".join(a + b for a in ("an", "be", "cor", "di") for b in ("na", "la", "ro", "sa", "to")))
    tiny = Config(data=str(tmp_path / "names.txt"), unit="characters", batch=8, embedding=4, features=6, learning_rate=1e-2)
    arguments = {"evaluate": ["--samples", "32"]}
    trained = check_system(SYSTEM, tiny, tmp_path / "runs", arguments, skip=())
    scored = records(tmp_path / "runs" / "whole")[-1]
    assert scored["score/reverse_perplexity"] > 1 and 0 < scored["variety/different"] <= 1
    assert trained.outputs(tokens=["anna"])["nats"].shape == (1,)
    with pytest.raises(ValueError, match="expected tokens in words of the data, found x; some that are known are a, b"):
        trained.outputs(tokens=["xanna"])
