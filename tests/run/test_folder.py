import json
import os
from dataclasses import dataclass, replace

import pytest

from jgan.data import open_source
from jgan.outputs.files import write_atomic
from jgan.run.folder import open_folder, read_about, read_config, recall, remember


@dataclass(frozen=True)
class Config:
    total_images: int = 100
    learning_rate: float = 0.1


def test_new_folder_keeps_the_configuration(tmp_path):
    with open_folder(tmp_path / "runs", "dcgan", Config(), {"version": "1.0"}) as folder:
        assert folder.path.parent == tmp_path / "runs"
        assert folder.path.name.startswith("dcgan-") and len(folder.path.name) == len("dcgan-20200101-000000")
        kept = {"kind": "Config", "total_images": 100, "learning_rate": 0.1}
        assert json.loads((folder.path / "config.json").read_text()) == {"system": "dcgan", "version": "1.0", "config": kept}
        assert read_about(folder.path) == {"system": "dcgan", "version": "1.0"}


def test_runs_begun_in_one_second_get_folders_of_their_own(tmp_path):
    paths = set()
    for _ in range(4):
        with open_folder(tmp_path, "dcgan", Config()) as folder:
            paths.add(folder.path)
    assert len(paths) == 4


def test_resuming_with_the_same_configuration_changes_nothing(tmp_path):
    with open_folder(tmp_path, "dcgan", Config()) as folder:
        before = sorted(folder.path.iterdir())
    with open_folder(tmp_path, "dcgan", Config(), resume=folder.path) as again:
        assert again.path == folder.path and sorted(folder.path.iterdir()) == before


def test_another_configuration_is_refused_with_the_difference(tmp_path):
    with open_folder(tmp_path, "dcgan", Config()) as folder:
        pass
    with pytest.raises(ValueError, match=r"learning_rate: 0\.1 -> 0\.2.*start a new run"):
        open_folder(tmp_path, "dcgan", Config(learning_rate=0.2), resume=folder.path, may_change=("total_images",))


def test_what_may_change_is_kept_beside_the_original(tmp_path):
    with open_folder(tmp_path, "dcgan", Config()) as folder:
        original = (folder.path / "config.json").read_bytes()
    for total in (200, 200, 300):
        longer = replace(Config(), total_images=total)
        open_folder(tmp_path, "dcgan", longer, resume=folder.path, may_change=("total_images",)).close()
    assert (folder.path / "config.json").read_bytes() == original
    assert read_config(folder.path)["total_images"] == 300
    assert sorted(p.name for p in folder.path.glob("config*")) == ["config-2.json", "config-3.json", "config.json"]


def test_a_folder_in_use_is_refused(tmp_path):
    with open_folder(tmp_path, "dcgan", Config()) as folder:
        with pytest.raises(BlockingIOError, match=f"in use by process {os.getpid()}"):
            open_folder(tmp_path, "dcgan", Config(), resume=folder.path)
    open_folder(tmp_path, "dcgan", Config(), resume=folder.path).close()


@pytest.mark.parametrize("name", ["", "a/b", ".."])
def test_names_that_are_no_part_of_a_path(tmp_path, name):
    with pytest.raises(ValueError, match="can be part of a path"):
        open_folder(tmp_path, name, Config())


def test_resuming_what_is_no_run(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected the folder of a run.*nothing"):
        open_folder(tmp_path, "dcgan", Config(), resume=tmp_path / "nothing")


def test_a_workdir_is_made_and_then_resumed(tmp_path):
    workdir = tmp_path / "deep" / "run"
    for total in (100, 200):
        config = replace(Config(), total_images=total)
        with open_folder(tmp_path, "dcgan", config, may_change=("total_images",), workdir=workdir) as folder:
            assert folder.path == workdir and read_config(workdir)["total_images"] == total
    with pytest.raises(ValueError, match=r"learning_rate: 0\.1 -> 0\.2"):
        open_folder(tmp_path, "dcgan", Config(200, learning_rate=0.2), workdir=workdir)
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


def test_a_workdir_with_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match="other files"):
        open_folder(tmp_path, "dcgan", Config(), workdir=tmp_path)


def test_either_a_workdir_or_a_run_to_resume(tmp_path):
    with pytest.raises(ValueError, match="found both"):
        open_folder(tmp_path, "dcgan", Config(), resume=tmp_path, workdir=tmp_path)


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomic(path, "before")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, "after")
    assert path.read_text() == "before"


def test_a_run_of_another_system_is_refused(tmp_path):
    with open_folder(tmp_path, "dcgan", Config()) as folder:
        pass
    with pytest.raises(ValueError, match="is a run of the system dcgan, not of lsgan"):
        open_folder(tmp_path, "lsgan", Config(), resume=folder.path)


def test_a_run_of_before_0_2(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"kind": "Config", "total_images": 3}))
    with pytest.raises(ValueError, match="made by a version of before 0.2"):
        read_config(tmp_path)


def test_what_is_kept_of_the_data(tmp_path):
    source = open_source("shapes", resolution=8, limit=5, labels=True)
    with open_folder(tmp_path, "dcgan", Config()) as folder:
        remember(folder, source)
        remember(folder, source)
        assert recall(folder.path) == source.spec
        with pytest.raises(ValueError, match="expected the data of this run"):
            remember(folder, open_source("shapes", resolution=8, limit=6, labels=True))


def test_paths_are_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open_folder("runs", "dcgan", Config()) as folder:
        assert folder.path.is_absolute()
