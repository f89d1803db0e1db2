"""Help and mistakes of commands; what they do is tested with the systems."""

import json
import logging
import warnings

import pytest

from jgan.console import dispatch
from jgan.console.main import main


@pytest.fixture(autouse=True)
def own_formats(monkeypatch):
    """What the command line changes for the whole process is put back."""
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    monkeypatch.setattr(logging.getLogger("absl"), "filters", [])
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def run(tmp_path):
    """The folder of a run that has learned nothing."""
    (tmp_path / "config.json").write_text(json.dumps({"system": "gan", "version": "0.2.0", "config": {}}))
    return str(tmp_path)


def printed(capsys, arguments):
    """Status, standard output, standard error."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return end.value.code or 0, *capsys.readouterr()


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["train", "gan", "--help"], ["usage: jgan train gan", "Presets: demo, fashion_mnist, paper", "--hidden", "--init-from"]),
        (["train", "gan", "paper", "--help"], ["usage: jgan train gan paper", "60000"]),
        (["sample", "RUN", "--help"], ["usage: jgan sample", "--seeds", "One example each"]),
        (["fid", "--help"], ["usage: jgan fid", "--resolution", "The real images"]),
        (["compare", "--help"], ["usage: jgan compare", "inception"]),
        (["data", "inspect", "--help"], ["usage: jgan data inspect", "--columns", "The file of the grid"]),
        (["features", "--help"], ["usage: jgan features", "Optimizer steps"]),
    ],
    ids=lambda value: " ".join(value[:3]),
)
def test_help(arguments, expected, run, capsys):
    status, out, _ = printed(capsys, [run if argument == "RUN" else argument for argument in arguments])
    assert status == 0 and all(text in out for text in expected)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["tarin"], "unknown command 'tarin': did you mean train?"),
        (["train", "stylgan"], "unknown system 'stylgan': did you mean stylegan"),
        (["train", "gan", "demoo"], "unknown preset 'demoo': did you mean demo?"),
        (["train", "--resume", "nowhere"], "expected the folder of a run, with a config.json, found none in nowhere"),
        (["sample", "nowhere"], "expected the folder of a run, with a config.json, found none in nowhere"),
        (["sample", "--seeds", "1,x", "RUN"], "expected seeds from 0 to 9223372036854775807, as 0-63 or 3,14,15-20, found '1,x'"),
        (["mix", "RUN"], "runs of gan have no command mix: expected one of sample"),
        (["data", "inspct"], "unknown command on data 'inspct': did you mean inspect?"),
        (["data", "inspect", "nowhere"], "no source 'nowhere'"),
        (["data", "inspect", "shapes", "--out", "x.foo"], "expected a path that ends in .png"),
        (["data", "inspect", "shapes", "--rows", "0"], "--rows: expected a whole number from 1 to 1000, found 0"),
        (["completion", "tcsh"], "unknown shell 'tcsh': expected one of bash, zsh, fish"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes(arguments, message, run, capsys):
    status, _, err = printed(capsys, [run if argument == "RUN" else argument for argument in arguments])
    assert status == 2 and message in err and len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["train", "gan"], ("gan", [], "jgan train gan")),
        (["train", "lsgan", "demo", "--kimg", "1"], ("lsgan", ["demo", "--kimg", "1"], "jgan train lsgan")),
        (["train", "--resume", "RUN", "--kimg", "1"], ("gan", ["--resume", "RUN", "--kimg", "1"], "jgan train gan")),
        (["sample", "RUN", "--seeds", "1"], ("gan", "sample", ["RUN", "--seeds", "1"], "jgan sample")),
        (["sample", "--seeds", "1", "RUN"], ("gan", "sample", ["--seeds", "1", "RUN"], "jgan sample")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_run(arguments, expected, run, monkeypatch):
    called = []
    for name in ("run_training", "run_command"):
        monkeypatch.setattr(dispatch, name, lambda system, *others: called.append((system.name, *others)))
    main([run if argument == "RUN" else argument for argument in arguments])
    system, *others, given, program = expected
    assert called == [(system, *others, [run if argument == "RUN" else argument for argument in given], program)]
