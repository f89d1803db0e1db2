"""Classes in folders within folders, and pairs of one class."""

import numpy as np
import pytest
from PIL import Image

from jgan.data.classmates import classmates, open_nested, rows_of

COUNTS = {"greek/a": 3, "greek/b": 1, "latin/a": 4}


@pytest.fixture
def letters(tmp_path):
    """Images whose grey level is their number."""
    number = 0
    for folder, count in COUNTS.items():
        (tmp_path / "letters" / folder).mkdir(parents=True)
        for place in range(count):
            Image.new("L", (16, 16), number).save(tmp_path / "letters" / folder / f"{place}.png")
            number += 1
    return open_nested(tmp_path)


def test_classes_are_named_by_all_folders(letters):
    assert letters.names["label"] == ("greek/a", "greek/b", "latin/a")
    assert np.bincount(letters.columns["label"]).tolist() == list(COUNTS.values())


@pytest.mark.parametrize(("groups", "count"), [(["greek"], 4), (["latin/a"], 4), (["greek/a", "latin"], 7)])
def test_groups(letters, groups, count):
    assert rows_of(letters, groups).sum() == count


def test_an_unknown_group(letters):
    with pytest.raises(ValueError, match="such as greek, latin, found gree"):
        rows_of(letters, ["gree"])


@pytest.mark.parametrize(("partners", "expected"), [(1, 3 + 4), (2, 6 + 8), (9, 6 + 12)])
def test_pairs_are_different_images_of_one_class(letters, partners, expected):
    pairs = classmates(letters, partners)
    found = [tuple(int(pairs.read(i)[name][0, 0, 0]) for name in ("input", "target")) for i in range(pairs.size)]
    assert len(set(found)) == len(found) == expected
    label = letters.columns["label"]
    assert all(a != b and label[a] == label[b] == pairs.read(i)["label"] for i, (a, b) in enumerate(found))
    assert {a for a, _ in found} == {b for _, b in found} == set(range(8)) - {3}


def test_no_pair(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("L", (16, 16)).save(tmp_path / name / "0.png")
    with pytest.raises(ValueError, match="expected classes of two images or more"):
        classmates(open_nested(tmp_path), 2)
