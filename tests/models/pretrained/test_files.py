import json
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from jgan import bounded
from jgan.models.pretrained.files import read_weights

# A PyTorch file is written here by hand, operation by operation, as the library itself would write it.
ORDERED_DICT = b"ccollections\nOrderedDict\n)R"


def text(value):
    return b"X" + struct.pack("<i", len(value.encode())) + value.encode()


def many(*parts):
    return b"(" + b"".join(parts) + b"t"


def numbers(values):
    return many(*(b"J" + struct.pack("<i", n) for n in values))


def tensor(storage, key, offset, shape, strides, rebuild="_rebuild_tensor_v2", view=b""):
    identifier = many(text("storage"), b"ctorch\n" + storage.encode() + b"\n", text(key), text("cpu"), b"J" + struct.pack("<i", 12), view)
    arguments = [identifier + b"Q", b"J" + struct.pack("<i", offset), numbers(shape), numbers(strides)]
    gradient = [] if rebuild == "_rebuild_tensor" else [b"\x89", ORDERED_DICT]  # False, no hooks
    return b"ctorch._utils\n" + rebuild.encode() + b"\n" + many(*arguments, *gradient) + b"R"


def parameter(data):
    return b"ctorch._utils\n_rebuild_parameter\n" + many(data, b"\x88", ORDERED_DICT) + b"R"


def by_name(**tensors):
    return b"\x80\x02" + ORDERED_DICT + b"(" + b"".join(text(name) + value for name, value in tensors.items()) + b"u."


def write_zip(path, tree, storages, **others):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", tree)
        for name, data in ({f"data/{key}": data for key, data in storages.items()} | others).items():
            archive.writestr(f"archive/{name}", data)
    return path


def write_legacy(path, tree, storages, magic=0x1950A86A20F9469CFC6C, little_endian=True):
    head = [magic, 1001, {"protocol_version": 1001, "little_endian": little_endian, "type_sizes": {}}]
    body = [b"".join(pickle.dumps(part, protocol=2) for part in head), tree, pickle.dumps(sorted(storages), protocol=2)]
    for _, (data, count) in sorted(storages.items()):
        body += [struct.pack("<q", count), data]
    path.write_bytes(b"".join(body))
    return path


VALUES = np.arange(12, dtype=np.float32)
HALVES = np.array([1.5, -2.0, 65504.0], np.float16)
BRAINS = np.array([1.0, -3.140625, 3.3895314e38], np.float32)  # each exact in bfloat16
WHOLE = np.array([7], np.int64)
TREE = by_name(
    plain=tensor("FloatStorage", "0", 0, (3, 4), (4, 1)),
    strided=tensor("FloatStorage", "0", 1, (2, 3), (1, 4)),
    parameter=parameter(tensor("FloatStorage", "0", 4, (2,), (1,))),
    half=tensor("HalfStorage", "1", 0, (3,), (1,)),
    brain=tensor("BFloat16Storage", "2", 0, (3,), (1,)),
    count=tensor("LongStorage", "3", 0, (), ()),
    older=tensor("FloatStorage", "0", 11, (1, 1), (1, 1), rebuild="_rebuild_tensor", view=b"N"),
)
STORAGES = {
    "0": VALUES.tobytes(),
    "1": HALVES.tobytes(),
    "2": (BRAINS.view(np.uint32) >> 16).astype(np.uint16).tobytes(),
    "3": WHOLE.tobytes(),
}
COUNTS = {"0": 12, "1": 3, "2": 3, "3": 1}
EXPECTED = {
    "plain": VALUES.reshape(3, 4),
    "strided": VALUES.reshape(3, 4)[:, 1:3].T,
    "parameter": VALUES[4:6],
    "half": HALVES,
    "brain": BRAINS,
    "count": WHOLE[0],
    "older": VALUES[11:].reshape(1, 1),
}


def legacy_storages():
    return {key: (data, COUNTS[key]) for key, data in STORAGES.items()}


@pytest.mark.parametrize("suffix", [".pth", ".pt"])
@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_tensors_of_a_pytorch_file(tmp_path, kind, suffix):
    path = tmp_path / f"weights{suffix}"
    if kind == "zip":
        write_zip(path, TREE, STORAGES, byteorder=b"little", version=b"3")
    else:
        write_legacy(path, TREE, legacy_storages())
    found = read_weights(path)
    assert found.keys() == EXPECTED.keys()
    for name, expected in EXPECTED.items():
        np.testing.assert_array_equal(found[name], expected)
        assert found[name].dtype == expected.dtype and found[name].flags.writeable, name


