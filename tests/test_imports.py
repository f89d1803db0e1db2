"""Which part may import which, read from the source; and what the light parts pull in."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
FILES = sorted((SOURCE / "jgan").rglob("*.py"))
BASE = ("types", "compat", "checks", "leaves", "ops")
NUMERICS = ("losses", "penalties", "augment")
ALLOWED = {  # part: the other parts of jgan that it may import
    "types": (),
    "compat": (),
    "checks": ("types",),
    "leaves": (),
    "bounded": (),
    "fetch": (),
    "ranges": (),
    "tensors": ("bounded",),
    "ops": ("types", "compat", "checks"),
    "losses": BASE,
    "penalties": BASE,
    "augment": BASE,
    "models": (*BASE, *NUMERICS, "bounded", "fetch", "tensors"),
    "training": (*BASE, *NUMERICS),
    "sharding": (*BASE, *NUMERICS, "models", "training"),
    "population": (*BASE, "sharding"),
    "data": ("types", "bounded", "fetch", "ranges"),
    "metrics": ("types", "ops"),
    "outputs": ("ops",),
    "control": ("types",),
    "evaluation": (*BASE, "bounded", "metrics", "models", "data", "outputs", "sharding"),
    "run": (*BASE, "bounded", "tensors", "ranges", "training", "sharding", "data", "outputs", "evaluation"),
    "commands": ("types", "leaves", "bounded", "fetch", "ops", "ranges", "models", "sharding", "metrics", "data", "outputs", "control")
    + ("evaluation", "run"),
}
SHELL = ("systems", "console")  # which may import all others
LIBRARIES = {  # part: what it may import besides jax and the standard library
    "types": ("numpy",),
    "compat": ("jaxlib",),
    "checks": (),
    "leaves": (),
    "bounded": ("numpy",),
    "tensors": ("numpy",),
    "fetch": (),
    "ranges": ("tyro",),
    "ops": ("numpy",),
    "losses": ("numpy",),
    "penalties": ("numpy", "optax"),
    "augment": ("numpy",),
    "models": ("numpy", "flax"),
    "training": ("numpy", "optax"),
    "sharding": ("numpy",),
    "population": ("numpy",),
    "data": ("numpy", "scipy", "PIL", "grain", "tensorflow_datasets", "imageio_ffmpeg", "soundfile"),
    "metrics": ("numpy",),
    "outputs": ("numpy", "PIL", "imageio_ffmpeg", "tensorboardX"),
    "control": ("numpy", "optax"),
    "evaluation": ("numpy", "optax"),
    "run": ("numpy", "orbax", "tyro", "tensorboardX", "wandb", "rich", "jax2onnx", "onnxruntime", "huggingface_hub", "filelock"),
    "commands": ("numpy", "tyro", "gradio"),
    "systems": ("numpy", "optax"),
    "console": ("tyro",),
}
HEAVY = ("orbax", "tensorflow_datasets", "grain", "PIL", "tyro", "flax", "optax", "tensorboardX", "imageio_ffmpeg", "soundfile", "rich")


def part_of(path):
    parts = path.relative_to(SOURCE / "jgan").with_suffix("").parts
    if parts == ("run", "console") or parts[-1] == "__main__":  # a command line, wherever it is
        return "console"
    return parts[0]


def imported(path):
    """The dotted names that a file imports, wherever in it; the version of the package is no part of it."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import, which this test does not follow"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in names if name != "jgan.__version__"]


def modules_of(part):
    names = {".".join(p.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__") for p in FILES if p.name != "__main__.py"}
    return sorted(found for found in names if f"{found}.".startswith(f"jgan.{part}."))


def name(path):
    return str(path.relative_to(SOURCE))


def test_every_part_has_a_rule():
    assert {part_of(p) for p in FILES} - {"__init__"} == {*ALLOWED, *SHELL} == LIBRARIES.keys()


def test_parts_do_not_import_each_other():
    order = graphlib.TopologicalSorter(ALLOWED)
    assert set(order.static_order()) == ALLOWED.keys()  # CycleError otherwise


@pytest.mark.parametrize("path", FILES, ids=name)
def test_import_direction(path):
    part = part_of(path)
    if part == "__init__":
        return  # `test_the_package_itself_loads_nothing`
    others = {found.split(".")[1] for found in imported(path) if found.split(".")[0] == "jgan"} - {part}
    assert "jgan" not in imported(path)
    assert others <= {*ALLOWED.get(part, (*ALLOWED, *SHELL))}


@pytest.mark.parametrize("path", FILES, ids=name)
def test_libraries(path):
    outside = {found.split(".")[0] for found in imported(path)} - set(sys.stdlib_module_names) - {"jgan", "jax"}
    assert outside <= set(LIBRARIES.get(part_of(path), ()))


def loaded(statement, names):
    """Those of the names that are loaded after a statement, in another process."""
    program = f"import sys; {statement}; print(*[name for name in {names} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True)
    return run.stdout.split()


@pytest.mark.parametrize("part", ["types", "compat", *NUMERICS, "metrics", "models.pretrained", "outputs"])
def test_light_parts_pull_in_nothing_heavy(part):
    assert loaded(f"import {', '.join(modules_of(part))}", HEAVY) == []


def test_data_loads_its_readers_when_they_are_needed():
    assert loaded("import jgan.data, jgan.data.combine, jgan.data.procedural.turned", HEAVY) == []


def test_the_package_itself_loads_nothing():
    assert loaded("import jgan", ("jax", "numpy", *(f"jgan.{part}" for part in ALLOWED))) == []
