"""Arrays by name in .safetensors files: eight bytes of length, a header in JSON, the numbers (https://huggingface.co/docs/safetensors).

Nothing in such a file can be executed.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from jgan import bounded

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bfloat16", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1"}
DTYPES |= {"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1"}
NAMES = {np.dtype(dtype).name: name for name, dtype in DTYPES.items() if name != "BF16"} | {"bfloat16": "BF16"}
ALIGNMENT = 8  # bytes of which the header has a multiple


def safetensors(arrays: Mapping[str, np.ndarray], about: Mapping[str, str] | None = None) -> bytes:
    """Returns arrays as the content of a file, with text by name beside them.

    Raises:
      ValueError: for a dtype that the format has not.

    >>> int.from_bytes(safetensors({"kernel": np.zeros((2, 3), np.float32)})[:8], "little")
    64
    """
    unknown = [f"{name} of {x.dtype}" for name, x in arrays.items() if x.dtype.name not in NAMES]
    if unknown:
        raise ValueError(f"expected arrays of {', '.join(NAMES)}, found {', '.join(unknown)}; convert them")
    entries: dict[str, Any] = {"__metadata__": dict(about)} if about else {}
    end = 0
    for name, x in arrays.items():
        entries[name] = {"dtype": NAMES[x.dtype.name], "shape": list(x.shape), "data_offsets": [end, end + x.nbytes]}
        end += x.nbytes
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % ALIGNMENT)
    return b"".join([len(header).to_bytes(8, "little"), header, *(np.ascontiguousarray(x).tobytes() for x in arrays.values())])


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Reads the arrays of a file; bfloat16 becomes float32, all other types stay.

    Raises:
      OSError: if it cannot be opened.
      ValueError: if it is damaged; the message names it.
    """
    with bounded.open_regular(path) as file:
        try:
            return tensors_in(file)
        except Exception as error:  # damaged bytes make the standard library raise almost anything
            raise ValueError(f"{path} is no readable .safetensors file: {error or type(error).__name__}; copy or make it again") from error


def tensors_in(file: BinaryIO) -> dict[str, np.ndarray]:
    """Reads the arrays of an open file; for one that is damaged it raises errors of many types."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if length > size:
        raise ValueError(f"it says that its header has {length} bytes, more than the file's {size}")
    entries = json.loads(file.read(length))
    entries.pop("__metadata__", None)
    data = file.read()

    def array(entry):
        start, stop = entry["data_offsets"]
        shape, dtype = entry["shape"], DTYPES[entry["dtype"]]
        whole = all(type(side) is int and side >= 0 for side in (*shape, start, stop))
        if not whole or not start <= stop <= len(data) or stop - start != math.prod(shape) * item_size(dtype):
            raise ValueError(f"it has bytes {start} to {stop} of {len(data)} for a tensor of {entry['dtype']} {shape}")
        return numbers_of(data[start:stop], dtype).reshape(shape)

    spans = [entry["data_offsets"] for entry in entries.values()]
    bounded.check("the sum of its tensors", sum(stop - start for start, stop in spans), size)
    return {name: array(entry) for name, entry in entries.items()}


def item_size(dtype: str) -> int:
    """Returns the bytes of a number; bfloat16, which NumPy has not, has two."""
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def numbers_of(data: bytes, dtype: str) -> np.ndarray:
    """Returns bytes as numbers, bfloat16 as float32."""
    if dtype != "bfloat16":
        return np.frombuffer(data, dtype)
    return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")  # bfloat16 is the upper half of a float32
