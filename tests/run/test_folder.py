import json
import os
from dataclasses import dataclass, replace

import pytest

from jgan.data import open_source
from jgan.outputs.files import write_atomic
from jgan.run.about import read_about, read_config, recall
from jgan.run.folder import open_folder, remember


@dataclass(frozen=True)
class Config:
    total_images: int = 100
    learning_rate: float = 0.1
    devices: int | None = None


MAY_CHANGE = {"total_images": "", "devices": "changes rounding"}


def opened(root, config=None, **where):
    return open_folder(root, "dcgan", config or Config(), {"version": "1.0"}, may_change=MAY_CHANGE, **where)


def made(root, config=None):
    """The folder of a run that has done a step."""
    with opened(root, config) as folder:
        folder.begin(0)
        (folder.path / "metrics.jsonl").write_text("{}\n")
    return folder.path


def content(path):
    return {p.relative_to(path): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_new_folder_keeps_the_configuration(tmp_path):
    with opened(tmp_path / "runs") as folder:
        assert folder.path.parent == tmp_path / "runs"
        assert folder.path.name.startswith("dcgan-") and len(folder.path.name) == len("dcgan-20200101-000000")
        kept = {"kind": "Config", "total_images": 100, "learning_rate": 0.1, "devices": None}
        assert json.loads((folder.path / "config.json").read_text()) == {"system": "dcgan", "version": "1.0", "config": kept}
        assert read_about(folder.path) == {"system": "dcgan", "version": "1.0"}


def test_runs_begun_in_one_second_get_folders_of_their_own(tmp_path):
    assert len({made(tmp_path) for _ in range(4)}) == 4


def test_resuming_with_the_same_configuration_changes_nothing(tmp_path):
    path = made(tmp_path)
    before = content(path)
    with opened(tmp_path, resume=path) as again:
        again.begin(8)
    assert again.path == path and content(path) == before


def test_another_configuration_is_refused_with_the_difference_and_what_allows_it(tmp_path):
    path = made(tmp_path)
    before = content(path)
    message = r"learning_rate: 0\.1 -> 0\.2.*start a new run.*--allow-change learning_rate"
    with pytest.raises(ValueError, match=message):
        opened(tmp_path, Config(learning_rate=0.2), resume=path)
    assert content(path) == before


def test_what_changes_is_kept_beside_the_original_once_a_step_is_done(tmp_path):
    path = made(tmp_path)
    original = content(path)
    for step, total in enumerate((200, 200, 300)):
        with opened(tmp_path, replace(Config(), total_images=total, devices=2), resume=path) as folder:
            assert read_config(path)["total_images"] != total or not folder.changed
            folder.begin(step)
    assert content(path).items() >= original.items()
    assert read_config(path)["total_images"] == 300
    first, second = "step 0: total_images: 100 -> 200; devices: None -> 2 (changes rounding)", "step 2: total_images: 200 -> 300"
    assert read_about(path)["changes"] == [first, second]
    assert sorted(p.name for p in path.glob("config*")) == ["config-2.json", "config-3.json", "config.json"]


def test_a_resume_that_fails_changes_nothing(tmp_path):
    path = made(tmp_path)
    before = content(path)
    with pytest.raises(ValueError, match="does not fit"), opened(tmp_path, Config(200), resume=path):
        raise ValueError("does not fit")
    assert content(path) == before


@pytest.mark.parametrize("error", [ValueError(), KeyError(), KeyboardInterrupt(), SystemExit(130)], ids=repr)
@pytest.mark.parametrize("there", [(), ("run",), ("run", ".DS_Store"), ("run", "lock")], ids=str)
def test_a_start_that_fails_leaves_nothing(tmp_path, error, there):
    workdir = tmp_path / "deep" / "run"
    if there:
        workdir.mkdir(parents=True)
    for name in there[1:]:
        (workdir / name).touch()
    with pytest.raises(type(error)), opened(tmp_path, workdir=workdir) as folder:
        remember(folder, open_source("shapes", resolution=8, limit=5))
        (folder.path / "checkpoints").mkdir()
        (folder.path / "samples").mkdir()
        (folder.path / "samples" / "00000000.png").touch()
        raise error
    assert [p.name for p in tmp_path.iterdir()] == (["deep"] if there else [])
    assert not there or [p.name for p in workdir.iterdir()] == list(there[1:])


def test_a_start_that_was_asked_to_end_leaves_its_folder(tmp_path):
    with pytest.raises(SystemExit), opened(tmp_path) as folder:
        raise SystemExit(0)
    assert read_config(folder.path)


def test_a_dated_folder_that_failed_is_gone_with_the_folders_around_it(tmp_path):
    with pytest.raises(ValueError), opened(tmp_path / "deep" / "runs"):
        raise ValueError
    assert not list(tmp_path.iterdir())
    path = made(tmp_path)
    with pytest.raises(ValueError), opened(tmp_path):
        raise ValueError
    assert list(tmp_path.iterdir()) == [path]


def test_what_others_put_there_stays(tmp_path):
    with pytest.raises(ValueError), opened(tmp_path) as folder:
        (folder.path / "results.jsonl").touch()
        raise ValueError
    assert {p.name for p in folder.path.iterdir()} == {"results.jsonl", "config.json", "holder", "lock", "error.txt"}


def test_a_run_without_a_step_is_begun_anew(tmp_path):
    """Killed at its start, before anything could be removed; a resume that failed in 0.2.0 left a second configuration as well."""
    workdir = tmp_path / "run"
    with opened(tmp_path, workdir=workdir):
        pass
    (workdir / "config-2.json").write_text("{}")
    (workdir / "data.json").write_text("[")
    with opened(tmp_path, Config(learning_rate=0.2), workdir=workdir) as folder:
        remember(folder, open_source("shapes", resolution=8, limit=5))
        assert read_config(workdir)["learning_rate"] == 0.2 and not folder.goes_on and recall(workdir).image_shape == (8, 8, 3)


def test_errors_of_a_run_are_kept_with_their_traceback(tmp_path):
    path = tmp_path / "run"
    for number in range(2):
        with pytest.raises(KeyError) as caught, opened(tmp_path, workdir=path) as folder:
            folder.begin(0)
            raise KeyError(f"number {number}")
        assert caught.value.__notes__ == [f"the traceback is in {path / 'error.txt'}"]
    text = (path / "error.txt").read_text()
    assert text.count("Traceback (most recent call last)") == 2 and text.index("number 0") < text.index("number 1")
    assert text.startswith("20") and " UTC\n" in text


def test_a_folder_that_was_removed_is_not_made_again(tmp_path):
    with pytest.raises(ValueError) as caught, opened(tmp_path, workdir=tmp_path / "run") as folder:
        folder.begin(0)
        for file in folder.path.iterdir():
            file.unlink()
        folder.path.rmdir()
        raise ValueError
    assert not folder.path.exists() and not hasattr(caught.value, "__notes__")


def test_a_folder_in_use_is_refused(tmp_path):
    with opened(tmp_path) as folder:
        folder.begin(0)
        for where in ({"resume": folder.path}, {"workdir": folder.path}):
            with pytest.raises(BlockingIOError, match=f"in use by process {os.getpid()}"):
                opened(tmp_path, **where)
    with opened(tmp_path, resume=folder.path):
        pass


@pytest.mark.parametrize("name", ["", "a/b", ".."])
def test_names_that_are_no_part_of_a_path(tmp_path, name):
    with pytest.raises(ValueError, match="can be part of a path"):
        open_folder(tmp_path, name, Config())


@pytest.mark.parametrize(
    ("where", "error", "message"),
    [
        ({"resume": "nothing"}, FileNotFoundError, "expected the folder of a run.*nothing"),
        ({"resume": "file"}, FileNotFoundError, "expected the folder of a run.*file"),
        ({"workdir": "file"}, NotADirectoryError, "expected a folder, found a file: .*file"),
        ({"workdir": "file/run"}, NotADirectoryError, "expected a folder, found a file: .*file"),
        ({"root": "file"}, NotADirectoryError, "expected a folder, found a file: .*file"),
        ({"root": "closed"}, PermissionError, "expected a folder that can be written, found .*closed; .*--runs"),
        ({"workdir": "closed/run"}, PermissionError, "expected a folder that can be written, found .*closed; .*--workdir"),
        ({"workdir": "others"}, FileExistsError, "expected an empty folder or the folder of a run, found other files in .*others"),
        ({"workdir": "a", "resume": "b"}, ValueError, "found both"),
    ],
)
def test_places_where_no_run_can_be(tmp_path, monkeypatch, where, error, message):
    (tmp_path / "file").touch()
    for name in ("closed", "others"):
        (tmp_path / name).mkdir()
    (tmp_path / "others" / "thesis.tex").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: path.name != "closed")  # root may write everywhere
    before = set(tmp_path.rglob("*"))
    with pytest.raises(error, match=message):
        opened(**{"root": tmp_path} | {name: tmp_path / value for name, value in where.items()})
    assert set(tmp_path.rglob("*")) == before


