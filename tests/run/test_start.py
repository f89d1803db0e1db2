"""How runs begin and go on from the command line: where their data are, what may change, what a start that failed leaves behind."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from tests.run.tiny_systems import COLOUR, GROWING
from tests.systems.check import records, stopped_at

import jgan.run.loop
from jgan.run.checkpoints import Checkpoints
from jgan.run.main import main
from jgan.run.trained import load
from jgan.run.writer import Writer
from jgan.systems import gan, stylegan

SETTINGS = {"--kimg": 0.128, "--record-kimg": 0.032, "--sample-kimg": 0.064, "--checkpoint-kimg": 0.064, "--score-kimg": 0}
SETTINGS |= {"--steps-per-call": 2, "--devices": 1, "--data": "my photos/set.npz"}


def photos(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, images=np.random.default_rng(seed).integers(0, 256, (32, 4, 4, 3), np.uint8))


def train(where, *options, system=COLOUR):
    main(system, ["train", *where, *map(str, options)])


def first(where, **changes):
    train(where, *(part for option in (SETTINGS | changes).items() for part in option))


def content(path):
    return {p.relative_to(path): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def refused(capsys, call, *arguments, status=2, **options):
    """The line of a command that ends with a mistake, behind what it said that it was doing."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        call(*arguments, **options)
    *doing, error = capsys.readouterr().err.splitlines()
    assert stopped.value.code == status and not any("Error" in line or "Traceback" in line for line in doing), (doing, error)
    return error


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run on data at a relative path, and the folder that both are in."""
    place = tmp_path_factory.mktemp("place")
    photos(place / "my photos" / "set.npz")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        first(["--workdir", "run"])
    return place


@pytest.fixture
def run(made, tmp_path, monkeypatch):
    """A copy of it, and another working folder."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return shutil.copytree(made / "run", tmp_path / "run")


def last_state(run, name="colour"):
    with Checkpoints(run / "checkpoints") as checkpoints:
        step = checkpoints.steps()[-1]
        return step, checkpoints.restore_raw(step)[f"player/params/{name}"]


def test_data_are_found_from_another_working_folder(made, run):
    assert json.loads((run / "config.json").read_text())["config"]["data"] == str(made / "my photos" / "set.npz")
    assert load(run, system=COLOUR).open_data().size == 32
    train(["--resume", str(run)], "--kimg", 0.256)
    assert records(run)[-1]["images"] == 256


def test_the_same_data_may_lie_elsewhere_and_others_are_refused(made, run, tmp_path, capsys):
    shutil.copy(made / "my photos" / "set.npz", tmp_path / "copy.npz")
    photos(tmp_path / "others.npz", seed=1)
    before = content(run)
    error = refused(capsys, train, ["--resume", str(run)], "--data", "../others.npz", "--kimg", 0.256)
    assert "expected the data of this run, found other data in" in error and content(run) == before
    train(["--resume", str(run)], "--data", "../copy.npz", "--kimg", 0.256)
    out = capsys.readouterr().out
    assert f"data: '{made}/my photos/set.npz' -> '{tmp_path.resolve()}/copy.npz' (the same data); kimg: 0.128 -> 0.256" in out
    assert load(run, system=COLOUR).open_data().name.endswith("copy.npz")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--record-kimg", 0.016, "--sample-kimg", 0.032, "--checkpoint-kimg", 0.032), "record_kimg: 0.032 -> 0.016; "),
        (("--score-kimg", 0.064, "--score-samples", 16), "score_samples: 8 -> 16"),
        (("--devices", 2), "devices: 1 -> 2 (changes rounding)"),
        (("--fsdp",), "fsdp: False -> True (changes rounding)"),
        (("--steps-per-call", 3), "steps_per_call: 2 -> 3 (changes rounding)"),  # 16 steps are no whole number of calls of 3
    ],
)
def test_what_may_change(made, run, tmp_path, capsys, options, said):
    whole = tmp_path / "whole"
    shutil.copytree(made / "run", whole)
    train(["--resume", str(whole)], "--kimg", 0.24)
    train(["--resume", str(run)], "--kimg", 0.24, *options)
    out = capsys.readouterr().out
    assert said in next(line for line in out.splitlines() if line.startswith("changed: ") and said in line)
    (step, expected), (found_step, found) = last_state(whole), last_state(run)
    assert step == found_step == 30
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert "step 16: " in json.loads((run / "config-2.json").read_text())["changes"][0]


