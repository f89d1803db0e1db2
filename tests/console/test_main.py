import subprocess
import sys
from pathlib import Path

import pytest

import jgan
from jgan.console.main import main, quick_answer

SOURCE = Path(__file__).parents[2] / "src"
QUICK = [
    ([], "usage: jgan list"),
    (["--help"], "interpolate"),
    (["-h"], "commands on sets of images"),
    (["--version"], f"jgan {jgan.__version__}"),
    (["list"], "presets: demo, fashion_mnist, paper"),
    (["train"], "usage: jgan train SYSTEM"),
    (["train", "--help"], "stylegan"),
    (["sample"], "usage: jgan sample RUN"),
    (["evaluate", "--help"], "Measures translations against their true targets"),
    (["data"], "usage: jgan data COMMAND PATH"),
    (["data", "--help"], "inspect          Prints what is understood of a set"),
    (["completion"], "complete -o filenames"),
    (["completion", "zsh"], "compdef"),
    (["--complete", "train", "gan"], "--hidden"),
]
SLOWER = [["train", "gan"], ["train", "gan", "--help"], ["sample", "RUN"], ["sample", "RUN", "--help"], ["fid", "--help"]]
SLOWER += [["data", "inspect", "--help"], ["data", "nothing"], ["nothing"]]


@pytest.mark.parametrize("arguments, expected", QUICK, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_quick_answers(arguments, expected, capsys):
    main(arguments)
    assert expected in capsys.readouterr().out


@pytest.mark.parametrize("arguments", SLOWER, ids=" ".join)
def test_what_is_left_to_dispatch(arguments):
    assert quick_answer(arguments) is None


def test_quick_answers_need_no_libraries():
    program = f"import sys; from jgan.console.main import main; [main(a) for a in {[a for a, _ in QUICK]}]; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True)
    assert not {"jax", "numpy", "flax", "tyro", "PIL", "orbax"} & set(run.stdout.splitlines()[-1].split())
