"""Text follows docs/style.md: docstrings of public functions begin with a verb, and phrases that readers stumble over are absent."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "jgan").rglob("*.py"))
MEASURED = ("results.md", "limits.md", "style.md")  # measurements in the words of their day, and the page with the phrases
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.name not in MEASURED)]
SCRIPTS = sorted(path for name in ("experiments", "benchmarks", "tests") for path in (ROOT / name).rglob("*.py") if path != Path(__file__))
REFUSED = re.compile(r"\b(so many|of (?:its|their) own|told by|that of)\b|\bas\b[^.\n]{1,40}\bhave it\b", re.IGNORECASE)
# Plurals that look like verbs in the third person.
PLURALS = set(
    """
    Activations Attributes Captions Classes Clips Colours Columns Directions Distances Durations Embeddings Encoders Examples Features
    Figures Frames Gains Images Indices Inputs Its Keys Labels Latents Leaves Lengths Lines Logarithms Logits Losses Masks Means Modes
    Moments Networks Outputs Pairs Parameters Pixels Points Positions Reals Results Rows Samples Seconds Seeds Sentences Shapes Sides
    Sounds Statistics Steps Styles Tokens Transformations Translations Values Videos Weights Windows Words Zeros
""".split()
)


def public_functions(tree):
    """The public functions and methods of a module that have a docstring; properties are named like what they are."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    for node in [*tree.body, *(inner for outer in classes for inner in outer.body)]:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and ast.get_docstring(node) is not None:
            if not any("property" in ast.unparse(decorator) for decorator in node.decorator_list):
                yield node


def without_verb(source):
    """Names of the public functions whose docstring does not begin with a verb in the third person."""
    first = {node.name: (ast.get_docstring(node) or "").split(maxsplit=1)[0].rstrip(",:") for node in public_functions(ast.parse(source))}
    return [name for name, word in first.items() if not re.fullmatch(r"[A-Z][a-z]+s", word) or word in PLURALS]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT / "src").as_posix())
def test_docstrings_begin_with_a_verb(path):
    assert without_verb(path.read_text()) == []


@pytest.mark.parametrize("path", [*SOURCES, *SCRIPTS, *PAGES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_phrases(path):
    assert [found.group() for found in REFUSED.finditer(path.read_text())] == []


def test_what_is_refused():
    said = {"a": "The sum.", "b": "Images.", "c": "Return x.", "d": "Returns x.", "_e": "No."}
    source = "\n".join(f'def {name}():\n    """{text}"""' for name, text in said.items())
    assert without_verb(source) == ["a", "b", "c"]
    assert all(REFUSED.search(text) for text in ("so many of them", "keys of their own", "as the papers have it"))
    assert not REFUSED.search("as we have seen its own name")
