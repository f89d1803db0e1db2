"""How the operations of this package become JAX primitives, with derivatives that stay among them."""

import functools
import inspect
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from jgan.compat import Primitive, batching, mlir

_PLAIN: dict[Primitive, Callable] = {}  # what the primitives of this package compute


def primitive_of(name: str, function: Callable, **of_platforms: Callable) -> Primitive:
    """Returns a primitive that runs, lowers and types itself as `function` does: arrays by position, static settings by keyword only.

    Args:
      name: of the primitive.
      function: what it computes.
      of_platforms: other forms of the same function, by the platform ("cpu", "cuda", "tpu") on which they are faster.
    """
    settings = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    primitive = Primitive(name)
    _PLAIN[primitive] = function
    primitive.def_impl(jax.jit(primitive.bind, static_argnames=settings))
    primitive.def_abstract_eval(lambda *avals, **given: jax.make_jaxpr(functools.partial(function, **given))(*avals).out_avals[0])
    mlir.register_lowering(primitive, mlir.lower_fun(function, multiple_results=False))
    for platform, form in of_platforms.items():
        mlir.register_lowering(primitive, mlir.lower_fun(form, multiple_results=False), platform=platform)
    return primitive


def written_out(function: Callable, forms: Mapping[Primitive, Callable] | None = None) -> Callable:
    """Returns the same function of arrays without the primitives of this package, for programs that know JAX's alone.

    Args:
      function: of arrays, to one array.
      forms: of other primitives, what is to stand in their place; primitives inside of loops and branches stay as they are.
    """
    forms = {**_PLAIN, **(forms or {})}

    return lambda *arrays: _in_forms(function, arrays, forms)


def _in_forms(function, arrays, forms):
    traced = jax.make_jaxpr(function)(*arrays)
    (y,) = _evaluated(traced.jaxpr, traced.consts, arrays, forms)
    return y


def _evaluated(jaxpr, consts, arrays, forms):
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *arrays], strict=True))
    for equation in jaxpr.eqns:
        operands = [_value(x, known) for x in equation.invars]
        found = _called(equation.primitive, equation.params, operands, forms)
        known |= zip(equation.outvars, found if equation.primitive.multiple_results else [found], strict=True)
    return [_value(x, known) for x in jaxpr.outvars]


def _value(x, known):
    return x.val if hasattr(x, "val") else known[x]  # a literal, or a variable


def _called(primitive, settings, operands, forms):
    """What a primitive gives; a function within, of `jit` or a derivative that somebody wrote, is written out too."""
    if primitive in forms:
        return _in_forms(functools.partial(forms[primitive], **settings), operands, forms)
    if primitive.name in ("jit", "pjit", "custom_jvp_call", "custom_vjp_call"):
        inner = settings.get("jaxpr", settings.get("call_jaxpr"))
        return _evaluated(inner.jaxpr, inner.consts, operands, forms)
    return primitive.bind(*operands, **settings)


def fold_into_batch(primitive: Primitive) -> None:
    """Batches under `vmap`: the lanes of all arrays are more of what their first axes count; an array that is not mapped is the same in
    all.
    """

    def batch(operands, axes, **settings):
        lanes = next(x.shape[axis] for x, axis in zip(operands, axes, strict=True) if axis is not None)
        moved = [
            jnp.broadcast_to(x, (lanes, *x.shape)) if axis is None else jnp.moveaxis(x, axis, 0)
            for x, axis in zip(operands, axes, strict=True)
        ]
        y = primitive.bind(*(x.reshape(-1, *x.shape[2:]) for x in moved), **settings)
        return y.reshape(*moved[0].shape[:2], *y.shape[1:]), 0

    batching.primitive_batchers[primitive] = batch


def devices_of_batch() -> int:
    """Returns over how many devices the compiler spreads the batch of what is being traced."""
    mesh = jax.sharding.get_abstract_mesh()
    return mesh.shape["data"] if "data" in mesh.auto_axes else 1