def test_tensors_of_npz_and_safetensors(tmp_path):
    np.savez(tmp_path / "weights.npz", a=VALUES.reshape(3, 4), b=WHOLE)
    found = read_weights(tmp_path / "weights.npz")
    np.testing.assert_array_equal(found["a"], VALUES.reshape(3, 4))
    np.testing.assert_array_equal(found["b"], WHOLE)

    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]},
        "b": {"dtype": "BF16", "shape": [3], "data_offsets": [48, 54]},
        "c": {"dtype": "F16", "shape": [3, 1], "data_offsets": [54, 60]},
    }
    text_of_header = json.dumps(header).encode()
    data = STORAGES["0"] + STORAGES["2"] + STORAGES["1"]
    (tmp_path / "weights.safetensors").write_bytes(struct.pack("<Q", len(text_of_header)) + text_of_header + data)
    found = read_weights(str(tmp_path / "weights.safetensors"))
    assert found.keys() == {"a", "b", "c"}
    np.testing.assert_array_equal(found["a"], VALUES.reshape(3, 4))
    np.testing.assert_array_equal(found["b"], BRAINS)
    np.testing.assert_array_equal(found["c"], HALVES[:, None])


class Evil:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("where", ["zip", "legacy head", "legacy tree", "legacy keys", "npz"])
def test_code_in_a_file_is_refused_and_not_run(tmp_path, where):
    marker = tmp_path / "it_ran"
    evil = pickle.dumps({"fc.bias": Evil(marker)}, protocol=2)
    path = tmp_path / ("weights.npz" if where == "npz" else "weights.pth")
    if where == "zip":
        write_zip(path, evil, {})
    elif where == "npz":
        np.savez(path, a=np.array([Evil(marker)], dtype=object), allow_pickle=True)
    else:
        write_legacy(path, evil if where == "legacy tree" else TREE, {})
        if where == "legacy head":
            path.write_bytes(evil + path.read_bytes())
        if where == "legacy keys":
            path.write_bytes(path.read_bytes()[: -len(pickle.dumps([], protocol=2))] + evil)
    with pytest.raises(
        ValueError, match=r"weights.npz is not .* Python objects are never read" if where == "npz" else r"asks for \w+\.system, .*refused"
    ):
        read_weights(path)
    assert not marker.exists()
    pickle.loads(evil)  # the trap itself is real
    assert marker.exists()


def one(storage="FloatStorage", offset=0, shape=(3, 4), strides=(4, 1), **others):
    return by_name(plain=tensor(storage, "0", offset, shape, strides, **others))


SET_DEFAULTS = b"\x80\x02ctorch._utils\n_rebuild_tensor\nN}" + text("__defaults__") + b")s\x86b."  # sets an attribute of a function


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (one(offset=1), "outside its storage of 12 numbers"),
        (one(offset=-1, shape=(1,), strides=(1,)), "outside its storage"),
        (one(shape=(2,), strides=(-1,), offset=3), "outside its storage"),
        (one(shape=(2,), strides=(1, 1)), "cannot read"),
        (one(storage="QInt8Storage"), r"asks for torch\.QInt8Storage"),
        (one(rebuild="_rebuild_sparse_tensor"), r"asks for torch\._utils\._rebuild_sparse_tensor"),
        (one(view=text("other")), "plain storage"),
        (b"\x80\x02cbuiltins\neval\n" + many(text("1 + 1")) + b"R.", r"asks for builtins\.eval"),
        (b"\x80\x04\x8c\x05torch\x8c\x0f_utils.__dict__\x93.", r"asks for torch\._utils\.__dict__"),
        (SET_DEFAULTS, "expected tensors by name, found function"),
        (b"\x80\x02cbuiltins", "cannot read weights.pth"),
        (b"\x80\x02].", "expected tensors by name, found list"),
        (b"", "cannot read weights.pth"),
    ],
)
@pytest.mark.parametrize("write", [write_zip, write_legacy])
def test_what_is_no_plain_tensor_is_refused(tmp_path, write, tree, message):
    storages = {"0": STORAGES["0"]} if write is write_zip else {"0": (STORAGES["0"], 12)}
    with pytest.raises(ValueError, match=message):
        read_weights(write(tmp_path / "weights.pth", tree, storages))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("weights.pth", b"not found\n", "cannot read weights.pth"),
        ("weights.pth", b"", "cannot read weights.pth"),
        ("weights.pth", b"PK\x03\x04 and no more", "cannot read weights.pth"),
        ("weights.pth", pickle.dumps(5), "it is no PyTorch file"),
        ("weights.npz", b"<html>", "weights.npz is not a readable"),
        ("weights.safetensors", struct.pack("<Q", 1 << 60) + b"{}", "more than the file's 10"),
        ("weights.safetensors", struct.pack("<Q", 2) + b"[]", "cannot read weights.safetensors"),
        ("weights.h5", b"", r"expected a file of weights named \*.npz, .* found weights.h5"),
    ],
)
def test_damaged_and_other_files_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_weights(tmp_path / name)


