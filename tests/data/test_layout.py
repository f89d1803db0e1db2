"""Folders of splits and classes, strays, and files of operating systems, as `open_source` reads them."""

import pytest
from tests.data.colours import as_folder, as_zip, picture, seen, some

from jgan.data import open_source
from jgan.data.layout import canonical_split, clean, is_of_a_system

CLASSES = ("blue", "green", "red")
OF_EACH = {"blue, blue": 4, "green, green": 4, "red, red": 4}


def classes(prefix="", count=4):
    return {name: content for colour in CLASSES for name, content in some(f"{prefix}{colour}", colour, count).items()}


@pytest.fixture(params=[as_folder, as_zip])
def made(request, tmp_path):
    return lambda files: request.param(tmp_path, files)


@pytest.mark.parametrize(
    "folders",
    [
        ("train", "val"),
        ("Train", "Test"),
        ("training", "testing"),
        ("TRAIN", "TEST"),
        ("Training", "Validation"),
        ("train", "valid"),
        ("train2017", "val2017"),
        ("set/train", "set/val"),
        ("a/b/train", "a/b/test"),
    ],
    ids="+".join,
)
def test_splits_are_no_classes(made, folders):
    path = made(classes(f"{folders[0]}/") | classes(f"{folders[1]}/", 3))
    train, other = (open_source(path, labels=True, split=folder.split("/")[-1]) for folder in folders)
    assert train.names == other.names == {"label": CLASSES}
    assert seen(train) == OF_EACH and seen(other) == dict.fromkeys(OF_EACH, 3)
    assert seen(open_source(path, labels=True)) == OF_EACH
    assert open_source(path).size == 12


def test_three_splits(tmp_path):
    path = as_zip(tmp_path, classes("train/") | classes("valid/", 3) | classes("test/", 2))
    sizes = {split: open_source(path, split=split, labels=True).size for split in ("train", "training", "val", "Validation", "TEST")}
    assert sizes == {"train": 12, "training": 12, "val": 9, "Validation": 9, "TEST": 6}
    assert open_source(path).origin.splits == {"train": 12, "val": 9, "test": 6}
    with pytest.raises(ValueError, match="has no split 'extra': expected one of those there are, 'train', 'val', 'test'"):
        open_source(path, split="extra")


def test_splits_without_classes(made):
    path = made(some("train", "red", 4) | some("val", "blue", 2))
    assert seen(open_source(path, labels=None)) == {"red": 4} and seen(open_source(path, split="val")) == {"blue": 2}
    with pytest.raises(ValueError, match="has no labels"):
        open_source(path, labels=True)


def test_splits_below_classes(made):
    path = made({name: c for top in CLASSES for name, c in (some(f"{top}/train", top, 4) | some(f"{top}/test", top, 1)).items()})
    assert seen(open_source(path, labels=True)) == OF_EACH
    assert seen(open_source(path, labels=True, split="test")) == dict.fromkeys(OF_EACH, 1)


def test_domains_are_classes_of_their_split(made):
    path = made(some("set/trainA", "red", 3) | some("set/trainB", "blue", 2) | some("set/testA", "red", 1) | some("set/testB", "blue", 1))
    assert seen(open_source(path, labels=True)) == {"A, red": 3, "B, blue": 2}
    assert seen(open_source(path, labels=True, split="test")) == {"A, red": 1, "B, blue": 1}


def test_nothing_is_trained_on_that_is_no_training_split(made):
    path = made(some("test", "red", 2))
    with pytest.raises(ValueError, match="has no split 'train': expected one of those there are, 'test'"):
        open_source(path)
    assert open_source(path, split="test").size == 2
    path = made(some("test", "yellow", 2) | classes())
    with (
        pytest.warns(UserWarning, match="12 of 14 images are beside the folders of splits and left out, first blue/0.png"),
        pytest.raises(ValueError, match="has no split 'train'"),
    ):
        open_source(path)


def test_pictures_of_trains_are_a_class(made):
    path = made(some("bus", "red", 2) | some("train", "blue", 2))
    with pytest.warns(UserWarning, match="train is read as a class, as the folders beside it"):
        assert seen(open_source(path, labels=True)) == {"bus, red": 2, "train, blue": 2}


def test_classes_are_not_looked_for_at_any_depth(tmp_path):
    files = {f"{'a/' * 5000}{colour}/0.png": picture(colour) for colour in ("red", "blue")}
    with pytest.raises(ValueError, match="has no labels"):
        open_source(as_zip(tmp_path, files), labels=True)


def test_a_split_beside_other_folders(made):
    path = made(classes("train/") | some("extra/a", "black", 2))
    with pytest.warns(UserWarning, match="2 of 14 images are beside the folders of splits and left out, first extra/a/0.png"):
        source = open_source(path, labels=True)
    assert seen(source) == OF_EACH and [reason for _, reason in source.skipped] == ["beside the folders of splits"] * 2


