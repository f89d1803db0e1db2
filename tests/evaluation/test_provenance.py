import json
import subprocess
from pathlib import Path

import jax
import pytest

import jgan
from jgan.evaluation import provenance as module
from jgan.evaluation.provenance import commit, provenance


def test_machine_versions_and_commit():
    found = json.loads(json.dumps(provenance()))
    assert found.keys() == {"machine", "versions", "commit"}
    assert found["versions"]["jgan"] == jgan.__version__ and found["versions"]["jax"] == jax.__version__
    assert found["machine"]["platform"] == "cpu" and found["machine"]["cores"] > 0 and found["machine"]["cpu"]


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of another project, with a copy of the package in it."""

    def git(*arguments):
        identity = ("-c", "user.name=someone", "-c", "user.email=someone@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    path = tmp_path / "environment" / "provenance.py"
    path.parent.mkdir()
    path.write_text(Path(module.__file__).read_text())
    monkeypatch.setattr(module, "__file__", str(path))
    git("init")
    git("commit", "--allow-empty", "--message", "begin")
    return path, git


def test_the_commit_is_that_of_this_package_alone(repository):
    path, git = repository
    assert commit() is None
    git("add", str(path))
    git("commit", "--message", "a copy")
    clean = commit()
    assert len(clean) == 12 and not clean.endswith("-dirty")
    path.write_text("changed")
    assert commit() == f"{clean}-dirty"


def test_outside_of_a_repository_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "__file__", str(tmp_path / "provenance.py"))
    assert commit() is None


def test_without_git_there_is_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit() is None
