"""Parts of the benchmark of accelerators: resumed, stopped and told of; one of each in miniature."""

import json

import pytest
from benchmarks import accelerator, measure, operations, parts, step

PROVENANCE = {"machine": {"device": "d"}, "versions": {"jax": "j"}, "commit": "c"}
SCRIPT = """
import json, os, pathlib, sys, time
kind, options = sys.argv[1], dict(option.removeprefix("--").split("=") for option in sys.argv[2:])
here = pathlib.Path(__file__).parent
if kind == "machine":
    print(json.dumps(json.loads((here / "machine.json").read_text())))
    sys.exit()
with (here / "started").open("a") as file:
    print(kind, *sorted(options.items()), file=file)
if kind == "step":
    print(json.dumps({"first": 1}), flush=True)
    print("a library says something")
    print(json.dumps({"first": 2, "cache": os.environ["XDG_CACHE_HOME"]}), flush=True)
if kind == "warm":
    print(json.dumps({"skipped": "no cache"}))
if kind == "sampling":
    print(json.dumps({"first": 1}), flush=True)
    os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "3000")
    time.sleep(3000)
if kind == "peer":
    print(json.dumps({"error": "RuntimeError: out of memory"}))
    sys.exit(1)
if kind == "peer_compiled":
    sys.exit("no compiler")
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """run(*parts, ...): the outcome of each line of the file."""
    (tmp_path / "parts.py").write_text(SCRIPT)
    (tmp_path / "machine.json").write_text(json.dumps(PROVENANCE))
    monkeypatch.setattr(accelerator, "SCRIPT", tmp_path / "parts.py")
    monkeypatch.setattr(accelerator, "LIMITS", accelerator.LIMITS | {"sampling": 3})

    def call(*chosen, **options):
        accelerator.main(tmp_path / "out" / "a.jsonl", chosen, **options)
        return accelerator.lines(tmp_path / "out" / "a.jsonl")

    return call


def started(tmp_path):
    path = tmp_path / "started"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def test_each_part_is_a_line(run, tmp_path):
    line, product = run("step:demo", "rates", batch=4)
    assert (line["benchmark"], line["part"], line["outcome"], line["first"]) == ("accelerator", "step:demo", "done", 2)
    assert line["settings"] == {"batch": 4, "resolution": None, "steps": 16, "repeats": 3} and line["machine"] == {"device": "d"}
    assert line["cache"] == str(tmp_path / "out" / "a" / "demo") and (product["part"], product["outcome"]) == ("rates", "done")
    assert (tmp_path / "started").read_text().splitlines()[0].split() == [
        *("step", "('batch',", "'4')", "('preset',", "'demo')", "('repeats',", "'3')", "('steps',", "'16')")
    ]


@pytest.mark.parametrize(
    "part, error",
    [
        ("sampling:demo", "stopped after 3 s"),
        ("peer:demo", "RuntimeError: out of memory"),
        ("peer_compiled:demo", "ended with status 1: no compiler"),
    ],
)
def test_a_part_that_fails_loses_itself_only(run, part, error):
    failed, after = run(part, "step:demo")
    assert (failed["outcome"], failed["error"], after["outcome"]) == ("failed", error, "done")
    assert part != "sampling:demo" or failed["first"] == 1  # what was found before, and not what it had started is waited for


def test_an_interrupted_run_goes_on(run, tmp_path):
    run("rates")
    run("rates", "peer:demo", "warm:demo")
    outcomes = [line["outcome"] for line in run("rates", "peer:demo", "warm:demo", "step:demo")]
    assert outcomes == ["done", "failed", "skipped", "skipped", "done"]
    assert started(tmp_path) == ["rates", "peer", "warm", "warm", "step"]


@pytest.mark.parametrize("name, value", [("commit", "other"), ("versions", {"jax": "k"}), ("machine", {"device": "e"})])
def test_others_are_measured_again(run, tmp_path, name, value):
    run("rates")
    (tmp_path / "machine.json").write_text(json.dumps(PROVENANCE | {name: value}))
    assert [line["outcome"] for line in run("rates")] == ["done", "done"]


def test_other_settings_are_measured_again(run, tmp_path):
    run("rates")
    assert len(run("rates", batch=2)) == 2


def test_what_the_budget_cuts_is_tried_again(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(accelerator.LIMITS, "sampling", 60)
    (line,) = run("sampling:demo", "rates", budget_minutes=0.1)
    assert (line["outcome"], line["first"]) == ("cut", 1)
    assert "rates is left for the next time" in capsys.readouterr().err
    monkeypatch.setitem(accelerator.LIMITS, "sampling", 1)
    assert [line["outcome"] for line in run("sampling:demo")] == ["cut", "failed"]


def test_a_step_begins_without_a_cache_unless_it_was_cut(run, tmp_path):
    cache = tmp_path / "out" / "a" / "demo"
    new = {"part": "step:demo", "settings": {}, **PROVENANCE}
    for again, left in ((True, True), (False, False)):
        cache.mkdir(parents=True, exist_ok=True)
        assert accelerator.measured(new, 60.0, cache.parent, again)["outcome"] == "done"
        assert cache.exists() == left


@pytest.mark.parametrize("part", ["speed", "rates:demo", "step", "step:dmo"])
def test_mistakes(run, part):
    with pytest.raises(ValueError, match="expected (parts out of rates, step:PRESET|one of the presets)"):
        run(part)


def test_the_default_parts_exist():
    for part in accelerator.ORDER:
        accelerator.check(part)
    assert accelerator.LIMITS.keys() | {"machine"} == parts.PARTS.keys()


def test_a_process_without_a_machine_is_told(run, tmp_path):
    (tmp_path / "machine.json").unlink()
    with pytest.raises(SystemExit, match="tells its machine, found: ended with status 1: FileNotFoundError"):
        run("rates")


def test_rates(monkeypatch):
    monkeypatch.setattr(step, "_matrix_size", lambda: 32)
    monkeypatch.setattr(operations, "large_copy", lambda copy=operations.large_copy: copy(256))
    (found,) = parts.rates(parts.Sizes(measure.configuration("demo", None, None), 1, 1))
    assert found["tflop_per_second"].keys() == {"bfloat16", "float32"} and found["copied_gb_per_second"]["median"] > 0


def test_an_error_is_the_last_line(monkeypatch, capsys):
    def broken(sizes):
        yield {"first": 1}
        raise RuntimeError("RESOURCE_EXHAUSTED: no memory\nat all")

    monkeypatch.setitem(parts.PARTS, "step", broken)
    monkeypatch.setattr(parts, "keep_compiled_programs", lambda: None)
    with pytest.raises(SystemExit):
        parts.main("step")
    out, error = capsys.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [{"first": 1}, {"error": "RuntimeError: RESOURCE_EXHAUSTED: no memory"}]
    assert "at all" in error


@pytest.mark.slow
def test_in_miniature(tmp_path, monkeypatch):
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "1")
    monkeypatch.setattr(accelerator, "LIMITS", dict.fromkeys(accelerator.LIMITS, 500))  # of a busy machine
    chosen = "step:demo", "warm:demo", "sampling:demo"
    accelerator.main(tmp_path / "a.jsonl", chosen, batch=4, resolution=8, steps=1, repeats=1, budget_minutes=30)
    found = {line["part"]: line for line in accelerator.lines(tmp_path / "a.jsonl")}
    assert {part: line["outcome"] for part, line in found.items()} == dict.fromkeys(chosen, "done")
    line = found["step:demo"]
    assert line["cached"] == 0 < found["warm:demo"]["cached"]
    assert line["seconds"].keys() == found["warm:demo"]["seconds"].keys() == {"trace", "init", "lower", "compile"}
    assert line["images_per_second"]["median"] > 0 and line["memory_gib"]["program"] > 0 and line["estimate"]["all_due"]["gflops"] > 0
    profile = line["profile"]
    assert all(profile["kinds_ms"][kind] > 0 for kind in ("convolution", "filter", "optimizer")) and profile["unexplained"] < 0.2
    assert sum(profile["kinds_ms"].values()) == pytest.approx(profile["busy_ms"], rel=0.01)
    assert found["sampling:demo"]["images_per_second"].keys() == {"1", "8", "64"}
