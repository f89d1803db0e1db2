"""The examples in README.md run, and its test command is the one that continuous integration takes from it."""

import re
import subprocess
from pathlib import Path

import jax
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"^<!-- run -->\n```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def run(example):
    names = {}
    with jax.numpy_dtype_promotion("standard"):  # for optax.adam
        exec(compile(example, "README.md", "exec"), names)
    return names


def test_every_marked_example_is_found():
    assert len(EXAMPLES) == README.count("<!-- run -->") == 2


def test_loss_and_penalty(capsys):
    run(EXAMPLES[0])
    assert float(capsys.readouterr().out) == pytest.approx(1.0)  # hinge 0 + 1; the critic's gradient has norm 1


def test_game_in_full(capsys):
    radius = run(EXAMPLES[1])["radius"]
    assert float(radius.mean()) == pytest.approx(1.0, abs=0.1) and float(radius.std()) < 0.25
    assert capsys.readouterr().out.startswith("distance from the centre: ")


def test_continuous_integration_takes_the_test_command():
    (line,) = re.findall(r"^test_command=.*$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    found = subprocess.run(
        ["bash", "-c", f'{line}; printf %s "$test_command"'], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert found.startswith("python3 -m venv .venv && ") and found.endswith("-m pytest") and found in README