def test_a_workdir_is_made_and_then_resumed(tmp_path):
    workdir = tmp_path / "deep" / "run"
    for total in (100, 200):
        with opened(tmp_path, replace(Config(), total_images=total), workdir=workdir) as folder:
            folder.begin(0)
            (workdir / "metrics.jsonl").write_text("{}\n")
        assert folder.path == workdir and read_config(workdir)["total_images"] == total
    with pytest.raises(ValueError, match=r"learning_rate: 0\.1 -> 0\.2"):
        opened(tmp_path, Config(200, learning_rate=0.2), workdir=workdir)
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomic(path, "before")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, "after")
    assert path.read_text() == "before"
    with pytest.raises(OSError, match="disk full"), opened(tmp_path / "runs"):
        pass
    assert not (tmp_path / "runs").exists()


def test_a_run_of_another_system_is_refused(tmp_path):
    path = made(tmp_path)
    with pytest.raises(ValueError, match="is a run of dcgan, not of lsgan: use the command `jgan`"):
        open_folder(tmp_path, "lsgan", Config(), resume=path)


def test_what_is_kept_of_the_data(tmp_path):
    source = open_source("shapes", resolution=8, limit=5, labels=True)
    path = made(tmp_path)
    for _ in range(2):
        with opened(tmp_path, resume=path) as folder:
            remember(folder, source)
            assert recall(path) == source.spec
            with pytest.raises(ValueError, match=r"other data in shapes: size: 5 -> 6; content: .*--data"):
                remember(folder, open_source("shapes", resolution=8, limit=6, labels=True))


def test_paths_are_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with opened("runs") as folder:
        assert folder.path.is_absolute()
