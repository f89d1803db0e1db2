import dataclasses
from pathlib import Path

import jax
import pytest

from jgan.run.command_line import keep_compiled_programs, main


@dataclasses.dataclass(frozen=True)
class Adam:
    learning_rate: float = 0.1
    """Per step, unitless."""


@dataclasses.dataclass(frozen=True)
class Config:
    total_images: int = 1_000
    """Length of the run, in images."""
    adam: Adam = Adam()
    """The optimizer."""
    widths: tuple[int, ...] = (8, 16)
    """Channels of the stages."""
    batch: int = 6
    """Images per step."""


PRESETS = {"demo": Config(), "celeba": Config(total_images=5_000)}


def sample(run: Path, count: int = 4):
    """Draws images from a trained generator.

    Args:
      run: its folder.
      count: number of images.
    """
    print(f"{count} of {run}")


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))

    def calling(*arguments, train=None):
        seen = []
        main("tiny", PRESETS, train or (lambda folder, config: seen.append((folder, config))), arguments=arguments, sample=sample)
        return seen[0] if seen else None

    return calling


@pytest.mark.parametrize(
    ("arguments", "config"),
    [
        ((), Config()),
        (("train",), Config()),
        (("--total-images", "7"), Config(total_images=7)),
        (("train", "celeba"), Config(total_images=5_000)),
        (("train", "celeba", "--adam.learning-rate", "0.5", "--widths", "1", "2", "3"), Config(5_000, Adam(0.5), (1, 2, 3))),
    ],
)
def test_what_is_trained(call, tmp_path, arguments, config):
    folder, found = call(*arguments)
    assert found == config
    assert folder.path.resolve().parent == tmp_path / "runs"


def test_resuming_starts_from_the_configuration_of_the_run(call):
    folder, _ = call("train", "celeba", "--widths", "3")
    again, config = call("train", "--resume", str(folder.path), "--total-images", "9000")
    assert (again.path, config) == (folder.path, Config(total_images=9_000, widths=(3,)))


def test_other_commands(call, capsys):
    call("sample", "--run", "runs/x", "--count", "2")
    assert capsys.readouterr().out == "2 of runs/x\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "celebb"), "unknown preset 'celebb': did you mean celeba?"),
        (("train", "x"), "unknown preset 'x': expected one of demo, celeba"),
        (("sampel",), "unknown command 'sampel': did you mean sample?"),
        (("train", "--resume", "nothing"), "expected the folder of a run"),
        (("--coordinator", "here:1"), "expected coordinator, processes and process together"),
    ],
)
def test_mistakes_are_one_line(call, capsys, arguments, message):
    with pytest.raises(SystemExit) as stopped:
        call(*arguments)
    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert message in error and error.startswith("tiny: ") and error.count("\n") == 1


@pytest.mark.parametrize("error", [ValueError, FileNotFoundError, FloatingPointError])
def test_errors_of_a_run(call, capsys, monkeypatch, error):
    def train(folder, config):
        raise error("what is wrong")

    with pytest.raises(SystemExit) as stopped:
        call(train=train)
    assert stopped.value.code == 2 and "tiny: what is wrong" in capsys.readouterr().err
    monkeypatch.setenv("JGAN_TRACEBACK", "1")
    with pytest.raises(error, match="what is wrong"):
        call(train=train)


def test_bugs_keep_their_traceback(call):
    with pytest.raises(ZeroDivisionError):
        call(train=lambda folder, config: 1 / 0)


def test_the_folder_is_free_after_a_run(call):
    folder, _ = call()
    assert folder.lock.closed


def test_help(call, capsys):
    call("--help")
    overview = capsys.readouterr().out
    for expected in ("demo, celeba", "tiny sample", "Draws images from a trained generator.", "--help"):
        assert expected in overview
    with pytest.raises(SystemExit) as stopped:
        call("train", "celeba", "--help")
    options = capsys.readouterr().out
    assert stopped.value.code == 0
    for expected in ("--total-images", "in images", "5000", "--adam.learning-rate", "unitless", "--resume"):
        assert expected in options


def test_unknown_options_leave_with_status_2(call, capsys):
    with pytest.raises(SystemExit) as stopped:
        call("train", "--total-imges", "3")
    assert stopped.value.code == 2 and "--total-images" in capsys.readouterr().err


def test_compiled_programs_are_kept_in_the_users_cache(tmp_path, monkeypatch):
    before = jax.config.jax_compilation_cache_dir
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    try:
        keep_compiled_programs()
        assert jax.config.jax_compilation_cache_dir == str(tmp_path / "jgan" / "xla")
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
