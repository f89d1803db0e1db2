import shutil
import subprocess

import pytest

from jgan.console.completion import SCRIPTS, candidates


@pytest.mark.parametrize(
    "words, expected, absent",
    [
        ([], {"list", "train", "sample", "fid", "data", "completion"}, {"--seeds"}),
        (["train"], {"gan", "stylegan", "--resume"}, {"demo"}),
        (["train", "gan"], {"demo", "paper", "--kimg", "--hidden", "--init-from"}, {"--style-size"}),
        (["train", "gan", "demo"], {"--kimg", "--data"}, {"demo"}),
        (["train", "nothing"], set(), {"--kimg"}),
        (["sample", "runs/x"], {"--seeds", "--out"}, {"--run"}),
        (["evaluate", "runs/x"], {"--metrics", "--seed"}, set()),
        (["fid", "a", "b"], {"--weights"}, {"--real"}),
        (["data"], {"inspect"}, {"--out"}),
        (["data", "inspect", "images"], {"--out", "--split"}, {"--path"}),
        (["data", "nothing"], set(), {"--out"}),
        (["completion"], set(SCRIPTS), set()),
        (["nothing"], set(), {"train"}),
    ],
)
def test_candidates(words, expected, absent):
    found = candidates(words)
    assert expected <= set(found) and not absent & set(found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("shell, check", [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")])
def test_scripts_are_accepted(shell, check, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    script = tmp_path / "completion"
    script.write_text(SCRIPTS[shell])
    subprocess.run([shell, check, str(script)], check=True)


def test_bash_completes_words_and_files(tmp_path):
    """With a `jgan` that prints two candidates and the words that it was given."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "jgan").write_text('#!/bin/sh\necho sample seeds\necho "$@" >&2\n')
    (tmp_path / "jgan").chmod(0o755)
    program = f"""{SCRIPTS["bash"]}
PATH="$PWD:$PATH"; COMP_WORDS=(jgan train gan "$1"); COMP_CWORD=3; _jgan; echo "${{COMPREPLY[@]}}" """

    def complete(word):
        return subprocess.run(["bash", "-c", program, "bash", word], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert complete("sa").stdout.split() == ["sample"]
    assert complete("ru").stdout.split() == ["runs"]
    assert complete("s").stderr.split() == ["--complete", "train", "gan"]
