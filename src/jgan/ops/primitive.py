"""How the operations of this package become JAX primitives of their own, with derivatives that stay among them."""

import functools
import inspect
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jgan.compat import Primitive, batching, mlir


def primitive_of(name: str, function: Callable, **of_platforms: Callable) -> Primitive:
    """Returns a primitive that runs, lowers and types itself as `function` does: arrays by position, static settings by keyword only.

    Args:
      name: of the primitive.
      function: what it computes.
      of_platforms: other forms of the same function, by the platform ("cpu", "cuda", "tpu") on which they are faster.
    """
    settings = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    primitive = Primitive(name)
    primitive.def_impl(jax.jit(primitive.bind, static_argnames=settings))
    primitive.def_abstract_eval(lambda *avals, **given: jax.make_jaxpr(functools.partial(function, **given))(*avals).out_avals[0])
    mlir.register_lowering(primitive, mlir.lower_fun(function, multiple_results=False))
    for platform, form in of_platforms.items():
        mlir.register_lowering(primitive, mlir.lower_fun(form, multiple_results=False), platform=platform)
    return primitive


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
