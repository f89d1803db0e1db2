"""Weight files as arrays by name, read without running what is in them."""

import collections
import io
import math
import mmap
import pickle
import pickletools
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jgan import bounded
from jgan.tensors import item_size, numbers_of, tensors_in


def read_weights(path: str | Path) -> dict[str, np.ndarray]:
    """Returns the tensors of a weight file by name: `.pth` or `.pt` (PyTorch, both its formats), `.npz`, `.safetensors`, or `.pkl`, a dict
    of whole networks as StyleGAN2-ADA publishes them, whose tensors are called as "G_ema.synthesis.b4.const".

    Nothing in the file is executed: of a pickle only what rebuilds tensors is allowed, anything else is refused with its name.
    bfloat16 becomes float32, all other types stay. Raises ValueError if the file is of another kind, damaged, or refused.
    """
    path = Path(path)
    if path.suffix == ".npz":
        return bounded.read_npz(path)
    readers = {".pth": _read_torch, ".pt": _read_torch, ".pkl": _read_networks, ".safetensors": tensors_in}
    if path.suffix not in readers:
        raise ValueError(f"expected a file of weights named *.npz, {', '.join('*' + suffix for suffix in readers)}, found {path.name}")
    try:
        with bounded.open_regular(path) as file:
            return readers[path.suffix](file)
    except Exception as error:  # damaged bytes make the standard library raise almost anything
        raise ValueError(f"cannot read {path.name}: {error or type(error).__name__}; download it again") from error


def _read_torch(file):
    magic = file.read(4)
    file.seek(0)
    if magic == b"PK\x03\x04":
        return _read_torch_zip(file)
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:  # where a length that is claimed takes no memory
        return _filled(*_read_torch_legacy(view, len(view)))


def _read_torch_zip(file):
    with zipfile.ZipFile(file) as archive:
        members = {info.filename: info for info in archive.infolist()}
        root = next((n for n in members if n.endswith("data.pkl")), "data.pkl").removesuffix("data.pkl")
        if f"{root}byteorder" in members and _member(archive, members[f"{root}byteorder"]) != b"little":
            raise ValueError("its numbers are big-endian; save it on a little-endian machine")
        reader = _TensorReader(io.BytesIO(_member(archive, archive.getinfo(f"{root}data.pkl"))))
        tree = reader.load()
        infos = {key: archive.getinfo(f"{root}data/{key}") for key in reader.storages}
        _check_total(sum(info.file_size for info in infos.values()), sum(info.compress_size for info in infos.values()))
        return _filled(tree, {key: numbers_of(_member(archive, infos[key]), dtype) for key, dtype in reader.storages.items()})


def _member(archive, info):
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{info.filename} is compressed by method {info.compress_type}, expected none or deflate")
    bounded.check(info.filename, info.file_size, info.compress_size)
    with archive.open(info) as file:
        return file.read(info.file_size)


def _check_total(size, packed):
    bounded.check("the sum of its tensors", size, packed)


def _read_networks(file):
    """One pickle of networks by name, each a dict of its module's source, which is passed over, and its state."""
    reader = _NetworkReader(file)
    return _filled(reader.by_name(), reader.storages)


def _read_torch_legacy(file, size_of_file):
    """Five pickles one after the other (a magic number, version, system, the object, the storages' keys), then the storages: returns the
    object, and numbers by key."""
    if _TensorReader(file).load() != 0x1950A86A20F9469CFC6C:
        raise ValueError("it is no PyTorch file")
    _version, system = _TensorReader(file).load(), _TensorReader(file).load()
    if not system["little_endian"]:
        raise ValueError("its numbers are big-endian; save it on a little-endian machine")
    reader = _TensorReader(file)
    tree = reader.load()
    storages = {}
    for key in _TensorReader(file).load():
        if key not in reader.storages:
            break  # nothing refers to it: its type is not known, nor where the next one begins
        size = int.from_bytes(file.read(8), "little") * item_size(reader.storages[key])
        if size > size_of_file - file.tell():
            raise ValueError(f"storage {key} has {size} bytes, more than the {size_of_file - file.tell()} that are left")
        storages[key] = numbers_of(file.read(size), reader.storages[key])
    return tree, storages


