import os
import resource
import zipfile

import numpy as np
import pytest

from jgan import bounded

ARRAY = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def npy(descr="'|u1'", shape="(4, 8, 8)", fortran="False", data=bytes(256), start=b"\x93NUMPY\x01\x00", end="}"):
    text = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, {end}".encode()
    return start + len(text).to_bytes(2, "little") + text + data


def write(path, method=zipfile.ZIP_DEFLATED, **members):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("array", [ARRAY, ARRAY.T, np.asfortranarray(ARRAY), np.float64(3.5), ARRAY[:0], ARRAY > 5, np.array(["a", "bc"])])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_those_that_were_saved(tmp_path, array, save):
    save(tmp_path / "a.npz", some=array, other=ARRAY)
    found = bounded.read_npz(tmp_path / "a.npz", ["some"])
    assert bounded.npz_names(tmp_path / "a.npz") == ["some", "other"] and found.keys() == {"some"}
    np.testing.assert_array_equal(found["some"], array)
    assert found["some"].dtype == np.asarray(array).dtype and found["some"].flags.writeable


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (npy(shape="(100000000000, 8, 8, 3)"), r"claims 19200000000000 bytes of uint8 \[100000000000, 8, 8, 3\], found 256"),
        (npy(shape="(1, 8, 8)"), "claims 64 bytes"),
        (npy(shape="(-4, 8, 8)"), "expected whole numbers"),
        (npy(shape="(True, 8, 32)"), "expected whole numbers"),
        (npy(shape="4"), "shape is not valid"),
        (npy(shape="(4, 8, 8", end=""), "EOF in multi-line|Cannot parse header"),
        (npy(descr="'|O'"), "Python objects are never read"),
        (npy(descr="'|S0'"), "expected numbers"),
        (npy(start=b"\x93NUMPX\x01\x00"), "magic string"),
        (npy(start=b"\x93NUMPY\x03\x00"), r"version \(3, 0\)"),
        (b"\x80\x02]q\x00X\x01\x00\x00\x00a.", "magic string"),
        (b"text", "magic string"),
        (b"", "magic string"),
    ],
)
def test_members_that_are_no_whole_array(tmp_path, member, message):
    path = write(tmp_path / "a.npz", **{"images.npy": member})
    with pytest.raises(ValueError, match=rf"a\.npz is not a readable \.npz file: .*({message})"):
        bounded.read_npz(path)


def damaged(data, kind):
    data, place = bytearray(data), data.index(b"\x93NUMPY") if b"\x93NUMPY" in data else 40
    listed = data.index(b"PK\x01\x02")
    changes = {
        "cut": slice(len(data) // 2, None),
        "local header": slice(0, 4),
        "contents": slice(place + 140, place + 150),
        "flags": slice(listed + 8, listed + 9),
        "method": slice(listed + 10, listed + 11),
        "place": slice(listed + 42, listed + 46),
    }
    values = {"cut": b"", "flags": b"\x41", "method": b"\x63"}
    data[changes[kind]] = values.get(kind, b"\xfe" * (changes[kind].stop - changes[kind].start if kind != "cut" else 0))
    return bytes(data)


@pytest.mark.parametrize("kind", ["cut", "local header", "contents", "flags", "method", "place"])
def test_damaged_zips(tmp_path, kind):
    np.savez(tmp_path / "a.npz", images=np.arange(256, dtype=np.uint8))
    (tmp_path / "a.npz").write_bytes(damaged((tmp_path / "a.npz").read_bytes(), kind))
    with pytest.raises(ValueError, match=r"a\.npz is not a readable \.npz file"):
        bounded.read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_compression_that_numpy_does_not_write(tmp_path, method):
    with pytest.raises(ValueError, match=f"compressed by method {method}, expected none or deflate"):
        bounded.read_npz(write(tmp_path / "a.npz", method, **{"images.npy": npy()}))


def test_bombs_are_refused_before_memory_is_taken(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open("a.npy", "w") as file:
        file.write(npy(shape=f"({30 << 20},)", data=b""))
        for _ in range(30):
            file.write(bytes(1 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=r"a\.npz .*would unpack to 31\.5 MB or more: expected at most 10\.0 MB.*--max-unpacked"):
        bounded.read_npz(path, max_unpacked=10_000_000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_the_limit_grows_with_the_file_up_to_half_of_the_memory(monkeypatch):
    monkeypatch.setattr(bounded, "memory", lambda: 8 << 30)
    assert [bounded.allowed(packed) for packed in (0, 1 << 20, 1 << 40)] == [128 << 20, 228 << 20, 4 << 30]
    assert bounded.allowed(1 << 40, max_unpacked=5) == 5
    bounded.check("a", 5, 0, 5)
    with pytest.raises(ValueError, match="a would unpack to"):
        bounded.check("a", 6, 0, 5)


def test_the_memory_is_the_least_that_something_allows(tmp_path, monkeypatch):
    (tmp_path / "group").write_text("123456\n")
    (tmp_path / "open").write_text("max\n")
    monkeypatch.setattr(bounded, "CGROUP", (tmp_path / "absent", tmp_path / "open"))
    assert bounded.memory.__wrapped__() > 1 << 28
    monkeypatch.setattr(bounded, "CGROUP", (tmp_path / "group",))
    assert bounded.memory.__wrapped__() == 123456


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    with bounded.open_regular(tmp_path / "link") as file:
        assert file.read() == b"x"
    for path in (tmp_path / "pipe", tmp_path, "/dev/zero"):
        with pytest.raises(ValueError, match="is no regular file"):
            bounded.open_regular(path)
    with pytest.raises(FileNotFoundError):
        bounded.open_regular(tmp_path / "nothing")
