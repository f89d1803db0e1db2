import json

import jax.numpy as jnp
import numpy as np
import pytest

from jgan.tensors import read_safetensors, safetensors

DTYPES = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool"]


def written(path, arrays):
    path.write_bytes(safetensors(arrays))
    return path


def test_arrays_come_back(tmp_path):
    arrays = {dtype: np.arange(6).reshape(2, 3).astype(dtype) for dtype in DTYPES}
    arrays |= {"": np.zeros((0, 3), np.float32), "scalar": np.float32(2.5).reshape(()), "turned": np.arange(6.0).reshape(2, 3).T}
    found = read_safetensors(written(tmp_path / "x.safetensors", arrays))
    assert list(found) == list(arrays)
    for name, x in arrays.items():
        np.testing.assert_array_equal(found[name], x)
        assert found[name].dtype == x.dtype


def test_bfloat16_is_widened(tmp_path):
    x = np.asarray(jnp.asarray([1.0, -2.5, 3e38], jnp.bfloat16))
    np.testing.assert_array_equal(read_safetensors(written(tmp_path / "x.safetensors", {"x": x}))["x"], x.astype(np.float32))


def test_others_read_it(tmp_path):
    theirs = pytest.importorskip("safetensors.numpy", reason="needs the package safetensors")
    arrays = {"a/b": np.arange(6, dtype=np.float32).reshape(2, 3), "c": np.arange(3, dtype=np.uint32)}
    found = theirs.load(safetensors(arrays, {"made by": "a test"}))
    assert found.keys() == arrays.keys() and all((found[name] == x).all() and found[name].dtype == x.dtype for name, x in arrays.items())
    (tmp_path / "x.safetensors").write_bytes(theirs.save(arrays, {"made by": "them"}))
    assert read_safetensors(tmp_path / "x.safetensors").keys() == arrays.keys()


def test_what_the_format_has_not():
    with pytest.raises(ValueError, match="found x of complex64; convert them"):
        safetensors({"x": np.zeros(2, np.complex64)})


def of_header(entries, data=b""):
    header = json.dumps(entries).encode() if not isinstance(entries, bytes) else entries
    return len(header).to_bytes(8, "little") + header + data


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        (1 << 60).to_bytes(8, "little"),
        of_header(b"{"),
        of_header([1]),
        of_header({"x": ENTRY}),
        of_header({"x": ENTRY | {"dtype": "object"}}, b"\0" * 8),
        of_header({"x": ENTRY | {"shape": [3]}}, b"\0" * 8),
        of_header({"x": ENTRY | {"shape": [-1, -2]}}, b"\0" * 8),
        of_header({"x": ENTRY | {"data_offsets": [-8, 0]}}, b"\0" * 8),
        of_header({f"{i}": {"dtype": "U8", "shape": [1 << 16], "data_offsets": [0, 1 << 16]} for i in range(1 << 13)}, b"\0" * (1 << 16)),
    ],
)
def test_damaged_files_are_named(tmp_path, content):
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match="x.safetensors is no readable .safetensors file"):
        read_safetensors(tmp_path / "x.safetensors")
