"""Configuration of the documentation site: python -m sphinx -W --keep-going docs build/docs"""

import os
import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent / "src")]

os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where the notebooks find jgan

import pages  # noqa: E402

import jgan  # noqa: E402

project, author, copyright = "JGAN", "the JGAN authors", "the JGAN authors, Apache 2.0"
version = release = jgan.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
default_role = "code"  # docstrings have `names` in single backquotes
smartquotes = False  # which would turn the hyphens of --options into dashes

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "dollarmath"]
nb_execution_mode = "cache"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 900

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"JGAN {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1a5fb4", "color-brand-content": "#1a5fb4"},
    "dark_css_variables": {"color-brand-primary": "#99c1f1", "color-brand-content": "#99c1f1"},
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def without_tuple_fields(app, what, name, member, skip, options):
    """Leaves out fields of a NamedTuple that no docstring describes."""
    return True if str(getattr(member, "__doc__", "")).startswith("Alias for field number") else None


def escaped(text, after_code):
    """Escapes what is no markup in our docstrings: the * and | of formulas, a _ at the end of a word, a letter right after code."""
    text = re.sub(r"([*|\\]|(?<=\w)_(?!\w))", r"\\\1", text)
    return re.sub(r"^(?=\w)", r"\\ ", text) if after_code else text


def escape(app, what, name, member, options, lines):
    """Escapes a docstring outside of code and of examples."""
    example = False
    for number, line in enumerate(lines):
        example = line.strip() != "" and (example or line.lstrip().startswith(">>>"))
        if not example:
            parts = line.split("`")  # every second one is code
            lines[number] = "`".join([part if i % 2 else escaped(part, i > 0) for i, part in enumerate(parts)])


def plain_types(app, what, name, obj, options, signature, returns):
    """Shows `Annotated[float, how a command line reads it]` as float."""
    for start in reversed([found.start() for found in re.finditer(r"Annotated\[", signature or "")]):
        depth, end = 0, start
        while depth or end == start or signature[end - 1] != "]":
            depth += {"[": 1, "]": -1}.get(signature[end], 0)
            end += 1
        inner = signature[start + len("Annotated[") : end - 1]
        signature = signature[:start] + inner.split(",")[0] + signature[end:]
    return signature, returns


def setup(app):
    app.connect("autodoc-process-signature", plain_types)
    app.connect("autodoc-process-docstring", escape, priority=400)  # before napoleon
    app.connect("autodoc-skip-member", without_tuple_fields)
    pages.write(DOCS)
