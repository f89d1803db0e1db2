"""Names of JAX that are not promised to stay are found in `jgan.compat` alone, and what is there works."""

import ast
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from jgan import compat

ROOT = Path(__file__).parents[1]
FILES = sorted(path for folder in ("src", "experiments", "benchmarks", "tests") for path in (ROOT / folder).rglob("*.py"))
UNPROMISED = ("jax._src", "jax.core", "jax.extend", "jax.interpreters", "jax.experimental", "jaxlib")


def unpromised(source):
    """The names outside of JAX's promised API that a source imports or reaches as attributes of `jax`."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        if isinstance(node, ast.Attribute) and (name := ast.unparse(node)).startswith("jax."):
            names.add(name)
    return {name for name in names if any(f"{name}.".startswith(f"{prefix}.") for prefix in UNPROMISED)}


@pytest.mark.parametrize(
    "source",
    [
        "import jax.core",
        "import jaxlib as names",
        "from jax import core",
        "from jax._src.core import Tracer",
        "def late():\n    from jax.experimental import pallas",
        "import jax\njax.extend.core.Primitive('name')",
    ],
)
def test_unpromised_names_are_found(source):
    assert unpromised(source)


@pytest.mark.parametrize("source", ["import jax", "from jax import lax", "from jgan.compat import ad", "jax.core_of_it", "x.jax.core"])
def test_promised_names_are_not(source):
    assert not unpromised(source)


def test_only_compat_takes_unpromised_names():
    found = {str(path.relative_to(ROOT)): unpromised(path.read_text()) for path in FILES}
    assert [path for path, names in found.items() if names] == ["src/jgan/compat.py"]


def test_a_traced_program_is_evaluated_on_other_constants():
    pretrained = jnp.arange(3.0)

    def function(x):
        return jax.lax.scan(lambda total, row: (total + row @ pretrained, row), jnp.zeros(()), x)

    closed = jax.make_jaxpr(function)(jnp.ones((2, 3)))
    given = [2 * constant for constant in closed.consts]
    total, rows = jax.jit(lambda consts, x: compat.eval_jaxpr(closed.jaxpr, consts, x))(given, jnp.ones((2, 3)))
    assert len(given) == 1 and total == 12.0 and rows.shape == (2, 3)


@pytest.mark.parametrize(("given", "level"), [(None, "3"), ("1", "3"), ("0", "0"), ("2", "2")])
def test_what_xla_prints_is_kept_back_unless_asked_for(monkeypatch, given, level):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", given) if given else monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    levels = []
    monkeypatch.setattr(compat._utils, "absl_set_min_log_level", levels.append)
    compat.quiet_xla()
    assert compat.os.environ["TF_CPP_MIN_LOG_LEVEL"] == level and levels == ([3] if level == "3" else [])
