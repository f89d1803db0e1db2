"""dataset.json, as `open_source` reads it."""

import json

import pytest
from tests.data.colours import as_folder, as_zip, picture, seen

from jgan.data import listing as listings
from jgan.data import open_source

COLOURS = ("blue", "red", "green")
FILES = {f"0000{number // 4}/img{number:08d}.png": picture(COLOURS[number % 3]) for number in range(12)}
RIGHT = {"0, blue": 4, "1, red": 4, "2, green": 4}
WITHOUT = {"blue": 4, "red": 4, "green": 4}


def listing(labels=(0, 1, 2), names=FILES):
    return json.dumps({"labels": [[name, labels[number % 3]] for number, name in enumerate(names)]}).encode()


def below(folder, files):
    return {f"{folder}/{name}": content for name, content in files.items()}


@pytest.mark.parametrize("made", [as_folder, as_zip])
@pytest.mark.parametrize("folder", ["mydata", "a/b/c"])
def test_below_a_top_folder(tmp_path, made, folder):
    files = below(folder, FILES | {"dataset.json": listing()})
    system = {"__MACOSX/mydata/._img00000000.png": b"", f"{folder}/.DS_Store": b"", "__MACOSX/._dataset.json": b"x"}
    path = made(tmp_path, files | system)
    for spec in (path, path / folder):
        assert seen(open_source(spec, labels=True)) == RIGHT


def test_in_each_split(tmp_path):
    split = {f"{number}.png": picture(COLOURS[number % 2]) for number in range(6)}
    split |= {"dataset.json": json.dumps({"labels": [[name, number % 2] for number, name in enumerate(split)]}).encode()}
    path = as_zip(tmp_path, below("train", split) | below("test", split))
    for source in (open_source(path, labels=True), open_source(path, labels=True, split="test"), open_source(path / "train", labels=True)):
        assert seen(source) == {"0, blue": 3, "1, red": 3} and source.names["label"] == ("0", "1")


def test_one_for_all_splits_and_a_folder_inside(tmp_path):
    files = below("train", FILES) | {"test/0.png": picture("yellow")}
    labels = [[name, number % 3] for number, name in enumerate(files)]
    labels[-1][1] = 7
    path = as_zip(tmp_path, files | {"dataset.json": json.dumps({"labels": labels}).encode()})
    with pytest.warns(UserWarning, match=r"without images to train on: 3 \(7\)"):
        train = open_source(path, labels=True)
    assert seen(train) == RIGHT and train.names["label"] == ("0", "1", "2", "7")
    assert open_source(path, labels=True, split="test").columns["label"].tolist() == [3]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ((0, 1, 2), ("0", "1", "2")),
        ((0.0, 1.0, 2.0), ("0", "1", "2")),
        (([1, 0, 0], [0, 1, 0], [0, 0, 1]), ("0", "1", "2")),
        (([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]), ("0", "1", "2")),
        ((1, 2, 3), ("1", "2", "3")),
        ((0, 1, 907), ("0", "1", "907")),
        ((0, 2, 10**20), ("0", "2", str(10**20))),
        (("2", "10", "30"), ("2", "10", "30")),
        (("blue", "red", "green"), ("blue", "green", "red")),
    ],
)
def test_what_a_label_may_be(tmp_path, labels, classes):
    path = as_zip(tmp_path, FILES | {"dataset.json": listing(labels)})
    source = open_source(path, labels=True)
    assert source.names["label"] == classes and source.columns["label"].max() == 2
    names = [str(label.index(1)) if isinstance(label, list) else str(label).removesuffix(".0") for label in labels]
    assert seen(source) == {f"{name}, {colour}": 4 for name, colour in zip(names, COLOURS, strict=True)}
    assert seen(open_source(path)) == WITHOUT


@pytest.mark.parametrize("label", [[0.1, 2.0], [0, 0], [1, 1], [3], [], "", None, {"a": 1}, -1, 0.5, float("nan"), float("inf")], ids=str)
def test_what_a_label_may_not_be(tmp_path, label):
    path = as_zip(tmp_path, FILES | {"dataset.json": listing((0, 1, label))})
    message = r"label of 00000/img00000002\.png in .*set\.zip/dataset\.json is .*: expected a class as a number from 0, a name or a one-hot"
    with pytest.raises(ValueError, match=message):
        open_source(path, labels=True)
    with pytest.warns(UserWarning, match="set.zip is opened without labels: the label of"):
        assert open_source(path, labels=None).columns == {}
    assert seen(open_source(path)) == WITHOUT


@pytest.mark.parametrize("spelling", [lambda name: name.replace("/", "\\"), lambda name: "./" + name, lambda name: "/" + name])
def test_spellings_of_paths(tmp_path, spelling):
    path = as_zip(tmp_path, FILES | {"dataset.json": listing(names=map(spelling, FILES))})
    assert seen(open_source(path, labels=True)) == RIGHT


