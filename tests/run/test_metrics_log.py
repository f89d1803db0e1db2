import json
import math

import pytest

from jgan.run.metrics_log import MetricsLog, read_records


def test_records_are_lines(tmp_path):
    recorder = MetricsLog(tmp_path)
    recorder.record(1, 8, {"loss": 0.5})
    recorder.record(2, 16, {"loss": 0.25, "score/x": 3.0})
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [{k: v for k, v in r.items() if k != "seconds"} for r in lines] == [
        {"step": 1, "images": 8, "loss": 0.5},
        {"step": 2, "images": 16, "loss": 0.25, "score/x": 3.0},
    ]
    assert 0 <= lines[0]["seconds"] <= lines[1]["seconds"]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_json_cannot_hold_is_null(tmp_path, value):
    assert MetricsLog(tmp_path).record(1, 8, {"loss": value})["loss"] is None
    assert read_records(tmp_path / "metrics.jsonl")[0]["loss"] is None


def test_resuming_drops_what_lies_beyond_and_goes_on_counting(tmp_path):
    recorder = MetricsLog(tmp_path)
    for step in (1, 2, 3):
        recorder.record(step, 8 * step, {"loss": 0.0})
    path = tmp_path / "metrics.jsonl"
    path.write_text(path.read_text().replace('"step": 2, "images": 16, "seconds": 0', '"step": 2, "images": 16, "seconds": 5'))
    with path.open("a") as file:
        file.write('{"step": 4, "ima')  # cut short
    with pytest.warns(UserWarning, match="1 lines are no records and are left out, the first is line 4"):
        recorder = MetricsLog(tmp_path, step=2)
    recorder.record(3, 24, {"loss": 1.0})
    records = read_records(path)
    assert [(r["step"], r["loss"]) for r in records] == [(1, 0.0), (2, 0.0), (3, 1.0)]
    assert records[-1]["seconds"] >= 5


def test_a_full_disk_costs_the_record_only(tmp_path):
    recorder = MetricsLog(tmp_path)
    recorder.record(1, 8, {"loss": 1.0})
    path, kept = tmp_path / "metrics.jsonl", tmp_path / "kept"
    path.rename(kept)
    path.symlink_to("/dev/full")
    with pytest.warns(UserWarning, match="records are not written .step 2.*No space left on device.*training goes on"):
        recorder.record(2, 16, {"loss": 2.0})
    recorder.record(2, 16, {"loss": 2.0})  # without another warning
    path.unlink()
    kept.rename(path)
    recorder.record(3, 24, {"loss": 3.0})
    assert [r["step"] for r in read_records(path)] == [1, 3]


GOOD = '{"step": 4, "images": 32, "seconds": 1.0, "loss": null}'
NO_RECORDS = {
    "a number": b"3",
    "a list": b"[1, 2]",
    "text": b'"x"',
    "null": b"null",
    "deep": b"[" * 100_000,
    "cut short": b'{"step": 8, "im',
    "not UTF-8": b'{"step": 8\xff\xfe}',
    "no seconds": b'{"step": 4, "images": 32}',
    "no step": b'{"images": 32, "seconds": 1.0}',
    "text as step": b'{"step": "4", "images": 1, "seconds": 1}',
    "half a step": b'{"step": 4.5, "images": 32, "seconds": 1}',
    "a negative step": b'{"step": -4, "images": 32, "seconds": 1}',
    "a true step": b'{"step": true, "images": 1, "seconds": 1}',
    "null seconds": b'{"step": 4, "images": 32, "seconds": null}',
    "text as value": b'{"step": 4, "images": 32, "seconds": 1, "loss": "x"}',
    "infinite": b'{"step": 4, "images": 32, "seconds": 1, "loss": 1e999}',
    "endless": b'{"step": 4, "images": 32, "seconds": 1, "loss": ' + b"9" * 400 + b"}",
}


@pytest.mark.parametrize("line", NO_RECORDS.values(), ids=NO_RECORDS.keys())
def test_lines_that_are_no_records_are_left_out(tmp_path, line):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"\n".join([GOOD.encode(), line, GOOD.replace("4", "8").encode()]) + b"\n")
    with pytest.warns(UserWarning, match="metrics.jsonl: 1 lines are no records and are left out, the first is line 2"):
        assert [record["step"] for record in read_records(path)] == [4, 8]
    with pytest.warns(UserWarning):
        MetricsLog(tmp_path, step=8)
    assert [record["step"] for record in read_records(path)] == [4, 8]  # mended, without a warning


def test_numbers_that_are_not_finite_are_null(tmp_path):
    (tmp_path / "metrics.jsonl").write_text(GOOD.replace("null", "NaN") + "\n")
    assert read_records(tmp_path / "metrics.jsonl")[0]["loss"] is None
