import hashlib
from pathlib import Path

import numpy as np
import pytest

from jgan.models.pretrained.download import PUBLISHED, Published, check_tensors, find_weights, load_weights


@pytest.fixture
def released(tmp_path, monkeypatch):
    """A file on a local page, published under the name "tiny", and an empty cache folder."""
    monkeypatch.setenv("JGAN_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "page" / "weights-tiny.npz"
    file.parent.mkdir()
    np.savez(file, a=np.arange(3.0))
    monkeypatch.setitem(PUBLISHED, "tiny", Published((file.as_uri(),), hashlib.sha256(file.read_bytes()).hexdigest()))
    return file


def cached(tmp_path):
    return tmp_path / "cache" / "weights" / "weights-tiny.npz"


def test_download_once_into_the_cache(tmp_path, released):
    assert find_weights("tiny") == cached(tmp_path)
    assert cached(tmp_path).read_bytes() == released.read_bytes()
    released.unlink()
    weights = load_weights("tiny")
    assert weights.arrays["a"].tolist() == [0.0, 1.0, 2.0]
    assert weights.sha256 == PUBLISHED["tiny"].sha256 and weights.source == "weights-tiny.npz"
    assert [p.name for p in cached(tmp_path).parent.iterdir()] == ["weights-tiny.npz"]


def test_second_page_serves_where_the_first_does_not(tmp_path, released, monkeypatch):
    pages = ((tmp_path / "gone" / "old-name.npz").as_uri(), released.as_uri())
    monkeypatch.setitem(PUBLISHED, "tiny", PUBLISHED["tiny"]._replace(urls=pages))
    assert find_weights("tiny") == cached(tmp_path)
    assert find_weights("tiny") == cached(tmp_path)


def test_a_given_file_is_taken_as_it_is(tmp_path, released):
    path = tmp_path / "own.npz"
    np.savez(path, b=np.zeros(2))
    weights = load_weights("tiny", path)
    assert weights.arrays.keys() == {"b"} and weights.source == "own.npz"
    assert weights.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert find_weights("tiny", str(path)) == path
    assert not cached(tmp_path).exists()


def test_without_the_page_the_message_says_what_to_bring_where(tmp_path, released):
    released.unlink()
    with pytest.raises(OSError, match="could not be downloaded") as raised:
        find_weights("tiny")
    for part in (f"Bring the file {released.as_uri()}", f"put it at {cached(tmp_path)}"):
        assert part in str(raised.value)


def test_other_bytes_are_not_kept(tmp_path, released):
    released.write_bytes(b"<html>please log in</html>")
    with pytest.raises(OSError, match="to have sha256"):
        find_weights("tiny")
    assert list(cached(tmp_path).parent.iterdir()) == []


def test_a_damaged_copy_is_refused(tmp_path, released):
    cached(tmp_path).parent.mkdir(parents=True)
    cached(tmp_path).write_bytes(released.read_bytes()[:-1])
    with pytest.raises(ValueError, match=f"expected {cached(tmp_path)} to have sha256 .* replace it"):
        find_weights("tiny")


def test_a_path_without_a_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="found no file .*absent.pth: .* published as https://.*6726825d.pth"):
        find_weights("inception-2015-12-05", tmp_path / "absent.pth")


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="'inception-2015-12-05', .* found 'inception'"):
        find_weights("inception")


def test_cache_folder_is_that_of_the_user_unless_another_is_named(tmp_path, released, monkeypatch):
    monkeypatch.delenv("JGAN_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_weights("tiny") == Path(tmp_path) / ".cache" / "jgan" / "weights" / "weights-tiny.npz"


def test_hashes_fit_the_digits_in_the_published_names():
    assert all(len(published.sha256) == 64 for published in PUBLISHED.values())
    for name in ("inception-2015-12-05", "vgg16", "squeezenet-1.1"):
        assert all(url.endswith(f"-{PUBLISHED[name].sha256[:8]}.pth") for url in PUBLISHED[name].urls)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(3)}, r"a tensor 'b' of shape \(2, 2\), found none among 1 \(a, ...\)"),
        ({"a": np.zeros(3), "b": np.zeros((2, 3))}, r"the tensor 'b' to be of shape \(2, 2\), found \(2, 3\)"),
        ({}, "a tensor 'a' .* found none among 0"),
    ],
)
def test_first_tensor_that_is_wrong_is_named(arrays, message):
    with pytest.raises(ValueError, match=message):
        check_tensors(arrays, {"a": (3,), "b": (2, 2)})


def test_tensors_that_nobody_needs_do_no_harm():
    check_tensors({"a": np.zeros(3), "b": np.zeros((2, 2)), "c": np.zeros(1)}, {"a": (3,), "b": (2, 2)})
