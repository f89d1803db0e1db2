"""What there is, systems and commands, read from the source without importing it: help and completion need not wait for JAX.

It relies on what a test keeps true: a system is a file of `jgan.systems` with PRESETS, a dict whose keys are strings, and a class Config; a
command is a public function of `jgan.commands`, on runs if its first parameter is `system`, and its options are parameters with a default,
or fields with one of a dataclass `tyro.conf.OmitArgPrefixes[...]` of the same file.
"""

import ast
import functools
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
ON_IMAGES = ("fid", "kid", "compare", "features")
ON_DATA = ("inspect",)  # jgan data inspect
ON_FILES = ("import", "pull")
ON_RUNS = ("report",)  # on several, of any systems


def systems() -> list[str]:
    """Returns the names of all systems of the package.

    >>> "stylegan" in systems()
    True
    """
    return sorted(path.stem for path in (ROOT / "systems").glob("[!_]*.py"))


def description(system: str) -> str:
    """Returns the first line of what a system says about itself."""
    return _first_line(_parsed(f"jgan.systems.{system}"))


def presets(system: str) -> list[str]:
    """Returns the names of a system's presets, the default first.

    >>> presets("discogan")
    ['turned', 'photos']
    """
    assigned = [node for node in _parsed(f"jgan.systems.{system}").body if isinstance(node, ast.Assign)]
    found = next(node.value for node in assigned if ast.unparse(node.targets[0]) == "PRESETS")
    return [ast.literal_eval(key) for key in found.keys if key is not None] if isinstance(found, ast.Dict) else []


def fields(module: str, kind: str) -> list[str]:
    """Returns the names of the fields with a default of a dataclass and of its bases, which may lie in other modules of the package.

    >>> fields("jgan.systems.gan", "Config")[:2], "resolution" in fields("jgan.systems.gan", "Config")
    (['kimg', 'batch'], True)
    """
    tree = _parsed(module)
    imported = {alias.name: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    defined = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind)
    inherited = [name for base in defined.bases for name in fields(imported.get(ast.unparse(base)) or module, ast.unparse(base))]
    own = [ast.unparse(node.target) for node in defined.body if isinstance(node, ast.AnnAssign) and node.value is not None]
    return list(dict.fromkeys([*inherited, *own]))


def commands_on_runs() -> list[str]:
    """Returns the names of the commands on a run, whatever its system."""
    return [name for name in _commands() if name not in (*ON_IMAGES, *ON_DATA, *ON_FILES, *ON_RUNS)]


def summaries(command: str) -> list[str]:
    """Returns the first lines of what a command says about itself, one for each form that it has for some systems."""
    return [_first_line(function) for _, function in _commands()[command]]


def options(command: str) -> list[str]:
    """Returns the names of the options of a command in all of its forms, as parameters of a function.

    >>> options("interpolate")[:3]
    ['seeds', 'truncation', 'label']
    """
    return list(dict.fromkeys(name for module, function in _commands()[command] for name in _options(module, function.args)))


@functools.cache
def _commands() -> dict[str, list[tuple[str, ast.FunctionDef]]]:
    found: dict[str, list[tuple[str, ast.FunctionDef]]] = {}
    for path in sorted((ROOT / "commands").glob("[!_]*.py")):
        module = f"jgan.commands.{path.stem}"
        for node in _parsed(module).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            name = node.name.removesuffix("_")  # import_, since import is a word of Python
            if name in (*ON_IMAGES, *ON_DATA, *ON_FILES, *ON_RUNS) or _parameters(node.args)[:1] == ["system"]:
                found.setdefault(name, []).append((module, node))
    return found


@functools.cache
def _parsed(module: str) -> ast.Module:
    path = ROOT.parent.joinpath(*module.split("."))
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())


def _first_line(node: ast.Module | ast.FunctionDef) -> str:
    return (ast.get_docstring(node) or "").split("\n")[0]


def _parameters(arguments: ast.arguments) -> Sequence[str]:
    return [argument.arg for argument in arguments.args]


def _options(module: str, arguments: ast.arguments) -> Sequence[str]:
    annotations = [argument.annotation for argument in arguments.args]
    grouped = [a.slice for a in annotations if isinstance(a, ast.Subscript) and ast.unparse(a.value) == "tyro.conf.OmitArgPrefixes"]
    own = _parameters(arguments)[len(arguments.args) - len(arguments.defaults) :]
    return [*own, *(name for kind in grouped for name in fields(module, ast.unparse(kind)))]
