import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from jgan.data.content import data_hash
from jgan.data.procedural import grammar, shapes
from jgan.data.source import read_rows
from jgan.data.texts import open_texts
from jgan.data.vocabulary import END, UNKNOWN, decode

TEXTS = Path(__file__).parents[3] / "shared" / "data" / "texts"
LINES = [f"word{number} moon" for number in range(20)]


def texts_of(source):
    assert not {"tokens"} ^ {*source.fields, *source.names, *source.columns}
    np.testing.assert_array_equal(read_rows(source._replace(columns={}), np.arange(source.size))["tokens"], source.columns["tokens"])
    return decode(source.columns["tokens"], source.names["tokens"])


@pytest.mark.parametrize("split", ["train", "Validation", "test"])
def test_captions_of_shapes(split):
    first = {"train": 0, "Validation": 2_000_000_000, "test": 1_000_000_000}[split]
    source = open_texts("shapes", split=split, limit=20)
    assert texts_of(source) == [shapes.caption(shapes.scene(first + index)) for index in range(20)]
    assert source.fields["tokens"].shape == (11,) and len(source.names["tokens"]) == 25 and source.name == "shapes"
    assert (grammar.numbers_of(texts_of(source)) >= 0).all()


def test_captions_of_shapes_letter_by_letter():
    source = open_texts("shapes", unit="characters", limit=5)
    longest = max(map(len, grammar.sentences()))
    assert texts_of(source) == texts_of(open_texts("shapes", limit=5)) and source.fields["tokens"].shape == (longest + 1,)


@pytest.mark.parametrize("ending", [".txt", ".TXT", ".txt.gz"])
def test_a_file_is_divided_and_equal_sentences_stay_together(tmp_path, ending):
    content = ("\ufeff" + "\r\n".join([*LINES, "", "  word9 moon ", "word0 moon"])).encode()
    path = tmp_path / f"few{ending}"
    path.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    train, test = (open_texts(path, split=split, min_count=2) for split in ("train", "test"))
    assert train.size == 19 and test.size == 3 and train.names == test.names
    assert train.names["tokens"] == (END, UNKNOWN, "moon", "word0")
    assert texts_of(test) == ["<unknown> moon"] * 3  # lines 9, 19, and 9 once more
    assert texts_of(train)[0] == texts_of(train)[-1] == "word0 moon"


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_files_by_split(tmp_path, kind):
    folder = tmp_path / "set"
    folder.mkdir()
    for name, text in {"train": "a moon\na star\n", "testing": "a star a moon\n", "notes": "no split\n"}.items():
        (folder / f"{name}.txt").write_text(text)
    path = folder if kind == "folder" else shutil.make_archive(str(folder), "zip", folder)
    train, test = open_texts(path), open_texts(path, split="test")
    assert (texts_of(train), texts_of(test)) == (["a moon", "a star"], ["a star a moon"])
    assert train.fields == test.fields and train.fields["tokens"].shape == (5,)  # the longest of all splits, and the end


def test_the_limit_is_spread_and_the_vocabulary_is_of_all(tmp_path):
    (tmp_path / "train.txt").write_text("\n".join(LINES))
    whole, few = open_texts(tmp_path), open_texts(tmp_path, limit=4)
    assert texts_of(few) == [LINES[0], LINES[5], LINES[10], LINES[15]] and few.names == whole.names
    assert data_hash(few) != data_hash(whole)


@pytest.mark.parametrize(
    ("files", "settings", "message"),
    [
        ({"a.txt": b""}, {}, "expected one sentence a line, in UTF-8, in .*a.txt, found none"),
        ({"a.txt": b" \n\n"}, {}, "found none"),
        ({"a.txt": b"caf\xe9"}, {}, "in UTF-8, in .*a.txt, found .*0xe9 in position 3"),
        ({"a.txt.gz": b"no gzip"}, {}, "a.txt.gz is no readable text"),
        ({"a.txt": b"a moon\na b c d"}, {"length": 2}, "at most 2 words, found 1 longer, first line 2 of .*a.txt with 4; allow length=4"),
        ({"a.txt": b"a moon"}, {"split": "val"}, "has no split 'val': expected one of those there are, 'train'"),
        ({"a.txt": b"a moon"}, {"min_count": 3}, "occur 3 times or more, found none"),
        ({"a.txt": "\n".join(LINES).encode()}, {"split": "test"}, "line 10 of .*words of the data, found word9; .*word8.*min_count=2"),
        ({"test.txt": b"a moon", "notes.txt": b"x"}, {"split": "test"}, "expected the split train in .*, found test; add train.txt"),
        ({"notes.txt": b"x", "more.txt": b"x"}, {}, "expected train.txt, .*, found more.txt, notes.txt; rename"),
    ],
)
def test_what_is_no_text(tmp_path, files, settings, message):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    path = tmp_path / next(iter(files))
    with pytest.raises(ValueError, match=message):
        open_texts(path if path.name.startswith("a.") else tmp_path, **settings)


@pytest.mark.parametrize(
    ("spec", "settings", "error", "message"),
    [
        ("nowhere.txt", {}, FileNotFoundError, "no text at nowhere.txt: expected shapes, a text file"),
        ("shapes", {"split": "dev"}, ValueError, "shapes has no split 'dev': expected train, test, val"),
    ],
)
def test_what_is_not_there(spec, settings, error, message):
    with pytest.raises(error, match=message):
        open_texts(spec, **settings)


@pytest.mark.skipif(not TEXTS.exists(), reason="../shared/data/texts is not there")
def test_real_names_and_captions():
    train, test = (open_texts(TEXTS / "names.txt", unit="characters", split=split) for split in ("train", "test"))
    assert (train.size, test.size, train.fields["tokens"].shape, len(train.names["tokens"])) == (28_840, 3_193, (16,), 27)
    assert len({*texts_of(test)}) == 2_949 and not {*texts_of(test)} & {*texts_of(train)}
    captions = open_texts(TEXTS / "image_coco.txt", min_count=2, limit=10)
    assert texts_of(captions)[0] == "a bicycle <unknown> with a clock as the front wheel ."
