"""Which part may import which, read from the source; and what the light parts pull in."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
FILES = sorted((SOURCE / "jgan").rglob("*.py"))
NUMERICS = ("losses", "penalties", "augment", "ops")
SHELL = ("data", "run")
ALLOWED = {  # part: the other parts of jgan that it may import
    "types": (),
    "checks": ("types",),
    "ops": ("types",),
    "losses": ("types", "checks"),
    "penalties": ("types", "checks"),
    "augment": ("types", "ops"),
    "models": ("types", *NUMERICS),
    "training": ("types", *NUMERICS),
    "sharding": ("types", *NUMERICS, "models", "training"),
    "metrics": ("types", "ops"),
}
LIBRARIES = {  # part: what it may import besides jax and the standard library
    "checks": (),
    "types": (),
    "ops": ("numpy",),
    "losses": ("numpy",),
    "penalties": ("numpy", "optax"),
    "augment": ("numpy",),
    "metrics": ("numpy",),
    "training": ("numpy", "optax"),
    "sharding": ("numpy",),
    "models": ("numpy", "flax"),
}
HEAVY = ("orbax", "tensorflow_datasets", "grain", "PIL", "tyro", "flax", "optax", "tensorboardX")


def part_of(path):
    if path.name == "__main__.py":  # a command line, wherever it is
        return "run"
    return path.relative_to(SOURCE / "jgan").with_suffix("").parts[0]


def imported(path):
    """The dotted names that a file imports, wherever in it."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import, which this test does not follow"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def modules_of(part):
    return sorted({".".join(p.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__") for p in FILES if part_of(p) == part})


def name(path):
    return str(path.relative_to(SOURCE))


def test_every_part_has_a_rule():
    assert {part_of(p) for p in FILES} - {"__init__"} <= {*ALLOWED, *SHELL}
    assert ALLOWED.keys() == LIBRARIES.keys()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_import_direction(path):
    part = part_of(path)
    if part == "__init__":
        assert imported(path) == []
        return
    others = {found.split(".")[1] for found in imported(path) if found.split(".")[0] == "jgan"} - {part}
    assert "jgan" not in imported(path)
    assert others <= {*ALLOWED.get(part, (*ALLOWED, *SHELL))}


@pytest.mark.parametrize("path", FILES, ids=name)
def test_libraries(path):
    outside = {found.split(".")[0] for found in imported(path)} - set(sys.stdlib_module_names) - {"jgan", "jax"}
    part = part_of(path)
    assert "experiments" not in outside
    assert part == "models" or "flax" not in outside
    assert part not in LIBRARIES or outside <= set(LIBRARIES[part])


@pytest.mark.parametrize("part", ["types", *NUMERICS, "metrics"])
def test_light_parts_pull_in_nothing_heavy(part):
    modules = modules_of(part)
    program = f"import sys, {', '.join(modules)}; print(*[name for name in {HEAVY} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
