import dataclasses

import jax
import pytest

from jgan.run.main import keep_compiled_programs, study
from jgan.run.settings import changeable


@dataclasses.dataclass(frozen=True)
class Adam:
    learning_rate: float = 0.1
    """Per step, unitless."""


@dataclasses.dataclass(frozen=True)
class Config:
    total_images: int = changeable(1_000)
    """Length of the run, in images."""
    adam: Adam = Adam()
    """The optimizer."""
    widths: tuple[int, ...] = (8, 16)
    """Channels of the stages."""
    batch: int = 6
    """Images per step."""


PRESETS = {"demo": Config(), "celeba": Config(total_images=5_000)}


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))

    def calling(*arguments, train=None):
        seen = []
        study("tiny", PRESETS, train or (lambda folder, config: seen.append((folder, config))), description="A study.", arguments=arguments)
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "celebb"), "unknown preset 'celebb': did you mean celeba?"),
        (("train", "x"), "unknown preset 'x': expected one of demo, celeba"),
        (("trian",), "unknown command 'trian': did you mean train?"),
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
    for expected in ("demo, celeba", "tiny train", "A study."):
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
        assert "xla_gpu_per_fusion_autotune_cache_dir" in jax.config.jax_persistent_cache_enable_xla_caches  # kept there too
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


def test_commands_of_a_system(tmp_path, capsys, monkeypatch):
    from tests.run.tiny_systems import COLOUR

    from jgan.run.main import main

    def greet(system, name: str = "nobody") -> None:
        """Greets.

        Args:
            name: Whom.
        """
        print(f"{system.name}: {name}")

    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    system = COLOUR._replace(commands={"greet": greet}, description="A colour.")
    main(system, ["greet", "--name", "you"])
    assert capsys.readouterr().out == "colour: you\n"
    main(system, ["--help"])
    overview = capsys.readouterr().out
    assert all(text in overview for text in ("A colour.", "colour greet", "Greets.", "presets: tiny"))
    with pytest.raises(SystemExit):
        main(system, ["great"])
    assert "unknown command 'great': did you mean greet?" in capsys.readouterr().err
