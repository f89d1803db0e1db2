"""Pages that are made when the site is built: one per system, of its card, and one per package, of its docstrings."""

import ast
import importlib
import inspect
import itertools
import pkgutil
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("losses", "penalties", "augment", "metrics", "models", "training", "data", "evaluation", "outputs", "run", "commands")
MODULES = ("types", "sharding", "population")
FIELD = re.compile(r"^([A-Z][a-z]+): +", re.MULTILINE)
PICTURE = re.compile(r"docs/(\w+\.png)")


def card(docstring: str) -> tuple[str, str, dict[str, str]]:
    """Returns the first line of a docstring, the text below it, and its fields, such as `Paper:`, by name."""
    title, _, rest = docstring.partition("\n")
    text, *fields = FIELD.split(rest)
    return (
        title,
        text.strip(),
        {name: inspect.cleandoc(" " * len(name) + value) for name, value in zip(fields[::2], fields[1::2], strict=True)},
    )


def paragraphs(text: str) -> str:
    """Returns the text of a field as Markdown: sentences flowing, rows of a table as they stand, links to pages of the site."""
    rows = [line for line in text.splitlines() if re.search(r"\S {3,}\S|^ {12,}\S", line)]  # and what goes on with one
    if rows:
        said = "\n".join(line for line in text.splitlines() if line not in rows)
        return paragraphs(said) + "\n\n```text\n" + "\n".join(rows) + "\n```"
    text = re.sub(r"([*_<\\])", r"\\\1", " ".join(text.split()))
    text = re.sub(r"https?://[^\s,;)]+[^\s,;).]", r"<\g<0>>", text)
    return re.sub(r"docs/(\w+)\.md", r"[\1](../\1.md)", text)


def commands(text: str) -> str:
    """Returns a block of shell: each command, and what stands behind it in parentheses as a comment before it."""
    found = re.split(r"\n(?=(?:python|jgan) )", text)
    lines = []
    for command in found:
        line, _, remark = " ".join(command.split("\n")).partition("  ")
        remark = " ".join(remark.split()).removeprefix("(").removesuffix(")")
        lines += [*([f"# {remark}"] if remark else []), line]
    return "```sh\n" + "\n".join(lines) + "\n```"


def pictures(text: str) -> str:
    """Returns the pictures that a field names, each with what is said of it."""
    before, *found = re.split(r"docs/(\w+\.png):?\s*", text)
    figures = [
        f":::{{figure}} ../{name}\n:alt: {name}\n\n{paragraphs(said)}\n:::" for name, said in zip(found[::2], found[1::2], strict=True)
    ]
    return "\n\n".join([paragraphs(before), *figures]).strip()


FORMS = {"Command": commands, "Picture": pictures, "Pictures": pictures}


def docstring_of(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text())) or ""


def experiment_of(system: str) -> str:
    """Returns the docstring of the experiment of a system, or of the system where it has no experiment."""
    path = ROOT / "experiments" / f"{system}.py"
    return docstring_of(path if path.exists() else ROOT / "src" / "jgan" / "systems" / f"{system}.py")


def system_page(system: str) -> str:
    title, text, fields = card(experiment_of(system))
    module = importlib.import_module(f"jgan.systems.{system}")
    sections = [f"## {name}\n\n{FORMS.get(name, paragraphs)(value)}" for name, value in order(fields)]
    presets = ", ".join(f"`{name}`" for name in module.PRESETS)
    start = f"`jgan train {system}` trains the first of the presets {presets}."
    return "\n\n".join([f"# {title.rstrip('.')}", text, start, *sections, f"## Settings\n\n{settings(system, module.Config)}"]) + "\n"


def settings(system: str, config: type) -> str:
    """Returns a table of the options that a system adds or changes, with their defaults and what the source says of them."""
    tree = ast.parse((ROOT / "src" / "jgan" / "systems" / f"{system}.py").read_text())
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Config")
    rows = [
        f"| `--{ast.unparse(field.target).replace('_', '-')}` | {default(config, field)} | {paragraphs(ast.literal_eval(said.value))} |"
        for field, said in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(said, ast.Expr)
    ]
    table = "\n".join(["| option | default | |", "|---|---|---|", *rows])
    return (
        f"{table}\n\n`jgan train {system} --help` explains all options, with their ranges." if rows else "Those of the base of the system."
    )


