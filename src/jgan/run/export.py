"""A trained function in one file that runs without the code that made it, on CPU, GPU and TPU."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax

from jgan.outputs.files import write_atomic

PLATFORMS = ("cpu", "cuda", "tpu")


def export(function: Callable[..., Any], path: str | Path, *shapes: Any, platforms: Sequence[str] = PLATFORMS) -> None:
    """Writes a function as a StableHLO file that `jax.export` loads on any platform.

    Parameters that the function closes over are part of the file. The leading axis of every argument is the batch and stays open: the
    exported function takes any number of examples. It can be differentiated once, so inversion works. The function has to be written
    for any batch size: no division of the batch by a number, no reshape that fixes it.

    Args:
      function: (arrays [N, ...], ...) -> arrays; pure.
      path: of the file.
      *shapes: for each argument a `jax.ShapeDtypeStruct` of one example, without the batch axis.
      platforms: for which it is compiled.

    >>> import tempfile, jax.numpy as jnp
    >>> path = tempfile.mkdtemp() + "/double.jaxexp"
    >>> export(lambda z: 2.0 * z, path, jax.ShapeDtypeStruct((3,), jnp.float32))
    >>> load_exported(path)(jnp.ones((5, 3))).shape
    (5, 3)
    """
    (batch,) = jax.export.symbolic_shape("batch")
    arguments = [jax.ShapeDtypeStruct((batch, *s.shape), s.dtype) for s in shapes]
    exported = jax.export.export(jax.jit(function), platforms=list(platforms))(*arguments)
    write_atomic(Path(path), bytes(exported.serialize(vjp_order=1)))


def load_exported(path: str | Path) -> Callable[..., Any]:
    """Returns the function in a file that `export` wrote.

    Raises:
      FileNotFoundError: if there is no such file.
    """
    return jax.export.deserialize(bytearray(Path(path).read_bytes())).call