class _Tensor(NamedTuple):
    """Which elements of which storage; the numbers come later."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in elements


class _TensorReader(pickle.Unpickler):
    """An unpickler that rebuilds tensors and can do nothing else."""

    def __init__(self, file):
        _check_memo(file)
        super().__init__(file, encoding="utf-8")
        self.storages = {}  # dtype by key

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
        if kind != "storage" or not isinstance(key, str) or dtype not in _STORAGES.values() or any(view):
            raise ValueError("it refers to something else than a plain storage of numbers")
        self.storages[key] = dtype
        return key


class _NetworkReader(_TensorReader):
    """An unpickler that rebuilds tensors and what networks that hold them are described by, dicts of plain values."""

    def by_name(self):
        """Tensors of all networks, by the path of their modules."""
        networks = self.load()
        if not isinstance(networks, dict):
            raise ValueError(f"expected networks by name, found {type(networks).__name__}")
        return {name: tensor for network in NETWORKS for name, tensor in _of_module(networks.get(network), network)}

    def find_class(self, module, name):
        def described(description):
            return description

        def storage(content):
            key, numbers = _read_torch_legacy(io.BytesIO(content), len(content))
            self.storages[f"{len(self.storages)}"] = numbers[key]
            return f"{len(self.storages) - 1}"

        if (module, name) == ("dnnlib.util", "EasyDict"):
            return type(name, (dict,), {})  # anew for every use, as what the other reader allows
        if (module, name) in (("builtins", "set"), ("__builtin__", "set")):
            return set
        if (module, name) == ("torch_utils.persistence", "_reconstruct_persistent_obj"):
            return described
        if (module, name) == ("torch.storage", "_load_from_bytes"):
            return storage
        return super().find_class(module, name)


def _of_module(module, path):
    """Names and tensors of a module and of those within; nothing of what is no description of a module."""
    state = module.get("state") if isinstance(module, dict) else None
    if not isinstance(state, dict):
        return
    for name, value in {**state.get("_parameters", {}), **state.get("_buffers", {})}.items():
        if isinstance(value, _Tensor):
            yield f"{path}.{name}", value
    for name, inner in state.get("_modules", {}).items():
        yield from _of_module(inner, f"{path}.{name}")


NETWORKS = ("G", "D", "G_ema")  # of a published StyleGAN2-ADA
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


def _check_memo(file):
    """Refuses a pickle that numbers what it remembers higher than its bytes, since memory is taken for all numbers below (512 GB, say)."""
    start = file.tell()
    for operation, argument, place in pickletools.genops(file):
        if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > place:
            raise ValueError(f"it remembers number {argument} after {place} bytes")
    file.seek(start)


def _filled(tree, storages):
    if not isinstance(tree, dict):
        raise ValueError(f"expected tensors by name, found {type(tree).__name__}; save the state_dict() of the network")
    tensors = {name: tensor for name, tensor in tree.items() if isinstance(tensor, _Tensor)}
    sizes = [math.prod(_whole(tensor.shape)) * storages[tensor.storage].itemsize for tensor in tensors.values()]
    _check_total(sum(sizes), sum(numbers.nbytes for numbers in storages.values()))
    return {name: _array(tensor, storages[tensor.storage]) for name, tensor in tensors.items()}


def _array(tensor, numbers):
    offset, *strides = _whole((tensor.offset, *tensor.strides))
    last = offset + sum((n - 1) * s for n, s in zip(tensor.shape, strides, strict=True))
    size = math.prod(tensor.shape)
    if size > numbers.size or (size and last >= numbers.size) or offset > numbers.size:
        raise ValueError(f"a tensor of {list(tensor.shape)} from {offset} to {last} lies outside its storage of {numbers.size} numbers")
    strides = [s * numbers.itemsize for s in strides]
    return np.lib.stride_tricks.as_strided(numbers[offset:], tensor.shape, strides).copy()


def _whole(values):
    if not all(type(value) is int and value >= 0 for value in values):
        raise ValueError("a tensor lies outside its storage: its shape, offset and strides are not all whole numbers from 0")
    return tuple(values)
