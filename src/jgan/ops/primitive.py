"""How the operations of this package become JAX primitives of their own, with derivatives that stay among them."""

import functools
import inspect
from collections.abc import Callable

import jax
from jax.extend.core import Primitive
from jax.interpreters import mlir


def primitive_of(name: str, function: Callable) -> Primitive:
    """A primitive that runs, lowers and types itself as `function` does: arrays by position, static settings by keyword only."""
    settings = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    primitive = Primitive(name)
    primitive.def_impl(jax.jit(function, static_argnames=settings))
    primitive.def_abstract_eval(lambda *avals, **given: jax.make_jaxpr(functools.partial(function, **given))(*avals).out_avals[0])
    mlir.register_lowering(primitive, mlir.lower_fun(function, multiple_results=False))
    return primitive