def default(config: type, field: ast.AnnAssign) -> str:
    return paragraphs(str(getattr(config, ast.unparse(field.target), "")))


def order(fields: dict[str, str]) -> list[tuple[str, str]]:
    """Pictures first: they tell the most."""
    return sorted(fields.items(), key=lambda item: item[0] not in ("Picture", "Pictures"))


def systems_index(systems: list[str]) -> str:
    cells = [cell(system, card(experiment_of(system))) for system in systems]
    tree = "\n".join(f"{system} <{system}>" for system in systems)
    return (
        "# Systems\n\nOne page each: papers, commands, hardware, scores, pictures. What was not run is said to be not run.\n\n"
        f'<div class="gallery">\n{"".join(cells)}</div>\n\n```{{toctree}}\n:hidden:\n\n{tree}\n```\n'
    )


def cell(system, parsed):
    title, _, fields = parsed
    found = PICTURE.search(fields.get("Pictures", "") + fields.get("Picture", ""))
    shown = f'<img src="../_images/{found[1]}" alt="" loading="lazy">' if found else ""
    return f'<a href="{system}.html">{shown}<b>{system}</b> {title}</a>\n'


def public(module) -> dict[str, object]:
    """The public functions and classes that a module defines, by name, in the order of the file."""
    found = {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__ and callable(value) and value.__doc__
    }
    return dict(sorted(found.items(), key=lambda item: inspect.getsourcelines(inspect.unwrap(item[1]))[1]))


def members(package, module) -> str:
    """Directives for the members of a module, under the shortest name by which they are imported."""
    lines, found = [], public(module)
    exported = {name for name, value in found.items() if getattr(package, name, None) is value}
    for name, value in sorted(found.items(), key=lambda item: item[0] not in exported):  # those to be imported from the package first
        place = package if name in exported else module
        kind = "autoclass" if inspect.isclass(value) else "autofunction"
        lines += [f".. {kind}:: {place.__name__}.{name}", *(["   :members:", ""] if kind == "autoclass" else [""])]
    return "\n".join(lines)


def heading(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n"


def section(module, line: str, package=None) -> str:
    """A heading, the docstring of a module, and its members. No index: a function may have the name of its module."""
    text = f".. automodule:: {module.__name__}\n   :no-members:\n   :no-index:\n"
    return "\n".join([heading(module.__name__, line), text, members(package or module, module), ""])


def modules_of(package) -> list:
    """The public modules below a package, and below packages in it."""
    names = [m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return [importlib.import_module(name) for name in names if not any(part.startswith("_") for part in name.split("."))]


def api_page(name: str) -> str:
    module = importlib.import_module(f"jgan.{name}")
    below = modules_of(module) if hasattr(module, "__path__") else []
    return "\n".join([section(module, "="), *(section(part, "-", module) for part in below)])


def api_index() -> str:
    tree = "\n   ".join((*MODULES, *PACKAGES))
    return f"{heading('API', '=')}\n`import jgan` loads a part when it is first used.\n\n.. toctree::\n   :maxdepth: 1\n\n   {tree}\n"


def write_file(path: Path, text: str):
    """Writes a page if it changed, so that an unchanged one is not built again."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def write(docs: Path):
    """Writes the pages of all systems and packages below `docs`."""
    (docs / "systems").mkdir(exist_ok=True)
    (docs / "api").mkdir(exist_ok=True)
    systems = sorted(path.stem for path in (ROOT / "src" / "jgan" / "systems").glob("[a-z]*.py"))
    made = {f"systems/{name}.md": system_page(name) for name in systems} | {"systems/index.md": systems_index(systems)}
    made |= {f"api/{name}.rst": api_page(name) for name in (*MODULES, *PACKAGES)}
    for name, text in (made | {"api/index.rst": api_index()}).items():
        write_file(docs / name, text)
