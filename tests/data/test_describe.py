import pytest
from tests.data.colours import as_folder, as_zip, picture, some

from jgan.data import open_domains, open_pairs, open_source
from jgan.data.captions import open_captions
from jgan.data.describe import describe
from jgan.data.texts import open_texts

FILES = some("train/red", "red", 3) | some("train/blue", "blue", 2) | some("val/red", "red", 1)


def described(source, path, **settings):
    return [line.replace(str(path), "SET") for line in describe(source, **settings)]


def test_a_set_with_classes_and_splits(tmp_path):
    path = as_zip(tmp_path, FILES | {"train/red/9.png": b"none", "cover.png": picture("green")})
    with pytest.warns(UserWarning, match="left out"):
        source = open_source(path, labels=True, channels=1)
    assert described(source, path) == [
        "SET: 5 images, 4 x 4, 1 channel (stored as 4 x 4, 3 channels); splits: train (6), val (1)",
        "2 classes: 0 blue (2), 1 red (3)",
        "left out: 2, cover.png (beside the folders of splits), train/red/9.png (not a readable PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF"
        " image: it begins with b'none')",
    ]


def test_no_classes_and_many_sizes(tmp_path):
    path = as_folder(tmp_path, {"a.png": picture("red"), "b.png": picture("red", "blue")})
    assert described(open_source(path, resolution=4), path) == [
        "SET: 2 images, 4 x 4, 3 channels (stored as 2 shapes from 4 x 4 to 4 x 8, 3 channels)",
        "no classes",
        "left out: nothing",
    ]


def test_pairs_and_domains(tmp_path):
    path = as_folder(tmp_path, some("trainA", "red", 3) | some("trainB", "blue", 3))
    of_pairs = ["SET: 3 examples, 4 x 4, 3 channels; splits: train (6)", "no classes", "left out: nothing"]
    assert described(open_pairs(path), path) == of_pairs
    of_domains = [f"SET/train{domain}: 3 images, 4 x 4, 3 channels" for domain in "AB"]
    assert described(open_domains(path), path) == [*of_domains, "no classes", "left out: nothing"]


def test_long_lists_are_cut(tmp_path):
    path = as_folder(tmp_path, {f"{number}/0.png": picture("red") for number in range(12)})
    source = open_source(path, labels=True)
    assert described(source, path, few=2)[1] == "12 classes: 0 0 (1), 1 1 (1), ..."
    assert described(source, path, few=None)[1].endswith(", 11 11 (1)")


def test_vocabularies():
    assert describe(open_texts("shapes", limit=5))[:2] == ["shapes: 5 examples", "tokens: up to 10 words, 24 different ones"]
    lines = describe(open_captions("shapes", resolution=16, limit=5))
    assert lines[:2] == [
        "shapes: 5 images, 16 x 16, 3 channels (stored as 32 x 32, 3 channels)",
        "caption: up to 10 words, 24 different ones",
    ]