def test_calls_of_another_length_keep_the_border_of_a_stage(tmp_path):
    """The first stage is 8 steps long; it goes on after 2, which are no whole call of 4."""
    options = ["--kimg", 0.128, "--record-kimg", 0.016, "--score-kimg", 0, "--devices", 1, "--steps-per-call"]
    train(["--workdir", str(tmp_path / "whole")], *options, 2, system=GROWING)
    with stopped_at(2), pytest.raises(SystemExit):
        train(["--workdir", str(tmp_path / "parts")], *options, 2, system=GROWING)
    train(["--workdir", str(tmp_path / "parts")], *options, 4, system=GROWING)
    (step, expected), (found_step, found) = (last_state(tmp_path / name, "level_2") for name in ("whole", "parts"))
    assert step == found_step == 24
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("option", "value", "name"),
    [("--batch", 16, "batch"), ("--seed", 1, "seed"), ("--learning-rate", 0.2, "learning_rate"), ("--resolution", 8, "resolution")],
)
def test_what_may_not_change(run, capsys, option, value, name):
    before = content(run)
    error = refused(capsys, train, ["--resume", str(run)], "--kimg", 0.256, option, value)
    assert f"{name}: " in error and f"--allow-change {name}" in error and content(run) == before


def test_what_is_allowed_to_change_is_recorded(run, capsys):
    assert "unknown field 'learnin_rate': did you mean learning_rate?" in refused(
        capsys, train, ["--resume", str(run)], "--allow-change", "learnin_rate"
    )
    train(["--resume", str(run)], "--kimg", 0.256, "--learning-rate", 0.5, "--allow-change", "learning-rate", "seed")
    assert "learning_rate: 0.1 -> 0.5 (--allow-change)" in capsys.readouterr().out
    kept = json.loads((run / "config-2.json").read_text())
    assert kept["config"]["learning_rate"] == 0.5 and "learning_rate: 0.1 -> 0.5" in kept["changes"][0]
    assert "learning_rate: 0.1 -&gt; 0.5" in (run / "report.html").read_text()
    train(["--resume", str(run)], "--kimg", 0.288)  # what was allowed once stays


def test_what_can_never_fit_is_refused_before_anything_is_written(tmp_path, capsys):
    small = ["--resolution", "8", "--limit", "32", "--batch", "16", "--units", "4", "--kimg", "0.032", "--record-kimg", "0.016"]
    small += ["--score-kimg", "0", "--devices", "1", "--steps-per-call", "1", "--workdir", str(tmp_path / "run")]
    with jax.numpy_dtype_promotion("standard"):  # optax promotes dtypes implicitly
        main(gan.SYSTEM, ["train", *small, "--hidden", "4"])
        before = content(tmp_path / "run")
        error = refused(capsys, main, gan.SYSTEM, ["train", *small, "--hidden", "8", "--kimg", "0.064", "--allow-change", "hidden"])
    assert "the checkpoint of step 2 in " in error and "generator/params/" in error and " has shape (4,) and should have (8,)" in error
    assert content(tmp_path / "run") == before


@pytest.mark.parametrize("kimg", [0.128, 0.064])
def test_nothing_is_left_to_do(run, capsys, kimg):
    train(["--resume", str(run)], "--kimg", kimg)
    assert f"nothing is left to do: 0.128 kimg are done, and the run is {kimg:g} kimg long" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["score.json", "stages.json", "data.json"])
def test_damaged_files_of_a_run(run, capsys, name):
    (run / name).write_text('{"cut off')
    if name == "score.json":  # is written anew
        train(["--resume", str(run)], "--kimg", 0.256)
        assert json.loads((run / name).read_text())["protocol"]
    else:
        assert f"{run / name} is damaged: expected JSON" in refused(capsys, train, ["--resume", str(run)], "--kimg", 0.256)


@pytest.mark.parametrize("command", [["sample", "RUN", "--seeds", "0"], ["train", "--resume", "RUN"], ["export", "RUN"]])
def test_a_damaged_configuration(run, capsys, command):
    (run / "config.json").write_text("[1]")
    error = refused(capsys, main, COLOUR, [str(run) if part == "RUN" else part for part in command])
    assert f"{run / 'config.json'} is damaged: expected an object with the name of a system and a config, found [1]" in error


@pytest.mark.parametrize("command", [["evaluate", "RUN"], ["train", "--resume", "RUN"], ["sample", "RUN"]])
def test_a_run_of_another_system(run, capsys, command):
    error = refused(capsys, main, gan.SYSTEM, [str(run) if part == "RUN" else part for part in command])
    assert f"{run} is a run of colour, not of gan: use the command `jgan`" in error


