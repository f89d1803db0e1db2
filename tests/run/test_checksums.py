import pytest

from jgan.run.checksums import FILE, find_damage, write_checksums


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("a/one", "two", "last"):
        (tmp_path / name).write_bytes(b"content of " + name.encode())
    write_checksums(tmp_path, except_for=("last",))
    return tmp_path


def test_no_damage(folder, tmp_path_factory):
    (folder / "last").write_text("changed")
    assert find_damage(folder) is None
    assert find_damage(tmp_path_factory.mktemp("none")) is None


@pytest.mark.parametrize("name", ["a/one", "two"])
@pytest.mark.parametrize("byte", [0, 5, -1])
def test_one_bit(folder, name, byte):
    content = bytearray((folder / name).read_bytes())
    content[byte] ^= 4
    (folder / name).write_bytes(content)
    assert find_damage(folder) == f"{name} has changed since it was written"
    assert (find_damage(folder, only="two") is None) == (name != "two")


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"3", b"\xff", b'{"two": 1}', b'{"gone": "x"}', b'{"../": 1}'])
def test_damaged_checksums(folder, content):
    (folder / FILE).write_bytes(content)
    assert find_damage(folder) is not None


def test_a_file_that_is_gone(folder):
    (folder / "two").unlink()
    assert "FileNotFoundError" in find_damage(folder)