def test_files_cut_short_are_refused(tmp_path):
    path = write_legacy(tmp_path / "weights.pth", TREE, legacy_storages())
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match="cannot read"):
        read_weights(path)
    write_zip(path, TREE, {"0": STORAGES["0"]})
    with pytest.raises(ValueError, match="data/1"):
        read_weights(path)


def test_big_endian_files_are_refused(tmp_path):
    for path in (
        write_zip(tmp_path / "zip.pth", TREE, STORAGES, byteorder=b"big"),
        write_legacy(tmp_path / "legacy.pth", TREE, legacy_storages(), little_endian=False),
    ):
        with pytest.raises(ValueError, match="big-endian"):
            read_weights(path)


def safetensors(entries, data=bytes(8)):
    header = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(header)) + header + data


def entry(shape=(2,), offsets=(0, 8), dtype="F32"):
    return {"a": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (safetensors(entry(offsets=(0, 800))), "bytes 0 to 800 of 8"),
        (safetensors(entry(offsets=(-8, 8))), "bytes -8 to 8"),
        (safetensors(entry(offsets=(8, 0))), "bytes 8 to 0"),
        (safetensors(entry(shape=(3,))), r"for a tensor of F32 \[3\]"),
        (safetensors(entry(shape=(-1, -2))), r"for a tensor of F32 \[-1, -2\]"),
        (safetensors(entry(shape=(True, 2))), r"for a tensor of F32 \[True, 2\]"),
        (safetensors(entry(dtype="F8")), "F8"),
        (safetensors(b"[" * 20_000 + b"]" * 20_000), "recursion"),
        (safetensors({"a": 3}), "not subscriptable"),
        (safetensors(b"{\xff}"), "utf-8|Expecting"),
    ],
)
def test_what_a_safetensors_header_claims(tmp_path, content, message):
    (tmp_path / "weights.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=f"cannot read weights.safetensors: .*{message}"):
        read_weights(tmp_path / "weights.safetensors")


@pytest.mark.parametrize("write", [write_zip, write_legacy])
@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (one(shape=(30_000, 30_000), strides=(0, 0)), "would unpack to 3,600.0 MB"),
        (one(shape=(4, 4), strides=(1, 1)), "outside its storage"),
        (one(shape=(5, 3), strides=(0, 1)), "outside its storage"),
        (one(offset=13, shape=(0,), strides=(1,)), "outside its storage"),
        (by_name(**{f"a{i}": tensor("FloatStorage", "0", 0, (3, 4), (4, 1)) for i in range(9)}), "sum of its tensors would unpack"),
        (b"\x80\x02}r\xff\xff\xff\x7f.", "remembers number 2147483647"),
        (b"\x80\x02}p99999999999\n.", "remembers number 99999999999"),
        (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b".", "cannot read"),
        (b"\x80\x02" + b"(" * 50_000 + b"l" * 50_000 + b".", "cannot read|expected tensors by name"),
    ],
)
def test_what_a_pickle_claims(tmp_path, monkeypatch, write, tree, message):
    monkeypatch.setattr(bounded, "FREE", 100)
    monkeypatch.setattr(bounded, "RATIO", 4)
    storages = {"0": STORAGES["0"]} if write is write_zip else {"0": (STORAGES["0"], 12)}
    with pytest.raises(ValueError, match=message):
        read_weights(write(tmp_path / "weights.pth", tree, storages))


def test_a_storage_longer_than_the_file(tmp_path):
    path = write_legacy(tmp_path / "weights.pth", one(), {"0": (STORAGES["0"], 1 << 60)})
    with pytest.raises(ValueError, match="storage 0 has 4611686018427387904 bytes, more than the 48 that are left"):
        read_weights(path)


@pytest.mark.parametrize("member", ["archive/data/0", "archive/data.pkl"])
def test_compressed_storages_are_bounded(tmp_path, monkeypatch, member):
    monkeypatch.setattr(bounded, "FREE", 1 << 20)
    files = {"archive/data.pkl": one(), "archive/data/0": STORAGES["0"]}
    with zipfile.ZipFile(tmp_path / "weights.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content + (bytes(8 << 20) if name == member else b""))
    with pytest.raises(ValueError, match=r"cannot read weights\.pth: .* would unpack to 8\.4 MB or more"):
        read_weights(tmp_path / "weights.pth")


@pytest.mark.parametrize("name", ["weights.pth", "weights.npz", "weights.safetensors"])
def test_pipes_are_not_opened(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match=f"{name} is n.* regular file"):
        read_weights(tmp_path / name)
