"""A trained function as an ONNX file, which runs without JAX."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan.ops.primitive import written_out
from jgan.outputs.files import write_atomic

BATCH = 3  # examples that are compared
TOLERANCE = 1e-3  # of the largest number: ONNX Runtime adds up in another order


def check_onnx() -> None:
    """Raises ModuleNotFoundError where a package that writes or checks ONNX files is missing; the message says how it is installed."""
    try:
        import jax2onnx  # noqa: F401  # pyright: ignore[reportMissingImports]
        import onnxruntime  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        message = f"--format onnx needs the package {error.name}: pip install 'jgan[onnx]', or export jaxexp or safetensors"
        raise ModuleNotFoundError(message, name=error.name) from None


def export_onnx(function: Callable[..., Any], path: str | Path, names: Sequence[str], shapes: Sequence[Any]) -> None:
    """Writes a function as an ONNX file of any batch size, after ONNX Runtime has given what JAX gives, on standard normal inputs.

    Args:
      function: (arrays [N, ...], ...) -> array [N, ...]; pure.
      path: of the file.
      names: of the inputs in the file; the output is called `output`.
      shapes: for each input a `jax.ShapeDtypeStruct` of one example, without the batch axis.

    Raises:
      ModuleNotFoundError: as `check_onnx`.
      ValueError: if the function cannot be converted, or the converted one gives other numbers; nothing is written then.
    """
    check_onnx()
    content = _converted(function, names, shapes)
    rng = np.random.default_rng(0)
    arrays = [_example(rng, shape) for shape in shapes]
    expected = np.asarray(function(*map(jnp.asarray, arrays)))
    found = _run(content, dict(zip(names, arrays, strict=True)))
    scale = float(np.abs(expected).max())
    if found.shape != expected.shape or not np.abs(found - expected).max() <= TOLERANCE * max(1.0, scale):
        off = f"numbers off by {np.abs(found - expected).max():.2g}" if found.shape == expected.shape else f"shape {found.shape}"
        raise ValueError(f"the ONNX file gives other outputs than JAX: {off}, expected {expected.shape} within {TOLERANCE:g}; {_INSTEAD}")
    write_atomic(path, content)


_INSTEAD = "nothing was written, use --format jaxexp"


def _converted(function, names, shapes):
    import jax2onnx  # pyright: ignore[reportMissingImports]

    (batch,) = jax.export.symbolic_shape("batch")
    inputs = [jax.ShapeDtypeStruct((batch, *shape.shape), shape.dtype) for shape in shapes]
    known = written_out(function, {jax.lax.pad_p: _padded})
    try:
        with _quiet():
            model = jax2onnx.to_onnx(known, inputs=inputs, input_names=list(names), output_names=["output"])
        return model.SerializeToString()
    except Exception as error:  # of many types, for what the converter does not know
        raise ValueError(f"jax2onnx cannot convert this network: {type(error).__name__}: {str(error)[:300]}; {_INSTEAD}") from error


def _run(content, inputs):
    import onnxruntime  # pyright: ignore[reportMissingImports]

    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        return session.run(["output"], {one.name: inputs[one.name] for one in session.get_inputs()})[0]
    except Exception as error:  # onnxruntime's own types, one for each kind of failure
        raise ValueError(f"ONNX Runtime cannot run the converted network: {str(error)[:300]}; {_INSTEAD}") from error


def _example(rng, shape):
    if jnp.issubdtype(shape.dtype, jnp.floating):
        return rng.standard_normal((BATCH, *shape.shape)).astype(shape.dtype)
    return np.zeros((BATCH, *shape.shape), shape.dtype)  # a label or token that there is for sure


def _padded(x, value, *, padding_config):
    """`lax.pad` by joining: the converter knows none between numbers, nor one for any batch size."""
    for axis, (before, after, between) in enumerate(padding_config):
        if between:
            gaps = jnp.broadcast_to(value, (*x.shape[: axis + 1], between, *x.shape[axis + 1 :]))
            spread = jnp.concatenate([jnp.expand_dims(x, axis + 1), gaps], axis + 1)
            x, after = spread.reshape(*x.shape[:axis], x.shape[axis] * (between + 1), *x.shape[axis + 1 :]), after - between
        if before or after:
            x = jax.lax.slice_in_dim(x, max(0, -before), x.shape[axis] - max(0, -after), axis=axis)
            sides = [jnp.broadcast_to(value, (*x.shape[:axis], max(0, n), *x.shape[axis + 1 :])) for n in (before, after)]
            x = jnp.concatenate([side for side in (sides[0], x, sides[1]) if side.shape[axis]], axis)
    return x


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps off standard error what the converter says of values that it needs not know."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
