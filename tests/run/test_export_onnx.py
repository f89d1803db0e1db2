import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.ops.convolution import convolution
from jgan.ops.resample import upsample
from jgan.run import export_onnx as module
from jgan.run.export_onnx import check_onnx, export_onnx

KERNEL = np.random.default_rng(0).standard_normal((3, 3, 2, 4)).astype(np.float32)
SHAPES = [jax.ShapeDtypeStruct((6, 5, 2), jnp.float32)]


def network(x):
    """With primitives of the package, which no converter knows."""
    return jnp.tanh(upsample(convolution(x, jnp.asarray(KERNEL), padding=1)))


@pytest.mark.parametrize(
    "edges", [((0, 0, 0), (1, 2, 1), (2, -1, 2)), ((0, 0, 0), (0, 0, 3), (-1, -1, 0)), ((0, 0, 0), (0, 0, 0), (0, 4, 0))]
)
def test_padding_by_joining(edges):
    x = np.random.default_rng(0).standard_normal((1, 2, 4, 5)).astype(np.float32)
    zero, edges = jnp.zeros((), jnp.float32), ((0, 0, 0), *edges)
    np.testing.assert_array_equal(module._padded(jnp.asarray(x), zero, padding_config=edges), jax.lax.pad(x, zero, edges))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax2onnx", None)
    with pytest.raises(ModuleNotFoundError, match="--format onnx needs the package jax2onnx: pip install 'jgan.onnx.'"):
        check_onnx()


@pytest.mark.filterwarnings("ignore")  # of the converter
def test_converted_for_any_batch_size(tmp_path):
    pytest.importorskip("jax2onnx", reason="needs the extra onnx")
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        export_onnx(network, tmp_path / "x.onnx", ["image"], SHAPES)
    session = runtime.InferenceSession(str(tmp_path / "x.onnx"))
    for n in (1, 4):
        x = np.random.default_rng(n).standard_normal((n, 6, 5, 2)).astype(np.float32)
        np.testing.assert_allclose(session.run(["output"], {"image": x})[0], network(jnp.asarray(x)), atol=1e-5)


def test_what_gives_other_numbers_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "check_onnx", lambda: None)
    monkeypatch.setattr(module, "_converted", lambda *_: b"")
    for found, message in [(lambda x: 1.1 * x, "numbers off by"), (lambda x: x[:1], "shape"), (lambda x: x * np.nan, "numbers off by nan")]:
        monkeypatch.setattr(module, "_run", lambda content, inputs, found=found: found(inputs["image"]))
        with pytest.raises(ValueError, match=f"the ONNX file gives other outputs than JAX: {message}.*use --format jaxexp"):
            export_onnx(lambda x: x, tmp_path / "x.onnx", ["image"], SHAPES)
    assert not list(tmp_path.iterdir())
