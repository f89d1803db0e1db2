"""Labels in arrays, as `open_source` reads them."""

import gzip

import numpy as np
import pytest
from tests.data.colours import COLOURS, seen

from jgan.data import labels as labels_of
from jgan.data import open_source

NAMES = ("red", "green", "blue")
IMAGES = np.stack([np.full((4, 4, 3), COLOURS[name], np.uint8) for name in NAMES])
ONE_HOT = np.eye(3)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array([1, 2, 3]), ("1", "2", "3")),
        (np.array([0, 5, 9], np.uint8), ("0", "5", "9")),
        (np.array([0, 1, 2**40]), ("0", "1", str(2**40))),
        (np.array([0, 1, 2**64 - 1], np.uint64), ("0", "1", str(2**64 - 1))),
        (np.array([0.0, 1.0, 20240131.0]), ("0", "1", "20240131")),
        (np.array([[3], [4], [5]]), ("3", "4", "5")),
        (np.array(["red", "green", "blue"]), ("blue", "green", "red")),
        (np.array([b"2", b"10", b"30"]), ("2", "10", "30")),
        (ONE_HOT, ("0", "1", "2")),
        (ONE_HOT.astype(bool), ("0", "1", "2")),
        (np.array([False, True, True]), ("0", "1")),
    ],
    ids=lambda value: value.dtype.name + str(value.shape) if isinstance(value, np.ndarray) else "",
)
def test_classes_are_those_that_occur(tmp_path, labels, classes):
    np.savez(tmp_path / "set.npz", images=IMAGES, labels=labels)
    source = open_source(tmp_path / "set.npz", labels=True)
    assert source.names["label"] == classes and set(source.columns["label"].tolist()) == set(range(len(classes)))
    for index, label in enumerate(labels.argmax(1) if labels.shape == (3, 3) else labels.reshape(3).tolist()):
        name = label.decode() if isinstance(label, bytes) else label if isinstance(label, str) else str(int(label))
        assert source.names["label"][source.columns["label"][index]] == name


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array(3), r"int64 \[\]: expected 3 integers or names"),
        (np.array([0, 1]), r"int64 \[2\]: expected 3 integers or names"),
        (np.array([0, 1, -2]), "reach from -2 to 1: expected numbers from 0"),
        (np.array([0.5, 1, 2]), r"float64 \[3\]: expected integers"),
        (np.array([np.nan, 1, 2]), r"float64 \[3\]: expected integers"),
        (np.array([np.inf, 1, 2]), r"float64 \[3\]: expected integers"),
        (np.array([1j, 1, 2]), r"complex128 \[3\]: expected integers"),
        (np.ones((3, 3)), r"float64 \[3, 3\]: expected integers"),
        (np.zeros((3, 2, 2), int), r"int64 \[3, 2, 2\]: expected integers"),
        (np.zeros((0,), int), r"int64 \[0\]: expected 3 integers"),
    ],
)
def test_labels_that_are_none(tmp_path, labels, message):
    np.savez(tmp_path / "set.npz", images=IMAGES, labels=labels)
    with pytest.raises(ValueError, match=f"labels of .*set.npz .*{message}"):
        open_source(tmp_path / "set.npz", labels=True)
    with pytest.warns(UserWarning, match="is opened without labels: labels of .*set.npz"):
        assert open_source(tmp_path / "set.npz", labels=None).columns == {}
    assert open_source(tmp_path / "set.npz").size == 3


def test_a_number_means_the_same_in_all_splits_of_an_npz(tmp_path):
    arrays = {"x_train": IMAGES, "y_train": np.array([0, 5, 9]), "X_test": IMAGES[1:], "Y_test": np.array([5, 9])}
    np.savez(tmp_path / "set.npz", **arrays)
    for split, expected in {"train": {"0, red": 1, "5, green": 1, "9, blue": 1}, "testing": {"5, green": 1, "9, blue": 1}}.items():
        source = open_source(tmp_path / "set.npz", labels=True, split=split)
        assert seen(source) == expected and source.names["label"] == ("0", "5", "9")


@pytest.mark.parametrize("name", ["x_val", "x_valid", "val_images", "Validation_images"])
def test_validation_in_an_npz(tmp_path, name):
    np.savez(tmp_path / "set.npz", x_train=IMAGES, **{name: IMAGES[:1]})
    assert [open_source(tmp_path / "set.npz", split=split).size for split in ("train", "val", "validation")] == [3, 1, 1]
    with pytest.raises(ValueError, match="no images for split 'test'"):
        open_source(tmp_path / "set.npz", split="test")


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape) + array.tobytes()


def test_idx(tmp_path):
    for split, labels in {"train": [1, 2, 3], "t10k": [9, 3, 1]}.items():
        (tmp_path / f"{split}-images-idx3-ubyte").write_bytes(idx(IMAGES[..., 0]))
        (tmp_path / f"{split}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array(labels, np.uint8))))
    with pytest.warns(UserWarning, match=r"without images to train on: 3 \(9\)"):
        train = open_source(tmp_path, labels=True)
    test = open_source(tmp_path, labels=True, split="test")
    assert train.names == test.names == {"label": ("1", "2", "3", "9")}
    assert train.columns["label"].tolist() == [0, 1, 2] and test.columns["label"].tolist() == [3, 2, 0]
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array(7, np.uint8))))
    with pytest.raises(ValueError, match=r"labels of .*train-labels-idx1-ubyte\.gz are uint8 \[\]"):
        open_source(tmp_path, labels=True)
    assert open_source(tmp_path).size == 3


def test_labels_of_many_bytes_are_read_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(labels_of, "PART", 3)
    arrays = {"x_train": IMAGES, "y_train": np.array([0, 5, 9]), "x_test": IMAGES, "y_test": np.array([7, 5, 5, 0, 2, 9, 7])}
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.warns(UserWarning, match=r"without images to train on: 1 \(2\), 3 \(7\)"):
        assert open_source(tmp_path / "set.npz", labels=True).names["label"] == ("0", "2", "5", "7", "9")