@pytest.mark.parametrize(("stored", "listed"), [("e\u0301", "\u00e9"), ("\u00e9", "e\u0301")])
def test_accents_composed_or_not(tmp_path, stored, listed):
    files = {f"{stored}{number}.png": picture(COLOURS[number % 2]) for number in range(4)}
    labels = json.dumps({"labels": [[f"{listed}{number}.png", number % 2] for number in range(4)]}).encode()
    assert seen(open_source(as_zip(tmp_path, files | {"dataset.json": labels}), labels=True)) == {"0, blue": 2, "1, red": 2}


def test_a_picture_that_is_not_listed(tmp_path):
    path = as_zip(tmp_path, {"00000/more.png": picture("red")} | FILES | {"dataset.json": listing()})
    with pytest.raises(ValueError, match=r"00000/more\.png is not listed in .*set\.zip/dataset\.json") as error:
        open_source(path, labels=True)
    assert "None" not in str(error.value)
    with pytest.warns(UserWarning, match=r"is opened without labels: 00000/more\.png is not listed"):
        assert open_source(path, labels=None).size == 13
    assert open_source(path).size == 13


def test_a_listed_file_that_is_not_there(tmp_path):
    path = as_zip(tmp_path, FILES | {"dataset.json": listing((0, 1, 2)).replace(b"]]", b'], ["gone.png", 7]]')})
    with pytest.warns(UserWarning, match=r"set\.zip/dataset\.json lists 1 of 13 pictures that are not there, first gone\.png"):
        assert seen(open_source(path, labels=True)) == RIGHT
    assert open_source(path).size == 12


def test_lists_that_say_there_are_no_labels(tmp_path):
    path = as_zip(tmp_path, FILES | {"dataset.json": b'{"labels": null}'})
    assert open_source(path, labels=None).columns == {}
    with pytest.raises(ValueError, match="has no labels: .*--no-conditional"):
        open_source(path, labels=True)


MALFORMED = {
    "list": b'[["a.png", 0]]',
    "null": b"null",
    "number": b"1",
    "text": b'"x"',
    "empty": b"",
    "cut off": listing()[:-20],
    "a comma too many": b'{"labels": [["a.png", 0],]}',
    "labels are a number": b'{"labels": 1}',
    "labels are a text": b'{"labels": "abc"}',
    "numbers": b'{"labels": [1, 2]}',
    "one item": b'{"labels": [["a.png"]]}',
    "three items": b'{"labels": [["a.png", 0, 1]]}',
    "a name that is a list": b'{"labels": [[["a.png"], 0]]}',
    "no labels": b'{"classes": {}}',
    "not UTF-8": b'{"labels": [["\xff\xfe.png", 1]]}',
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "5,000 digits": b'{"labels": [["a.png", ' + b"9" * 5000 + b"]]}",
    "two labels": b'{"labels": [["a.png", 0], ["./a.png", 1]]}',
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_malformed_lists(tmp_path, content):
    path = as_zip(tmp_path, {"a.png": picture("red"), "b.png": picture("blue"), "dataset.json": content})
    with pytest.raises(ValueError, match=r"set\.zip/dataset\.json (is no JSON|holds|has|lists)") as error:
        open_source(path, labels=True)
    assert len(str(error.value)) < 400 + len(str(path))
    with pytest.warns(UserWarning, match=r"is opened without labels: .*dataset\.json"):
        assert open_source(path, labels=None).size == 2
    assert seen(open_source(path)) == {"red": 1, "blue": 1}


def test_a_list_is_read_within_bounds(tmp_path):
    path = as_zip(tmp_path, FILES | {"dataset.json": listing() + b" " * 5000})
    assert open_source(path, max_unpacked=5000).size == 12
    with pytest.raises(ValueError, match=r"dataset\.json would unpack to 0\.0 MB or more"):
        open_source(path, labels=True, max_unpacked=5000)


def test_pictures_without_endings(tmp_path):
    files = {f"{split}/{colour}/{number}": picture(colour) for split in ("train", "val") for colour in COLOURS for number in range(2)}
    path = as_folder(tmp_path, files | {"train/red/notes": b"none", "train/_": b"none"})
    assert seen(open_source(path, labels=True, split="val")) == {f"{colour}, {colour}": 2 for colour in COLOURS}


@pytest.mark.parametrize("value", ["[]", "{}", '"ab"', "1.5", '{"a":1}'])
def test_lists_whose_objects_would_take_much_memory(tmp_path, monkeypatch, value):
    monkeypatch.setattr(listings, "MOST", 1 << 20)
    files = {"0.png": picture("red"), "dataset.json": ('{"labels": [' + ",".join([value] * 30_000) + "]}").encode()}
    path = as_folder(tmp_path / "set", files)
    with pytest.raises(ValueError, match=r"dataset\.json would unpack to .*--max-unpacked"):
        open_source(path, labels=True)
    assert open_source(path).size == 1
    with pytest.raises(ValueError, match="no pair of a file and a label"):
        open_source(path, labels=True, max_unpacked=1 << 30)