def test_a_test_without_classes(tmp_path):
    path = as_folder(tmp_path, classes("train/") | {f"test/{number}.png": picture("red") for number in range(3)})
    assert seen(open_source(path, labels=True)) == OF_EACH
    assert seen(open_source(path, labels=None, split="test")) == {"red": 3}
    with pytest.raises(ValueError, match="has no labels"):
        open_source(path, labels=True, split="test")


def test_accents_composed_or_not(made):
    path = made(classes("train/") | {"train/\u00e9/0.png": picture("red"), "test/e\u0301/0.png": picture("red")})
    train, test = (open_source(path, labels=True, split=split) for split in ("train", "test"))
    assert train.names == test.names and train.names["label"][test.columns["label"][0]] == "\u00e9"


def test_the_built_in_set_takes_names_of_splits_as_others_do():
    first, again = (open_source("shapes", split=split, limit=1).read(0)["image"] for split in ("Testing", "test"))
    assert first.tolist() == again.tolist()


def test_no_splits(tmp_path):
    with pytest.raises(ValueError, match="has no split 'val': it has no folders train, val or test"):
        open_source(as_folder(tmp_path, classes()), split="val")


def test_classes_of_all_splits_have_the_same_numbers(tmp_path):
    path = as_folder(tmp_path, classes("train/") | some("test/red", "red", 1) | some("test/yellow", "yellow", 1))
    with pytest.warns(UserWarning, match=r"has classes without images to train on: 3 \(yellow\)"):
        train = open_source(path, labels=True)
    test = open_source(path, labels=True, split="test")
    assert train.names == test.names == {"label": (*CLASSES, "yellow")} and test.columns["label"].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("names", "expected"),
    [(("1", "2", "10"), ("1", "2", "10")), (("0.5", "-1", "10"), ("-1", "0.5", "10")), (("b2", "b10", "b1"), ("b1", "b10", "b2"))],
)
def test_folders_that_are_numbers_are_in_their_order(made, names, expected):
    path = made({name: c for folder, colour in zip(names, CLASSES, strict=True) for name, c in some(folder, colour, 1).items()})
    source = open_source(path, labels=True)
    assert source.names["label"] == expected
    assert seen(source) == {f"{name}, {colour}": 1 for name, colour in zip(names, CLASSES, strict=True)}


@pytest.mark.parametrize("top", ["", "set/"])
def test_a_picture_beside_classes(made, top):
    path = made(classes(top) | {f"{top}cover.png": picture("yellow")})
    with pytest.warns(UserWarning, match=r"1 of 13 files are in no folder of a class, first .*cover\.png; they are left out"):
        source = open_source(path, labels=True)
    assert seen(source) == OF_EACH and source.skipped[0][0].endswith("cover.png")
    with pytest.warns(UserWarning, match=r"is opened without labels: 1 of 13 .*cover\.png"):
        assert seen(open_source(path, labels=None)) == {"blue": 4, "green": 4, "red": 4, "yellow": 1}
    assert open_source(path).size == 13


def test_a_folder_without_pictures(tmp_path):
    path = as_folder(tmp_path, classes() | {"yellow/notes.txt": b"none yet"})
    with pytest.warns(UserWarning, match="no images in the folders yellow, which are no classes"):
        assert open_source(path, labels=True).names["label"] == CLASSES


def test_a_class_of_which_nothing_can_be_read(tmp_path):
    path = as_folder(tmp_path, classes() | {"yellow/0.png": b"none"})
    with pytest.warns(UserWarning, match="1 of 13 files left out"), pytest.warns(UserWarning, match=r"to train on: 3 \(yellow\)"):
        open_source(path, labels=True)


SYSTEM = ["@eaDir/0.png/THUMB.jpg", "$RECYCLE.BIN/1.png", ".ipynb_checkpoints/0-checkpoint.png", "._0.png", "lost+found/1.png"]


@pytest.mark.parametrize("name", [*SYSTEM, "__MACOSX/red/._0.png", "#recycle/1.png", "Thumbs.db", ".Trash-1000/files/1.png"])
def test_files_of_systems_are_no_pictures(made, name):
    files = some("set/red", "red", 3) | some("set/green", "green", 3)
    files |= {f"{folder}{name}": picture("blue") for folder in ("", "set/", "set/red/", "set/red/deep/")}
    assert seen(open_source(made(files), labels=True)) == {"green, green": 3, "red, red": 3}


@pytest.mark.parametrize("spelling", [".\\{}\\{}.png", "{}\\{}.png", "./{}/{}.png", "/{}/{}.png", "{}//./{}.png"])
def test_spellings_of_paths(tmp_path, spelling):
    path = as_zip(tmp_path, {spelling.format(colour, number): picture(colour) for colour in CLASSES for number in range(4)})
    assert seen(open_source(path, labels=True)) == OF_EACH
    assert seen(open_source(path / "red")) == {"red": 4}


def test_names():
    assert [canonical_split(name) for name in ("train", "Testing", "VALID", "trainB", "training_set", "contest")] == [
        *("train", "test", "val", "train", "train", None)
    ]
    assert clean("a\\.\\b.png") == "a/b.png"
    assert is_of_a_system("a/@EADIR/b.png") and not is_of_a_system("a/b@c.png")