@pytest.mark.parametrize("where", [["--workdir", "run"], ["--workdir", "deep/run"], []], ids=" ".join)
@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"--data": "nowhere"}, "no source 'nowhere'"),
        ({"--data": "broken.npz"}, "broken.npz"),
        ({"--batch": 64}, "fewer images than one batch"),
        ({"--devices": 9}, "expected from 1 to 8 devices, found 9"),
    ],
)
def test_a_start_that_failed_leaves_nothing_and_does_not_block(tmp_path, monkeypatch, capsys, where, broken, message):
    monkeypatch.chdir(tmp_path)
    photos(tmp_path / "my photos" / "set.npz")
    (tmp_path / "broken.npz").write_bytes(b"PK\3\4 broken")
    before = set(tmp_path.rglob("*"))
    assert message in refused(capsys, first, where, **broken)
    assert set(tmp_path.rglob("*")) == before


def untraceable(config, spec):
    return COLOUR.build(config, spec)._replace(step=lambda state, batch, key: batch["absent"])


def interrupted(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize(("system", "error", "status"), [(COLOUR._replace(build=untraceable), KeyError, None), (COLOUR, None, 130)])
def test_a_start_that_failed_while_it_compiles(tmp_path, monkeypatch, capsys, system, error, status):
    monkeypatch.chdir(tmp_path)
    arguments = ["train", "--workdir", "run", "--limit", "32", "--kimg", "0.064", "--score-kimg", "0", "--devices", "1"]
    with monkeypatch.context() as patch:
        if status:
            patch.setattr(jgan.run.loop, "compile", interrupted)
            assert refused(capsys, main, system, arguments, status=status) == "colour: interrupted"
        else:
            with pytest.raises(error):
                main(system, arguments)
    assert not list(tmp_path.iterdir())
    main(COLOUR, [*arguments, "--learning-rate", "0.2"])
    assert records(tmp_path / "run")


@pytest.mark.parametrize("error", [ValueError, KeyError])
def test_errors_of_a_run_are_kept(run, monkeypatch, capsys, error):
    def failing(writer, step, values):
        raise error("what is wrong")

    monkeypatch.setattr(Writer, "record", failing)
    if error is ValueError:
        line = refused(capsys, train, ["--resume", str(run)], "--kimg", 0.256)
        assert line == f"colour: what is wrong (the traceback is in {run / 'error.txt'})"
    else:
        with pytest.raises(error) as caught:
            train(["--resume", str(run)], "--kimg", 0.256)
        assert caught.value.__notes__[-1] == f"the traceback is in {run / 'error.txt'}"
    text = (run / "error.txt").read_text()
    assert "Traceback" in text and "in failing" in text and "what is wrong" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", "99999999999999999999999"], "seed"),
        (["--seed", "-1"], "seed"),
        (["--workdir", "file"], "expected a folder, found a file: "),
        (["--runs", "file"], "expected a folder, found a file: "),
        (["--resume", "file"], "expected the folder of a run"),
    ],
)
def test_mistakes_of_a_start(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert message in refused(capsys, main, COLOUR, ["train", "--limit", "32", *options])
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_few_photos_without_classes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for number in range(9):
        Image.new("RGB", (16, 16), (20 * number, 0, 0)).save(tmp_path / "photos" / f"{number}.png")
    arguments = ["train", "demo", "--data", "photos", "--resolution", "16"]
    assert "--no-conditional" in refused(capsys, main, stylegan.SYSTEM, arguments)
    error = refused(capsys, main, stylegan.SYSTEM, [*arguments, "--no-conditional"])
    assert "expected at least 10 images for the classifier of the score" in error and "--score-kimg 0" in error
    assert [p.name for p in tmp_path.iterdir()] == ["photos"]


PROGRAMS = {
    "script": "from jgan.run import main",
    "console": "from jgan.console.main import main\nmain(['train', 'gan'])",
}
INTERRUPTED = """
import sys
class Interrupt:
    def find_spec(self, name, *_):
        if name == {at!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
{program}
"""


@pytest.mark.parametrize(("program", "at"), [("script", "jgan.run.config"), ("console", "jgan.run.config"), ("script", "jax")])
def test_an_interrupt_during_the_import(tmp_path, program, at):
    script = tmp_path / "train.py"
    script.write_text(INTERRUPTED.format(at=at, program=PROGRAMS[program]))
    source = str(Path(jgan.__file__).parents[1])
    done = subprocess.run([sys.executable, script], env=os.environ | {"PYTHONPATH": source}, capture_output=True, text=True)
    assert done.returncode == 130 and done.stderr == f"{'jgan' if program == 'console' else 'train.py'}: interrupted\n"
