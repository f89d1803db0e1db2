"""Weight files as arrays by name, read without running what is in them."""

import collections
import io
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np


def read_weights(path: str | Path) -> dict[str, np.ndarray]:
    """The tensors of a weight file by name: `.pth` or `.pt` (PyTorch, both its formats), `.npz` or `.safetensors`.

    Nothing in the file is executed: of a pickle only what rebuilds tensors is allowed, anything else is refused with its name.
    bfloat16 becomes float32, all other types stay. Raises ValueError if the file is of another kind, damaged, or refused.
    """
    path = Path(path)
    readers = {".pth": _read_torch, ".pt": _read_torch, ".npz": _read_npz, ".safetensors": _read_safetensors}
    if path.suffix not in readers:
        raise ValueError(f"expected a file of weights named {', '.join('*' + suffix for suffix in readers)}, found {path.name}")
    try:
        with open(path, "rb") as file:
            return readers[path.suffix](file)
    except _DAMAGE as error:
        raise ValueError(f"cannot read {path.name}: {error or type(error).__name__}") from error


# What the standard library raises on bytes that are not what they should be.
_DAMAGE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    EOFError,
    OverflowError,
    struct.error,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)


def _read_npz(file):
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def _read_safetensors(file):
    """Eight bytes of length, a header in JSON, then the numbers (https://huggingface.co/docs/safetensors)."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if length > size:
        raise ValueError(f"it says that its header has {length} bytes, more than the file's {size}")
    entries = json.loads(file.read(length))
    entries.pop("__metadata__", None)
    data = file.read()

    def array(entry):
        start, stop = entry["data_offsets"]
        return _numbers(data[start:stop], _SAFETENSORS[entry["dtype"]]).reshape(entry["shape"])

    return {name: array(entry) for name, entry in entries.items()}


def _read_torch(file):
    magic = file.read(4)
    file.seek(0)
    return _read_torch_zip(file) if magic == b"PK\x03\x04" else _read_torch_legacy(file)


def _read_torch_zip(file):
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        root = next((n for n in names if n.endswith("data.pkl")), "data.pkl").removesuffix("data.pkl")
        if f"{root}byteorder" in names and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its numbers are big-endian; save it on a little-endian machine")
        reader = _TensorReader(io.BytesIO(archive.read(f"{root}data.pkl")))
        tree = reader.by_name()
        return _filled(tree, {key: _numbers(archive.read(f"{root}data/{key}"), dtype) for key, dtype in reader.storages.items()})


def _read_torch_legacy(file):
    """Five pickles one after the other (a magic number, version, system, the object, the storages' keys), then the storages."""
    if _TensorReader(file).load() != 0x1950A86A20F9469CFC6C:
        raise ValueError("it is no PyTorch file")
    _version, system = _TensorReader(file).load(), _TensorReader(file).load()
    if not system["little_endian"]:
        raise ValueError("its numbers are big-endian; save it on a little-endian machine")
    reader = _TensorReader(file)
    tree = reader.by_name()
    storages = {}
    for key in _TensorReader(file).load():
        count = int.from_bytes(file.read(8), "little")
        storages[key] = _numbers(file.read(count * _item_size(reader.storages[key])), reader.storages[key])
    return _filled(tree, storages)


class _Tensor(NamedTuple):
    """Which elements of which storage; the numbers come later."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in elements


class _TensorReader(pickle.Unpickler):
    """An unpickler that rebuilds tensors and can do nothing else."""

    def __init__(self, file):
        super().__init__(file, encoding="utf-8")
        self.storages = {}  # dtype by key

    def by_name(self):
        if not isinstance(tree := self.load(), dict):
            raise ValueError(f"expected tensors by name, found {type(tree).__name__}; save the state_dict() of the network")
        return tree

    def find_class(self, module, name):
        def tensor(storage, offset, shape, strides, *_gradient):
            return _Tensor(storage, offset, tuple(shape), tuple(strides))

        def parameter(data, *_gradient):
            return data

        # Both are made anew for every use: a pickle can set attributes of what it is given, and these are nobody else's.
        allowed = {"_rebuild_tensor": tensor, "_rebuild_tensor_v2": tensor, "_rebuild_parameter": parameter}
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch._utils" and name in allowed:
            return allowed[name]
        if module in ("torch", "torch.cuda") and name in _STORAGES:
            return _STORAGES[name]
        raise ValueError(f"it asks for {module}.{name}, which is more than tensors need; refused, nothing of it was run")

    def persistent_load(self, identifier):
        kind, dtype, key, _device, _count, *view = identifier
        if kind != "storage" or dtype not in _STORAGES.values() or any(view):
            raise ValueError(f"it refers to {identifier!r}, expected a plain storage of numbers")
        self.storages[key] = dtype
        return key


_STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}
_SAFETENSORS = dict(zip(("F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"), _STORAGES.values(), strict=True))


def _filled(tree, storages):
    return {name: _array(tensor, storages[tensor.storage]) for name, tensor in tree.items() if isinstance(tensor, _Tensor)}


def _array(tensor, numbers):
    last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    if min((tensor.offset, *tensor.shape, *tensor.strides)) < 0 or (0 not in tensor.shape and last >= numbers.size):
        raise ValueError(f"{tensor} lies outside its storage of {numbers.size} numbers")
    strides = [s * numbers.itemsize for s in tensor.strides]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides).copy()


def _item_size(dtype):
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def _numbers(data, dtype):
    if dtype != "bfloat16":
        return np.frombuffer(data, dtype)
    return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")  # bfloat16 is the upper half of a float32
