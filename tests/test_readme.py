"""README.md and docs/: examples run, links lead somewhere, commands exist, and .ci/run takes the test command from the README."""

import ast
import itertools
import re
import shlex
import subprocess
from pathlib import Path

import jax
import pytest

from jgan.console import catalogue

ON_OTHERS = (*catalogue.ON_IMAGES, *catalogue.ON_FILES, *catalogue.ON_RUNS)
ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
EXAMPLES = [
    (page, example)
    for page, text in PAGES.items()
    for example in re.findall(r"^<!-- run -->\n```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
]
OF_TEMPLATE = "sketch"  # the system that a reader of docs/adding.md writes
MADE = ("api/", "systems/")  # by docs/pages.py, when the site is built
OF_RUNS = catalogue.fields("jgan.run.main", "RunOptions")


def run(page, number=0):
    example = [example for other, example in EXAMPLES if other == page][number]
    names = {}
    with jax.numpy_dtype_promotion("standard"):  # for optax.adam
        exec(compile(example, page, "exec"), names)
    return names


def test_every_marked_example_is_found():
    assert [page for page, _ in EXAMPLES] == ["README.md", *["docs/losses.md"] * 3]
    assert sum(text.count("<!-- run -->") for text in PAGES.values()) == len(EXAMPLES)


def test_loss_and_penalty(capsys):
    run("README.md")
    assert float(capsys.readouterr().out) == pytest.approx(1.0)  # hinge 0 + 1; the discriminator's gradient has norm 1


def test_training_in_full(capsys):
    radius = run("docs/losses.md")["radius"]
    assert float(radius.mean()) == pytest.approx(1.0, abs=0.1) and float(radius.std()) < 0.25
    assert capsys.readouterr().out.startswith("distance from the centre: ")


@pytest.mark.parametrize("number", [1, 2], ids=["nnx", "equinox"])
def test_other_libraries(number, capsys):
    history = run("docs/losses.md", number)["history"]
    assert history[-1] < 0.5 * history[0] and capsys.readouterr().out.startswith("loss of the discriminator: ")


def test_continuous_integration_takes_the_test_command():
    (line,) = re.findall(r"^test_command=.*$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    found = subprocess.run(
        ["bash", "-c", f'{line}; printf %s "$test_command"'], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert found.startswith("python3 -m venv .venv && ") and found.endswith("-m pytest") and found in README


def without_code(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text):
    """The anchors of the headings of a page, as GitHub makes them: lower case, hyphens for spaces, no punctuation."""
    headings = re.findall(r"^#+ (.*)$", without_code(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page, text):
    """Links of a page to files or headings that there are not."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
        target, _, anchor = link.partition("#")
        path = (ROOT / page).parent / target if target else ROOT / page
        if (
            "://" not in link
            and not target.startswith(MADE)
            and not (path.exists() and (not anchor or anchor in anchors(path.read_text())))
        ):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    assert not broken_links(page, PAGES[page])


def test_broken_links_are_found():
    assert broken_links("docs/speed.md", "# A b, c\n[x](absent.md) [y](#a-b) [z](#a-b-c)") == ["absent.md", "#a-b", "#a-b-c"]
    assert broken_links("docs/speed.md", "[x](scaling.md#256-devices) [y](../README.md) [z](https://example.org)") == []


def names_in(path):
    """The parameters and annotated fields of a script: what its options can be."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    fields = {ast.unparse(node.target) for node in nodes if isinstance(node, ast.AnnAssign)}
    return fields | {node.arg for node in nodes if isinstance(node, ast.arg)}


def presets_in(path):
    """The keys of the dicts of a script: presets of a study, and commands that an experiment adds to its system's."""
    keys = [key for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Dict) for key in node.keys]
    return {key.value for key in keys if isinstance(key, ast.Constant)}


def unknown_in_training(system, words):
    """What of `train` has no preset or option of the system."""
    presets = [*catalogue.presets(system), *(["RUN"] if "--resume" in words else [])]
    options = {*catalogue.fields(f"jgan.systems.{system}", "Config"), *OF_RUNS}
    return unknown_options(words, options) + [word for word in words[:1] if not word.startswith("-") and word not in presets]


def unknown_options(words, known):
    names = [word.removeprefix("--").split("=")[0].replace("-", "_") for word in words if word.startswith("--")]
    return [name for name in names if name != "help" and not {name, name.removeprefix("no_")} & set(known)]


def unknown_in(command):
    """The words of a command line that name nothing that there is; an empty list for programs that are not ours."""
    program, *words = shlex.split(command, comments=True)
    if program == "jgan":
        return unknown_in_jgan(words)
    if not program.endswith("python") or not words or not words[0].startswith(("experiments/", "benchmarks/")):
        return []
    path, words = ROOT / words[0], words[1:]
    return unknown_in_script(path, words) if path.is_file() else [path.name]


def unknown_in_jgan(words):
    match words:
        case [] | ["list" | "completion" | "--version" | "--help", *_]:
            return []
        case ["train", "--resume", _, *options]:
            every = {name for system in catalogue.systems() for name in catalogue.fields(f"jgan.systems.{system}", "Config")}
            return unknown_options(options, {*every, *OF_RUNS})
        case ["train", system, *others] if system in catalogue.systems():
            return unknown_in_training(system, others)
        case ["train", system, *_] if system == OF_TEMPLATE:
            return []
        case ["data", command, *others] if command in catalogue.ON_DATA:
            return unknown_options(others, catalogue.options(command))
        case [command, *others] if command in (*catalogue.commands_on_runs(), *ON_OTHERS):
            return unknown_options(others, catalogue.options(command))
        case ["COMMAND", *_]:
            return []
    return words[:2]


def unknown_in_script(path, words):
    """Of an experiment of a system: its training, a command on a run, or one of the script; of others the options of the script."""
    if path.stem not in catalogue.systems() or path.parent.name != "experiments":
        first = itertools.takewhile(lambda word: not word.startswith("-"), words)
        named = [word for word in first if path.parent.name == "studies"]
        return unknown_options(words, names_in(path) | set(OF_RUNS)) + [w for w in named if w != "train" and w not in presets_in(path)]
    if not words or words[0] == "train" or words[0].startswith("-"):
        return unknown_in_training(path.stem, words[1:] if words[:1] == ["train"] else words)
    if words[0] in presets_in(path):  # added by the experiment
        return unknown_options(words, names_in(path) | names_in(ROOT / "src/jgan/run/arms.py"))
    return unknown_in_jgan(words)


def commands_of(text):
    """Command lines of a page: the lines of blocks of shell, joined programs apart, and code within sentences."""
    lines = [line for block in re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE) for line in block.splitlines()]
    spans = re.findall(r"`([^`\n]+)`", without_code(text))
    found = [part.strip() for line in lines for part in line.split("&&")] + [s for s in spans if re.match(r"(jgan|\S*python) ", s)]
    return [command for command in found if command]


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist(page):
    assert not {command: words for command in commands_of(PAGES[page]) if (words := unknown_in(command))}


def test_commands_are_found():
    assert "jgan train stylegan --data photos.zip" in commands_of(README)
    assert ".venv/bin/python experiments/stylegan.py" in commands_of(README)


@pytest.mark.parametrize(
    "command, unknown",
    [
        ("jgan train stylegan demo --kimg 5 --no-flip --runs x", []),
        ("jgan train stylegan small", ["small"]),
        ("jgan train gan demo --game minimax", ["game"]),
        ("jgan train rungan", ["train", "rungan"]),
        ("jgan sample RUN --seed 3", ["seed"]),
        ("jgan draw RUN", ["draw", "RUN"]),
        ("python experiments/features.py --data x", ["features.py"]),
        ("python experiments/discogan.py angles RUN --split test", []),
        ("python experiments/discogan.py compare --kimg 60", []),
        ("python experiments/gan.py sample RUN --sedes 1", ["sedes"]),
        ("python experiments/studies/toy.py train all --seeds 2", []),
        ("python experiments/studies/toy.py train some", ["some"]),
        ("python benchmarks/step.py --preset demo", ["preset"]),
        ("pip install -e .", []),
    ],
)
def test_unknown_words_of_commands(command, unknown):
    assert unknown_in(command) == unknown
