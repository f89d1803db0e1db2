import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jgan.data.captions import open_captions, read_captions
from jgan.data.procedural import shapes
from jgan.data.source import read_rows
from jgan.data.vocabulary import END, UNKNOWN, decode

EMOJI = Path(__file__).parents[3] / "shared" / "data" / "emoji_noto" / "noto_emoji_72.zip"
FILES = ("train/a/0.png", "train/b/1.png", "train/b/2.png", "test/a/3.png")
CAPTIONS = {"train/a/0.png": "a moon", "b/1.png": ["a red star", "one star"], "2": "a moon", "test/a/3": "a star"}
JSONL = "".join(json.dumps({"file": file, "caption": text, "group": "x"}) + "\n\n" for file, text in CAPTIONS.items())
CSV = "group,file,caption\nx,0.png,a moon\nx,train/b/1.png,a red star\nx,1,one star\nx,2.png,a  moon\nx,3.png,a star\n"
TABLES = {"captions.jsonl": JSONL, "captions.csv": CSV}


def write(folder, tables):
    for number, file in enumerate(FILES):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((16, 16, 3), 20 * number, np.uint8)).save(folder / file)
    for name, text in tables.items():
        (folder / name).write_text(text)


def pairs(source):
    """(number of the image, caption) of every example."""
    rows = read_rows(source, np.arange(source.size))
    return list(zip((rows["image"][:, 0, 0, 0] // 20).tolist(), decode(rows["caption"], source.names["caption"]), strict=True))


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_captions_beside_images(tmp_path, name, kind):
    folder = tmp_path / "set"
    write(folder, {name: TABLES[name]})
    path = folder if kind == "folder" else shutil.make_archive(str(folder), "zip", folder)
    train, test = open_captions(path), open_captions(path, split="test")
    assert pairs(train) == [(0, "a moon"), (1, "a red star"), (1, "one star"), (2, "a moon")] and pairs(test) == [(3, "a star")]
    assert train.names == test.names == {"caption": (END, "a", "moon", "one", "red", "star")}
    assert train.fields["caption"].shape == (4,) and list(train.fields) == ["image", "caption"]
    assert pairs(open_captions(path, limit=2)) == [(0, "a moon"), (1, "a red star"), (1, "one star")]
    assert open_captions(path, min_count=3).names["caption"] == (END, UNKNOWN, "a")


@pytest.mark.parametrize("inner", ["", "/set"])
def test_a_zip_of_one_folder(tmp_path, inner):
    write(tmp_path / "set", {"captions.csv": CSV})
    path = shutil.make_archive(str(tmp_path / "outer"), "zip", tmp_path, "set")
    assert pairs(open_captions(path + inner, split="test")) == [(3, "a star")]


@pytest.mark.parametrize("name", ["./0.png", "train\\\\a\\\\0.png", ".//train/a/0.png"])
def test_spellings_of_files(tmp_path, name):
    write(tmp_path, {"captions.jsonl": JSONL.replace("train/a/0.png", name)})
    assert pairs(open_captions(tmp_path))[0] == (0, "a moon")


@pytest.mark.parametrize("spec", ["shapes", "shapes:equal-luma"])
def test_shapes_have_captions(spec):
    source = open_captions(spec, resolution=16, channels=1, split="test", limit=5)
    scenes = [shapes.scene(shapes.FIRST["test"] + index) for index in range(5)]
    assert [text for _, text in pairs(source)] == list(map(shapes.caption, scenes))
    assert source.fields["image"].shape == (16, 16, 1) and len(source.names["caption"]) == 25


def test_a_damaged_image_is_replaced_by_one_with_its_caption(tmp_path):
    write(tmp_path, {"captions.jsonl": JSONL})
    (tmp_path / FILES[0]).write_bytes((tmp_path / FILES[0]).read_bytes()[:-30])
    source = open_captions(tmp_path)
    with pytest.warns(UserWarning, match="0.png is damaged and replaced"):
        assert pairs(source)[0] == (2, "a moon")


@pytest.mark.parametrize(
    ("tables", "settings", "message"),
    [
        ({}, {}, "expected captions.jsonl or captions.csv at the top of .*, found neither"),
        (TABLES, {}, "found captions.jsonl and captions.csv"),
        ({"captions.jsonl": "\n"}, {}, "in .*captions.jsonl, found none"),
        ({"captions.jsonl": "{}"}, {}, 'expected {"file": ..., "caption": ...}.*, found None for None in line 1 of .*captions.jsonl'),
        ({"captions.jsonl": "[1]\n"}, {}, "found None for None in line 1"),
        ({"captions.jsonl": JSONL + "{"}, {}, "as JSON in line 9 of .*captions.jsonl, found"),
        ({"captions.jsonl": '{"file": "0.png", "caption": ["a", 3]}'}, {}, r"found \['a', 3\] for '0.png'"),
        ({"captions.jsonl": '{"file": "0.png", "caption": " "}'}, {}, "found ' ' for '0.png'"),
        (
            {"captions.jsonl": '{"file": "cat.png", "caption": "a cat"}'},
            {},
            "none for 3, first .*0.png; it names 1 files, first cat.png",
        ),
        ({"captions.csv": "image,text\n0.png,a\n"}, {}, "a header with file and caption, and rows, in .*, found image, text; add"),
        ({"captions.csv": "file,caption\n"}, {}, "found file,caption; add"),
        ({"captions.csv": CSV + "x,3.png,a red thing, big\n"}, {}, "expected 3 columns in row 6 of .*captions.csv, found 4; put quotes"),
        ({"captions.csv": "file,caption\n0.png\n"}, {}, "found '' for '0.png' in row 1 of"),
        (
            {"captions.csv": CSV},
            {"length": 2},
            "found 1 longer, first the caption of example 1 of .* with 3; allow length=3",
        ),
        ({"captions.csv": CSV.replace("a star", "a comet")}, {"split": "test"}, "words of the data, found comet; .*min_count=2"),
    ],
)
def test_captions_that_do_not_fit(tmp_path, tables, settings, message):
    write(tmp_path, tables)
    with pytest.raises(ValueError, match=message):
        open_captions(tmp_path, **settings)


@pytest.mark.parametrize("spec", ["animals", "faces", "tfds:mnist"])
def test_images_without_captions(spec):
    with pytest.raises(ValueError, match=f"expected images with captions, shapes or .*, found {spec}"):
        open_captions(spec)


@pytest.mark.skipif(not EMOJI.exists(), reason="../shared/data/emoji_noto is not there")
def test_real_emoji():
    train, test = (open_captions(EMOJI, resolution=16, channels=3, min_count=2, split=split) for split in ("train", "test"))
    assert (train.size, test.size, train.fields["caption"].shape) == (1847, 197, (11,)) and train.names == test.names
    assert len(read_captions(EMOJI)) == 2044
