"""One file of all benchmarks, and files side by side."""

import doctest
import json

import pytest
from benchmarks import all as benchmarks

LINE = {"benchmark": "b", "batch": 8, "ms": {"median": 2.0, "low": 1.0, "high": 3.0}, "commit": "c"}


def test_examples():
    assert doctest.testmod(benchmarks).failed == 0


def test_lines_are_gathered_and_a_failure_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "good.py").write_text(f"import sys\nprint({json.dumps(LINE)!r}, flush=True)\nassert sys.argv[1:] == ['--batch', '8']")
    (tmp_path / "bad.py").write_text("raise SystemExit(3)")
    monkeypatch.setattr(benchmarks, "FOLDER", tmp_path)
    monkeypatch.setattr(benchmarks, "COMMANDS", {"good": ("--batch", "8"), "bad": ()})
    out = tmp_path / "results.jsonl"
    benchmarks.run(out, ("good", "bad"))
    benchmarks.run(out, ("good",))
    assert [json.loads(line) for line in out.read_text().splitlines()] == [LINE, LINE]
    assert "bad ended with status 3" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="expected benchmarks out of good, bad, found other"):
        benchmarks.run(out, ("other",))


def test_two_files_side_by_side(tmp_path, capsys):
    for name, median in (("before", 2.0), ("after", 1.0)):
        (tmp_path / name).write_text(json.dumps(LINE | {"ms": {"median": median, "low": 0.0, "high": 9.0}, "commit": name}))
    benchmarks.show(tmp_path / "before", tmp_path / "after")
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1].split() == ["ms", "2", "1", "0.500"] and printed[-2] == "benchmark=b batch=8"
    assert '"commit": "after"' in printed[1]
    with pytest.raises(SystemExit, match="found none in"):
        benchmarks.show(tmp_path / "absent")


def test_recorded_figures_can_be_shown(capsys):
    recorded = benchmarks.FOLDER.parent / "docs" / "benchmarks.jsonl"
    benchmarks.show(recorded, recorded)
    printed = capsys.readouterr().out
    missing = {name for name in benchmarks.COMMANDS if f"benchmark={name} " not in printed and f"benchmark={name}\n" not in printed}
    assert missing == {"ahead_of_time"}  # needs the compilers of other devices
