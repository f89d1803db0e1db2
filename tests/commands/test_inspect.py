import struct

import numpy as np
import pytest
from PIL import Image
from tests.data.colours import COLOURS, as_folder, as_zip, picture, some
from tests.data.test_wav import wav as float_wav

from jgan.commands.inspect import inspect, kind_of
from jgan.data.wav import FLOAT
from jgan.outputs.sounds import wav
from jgan.outputs.videos import animation

FILES = some("Train/10", "red", 3) | some("Train/9", "blue", 1) | some("Test/9", "blue", 2)


def grid(path, side):
    """The colours of a grid of squares."""
    image = np.asarray(Image.open(path))
    names = {colour: name for name, colour in COLOURS.items()}
    return [[names[tuple(map(int, square))] for square in row] for row in image[side // 2 :: side, side // 2 :: side]]


def test_classes(tmp_path, capsys):
    path, out = as_zip(tmp_path, FILES), tmp_path / "grid.png"
    inspect(str(path), resolution=8, columns=3, out=out)
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: 4 images, 8 x 8, 3 channels (stored as 4 x 4, 3 channels); splits: train (4), test (2)",
        "2 classes: 0 9 (1), 1 10 (3)",
        "left out: nothing",
        str(out),
    ]
    assert grid(out, 8) == [["blue"] * 3, ["red"] * 3]
    inspect(str(path), split="test", resolution=8, columns=2, rows=1, out=out)
    assert grid(out, 8) == [["blue"] * 2] and "2 classes: 0 9 (2), 1 10 (0)" in capsys.readouterr().out


@pytest.mark.parametrize("listing", [b"{", b'{"labels": [["0/0.png", [0.5, 2.0]]]}'])
def test_labels_that_are_wrong_are_said(tmp_path, capsys, listing):
    path, out = as_folder(tmp_path / "set", some("0", "red", 5) | {"dataset.json": listing}), tmp_path / "grid.png"
    inspect(str(path), resolution=8, columns=2, rows=2, out=out)
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("without labels: ") and f"{path}/dataset.json" in first
    assert lines == [f"{path}: 5 images, 8 x 8, 3 channels (stored as 4 x 4, 3 channels)", "no classes", "left out: nothing", str(out)]
    assert grid(out, 8) == [["red"] * 2] * 2


def test_what_is_left_out_is_said(tmp_path, capsys):
    path = as_folder(tmp_path / "set", FILES | {"cover.png": picture("green"), "Train/9/1.png": b"none"})
    with pytest.warns(UserWarning, match="left out"):
        inspect(str(path), out=tmp_path / "grid.png")
    assert "left out: 2, cover.png (beside the folders of splits), Train/9/1.png (not a readable" in capsys.readouterr().out


@pytest.mark.parametrize("settings", [{"out": "grid.foo"}, {"columns": 0}, {"rows": -1}, {"resolution": 0}, {"split": "val"}, {"limit": 0}])
def test_mistakes(tmp_path, settings):
    path = as_zip(tmp_path, FILES)
    with pytest.raises(ValueError, match="expected"):
        inspect(str(path), **{"out": tmp_path / "grid.png"} | settings)
    assert [file.name for file in tmp_path.iterdir()] == ["set.zip"]


TONE = 0.5 * np.sin(np.arange(400, dtype=np.float32) / 3)[:, None]
SOUNDS = {"no/tone.wav": wav(TONE, 8000), "no/zero.wav": wav(0 * TONE, 8000), "yes/loud.wav": wav(np.clip(4 * TONE, -1, 1), 8000)}
CLIPS = {f"{n}.gif": animation([np.full((8, 8, 3), 20 * i, np.uint8) for i in range(n)], 10.0, ".gif") for n in (4, 6)}
CAPTIONED = {"train/0.png": picture("red"), "train/1.png": picture("blue"), "test/2.png": picture("blue")}
TABLE = b"file,caption\n0,a moon\n1,a red moon\n2,a red %s\n"


@pytest.mark.parametrize(
    ("files", "settings", "lines"),
    [
        (
            SOUNDS,
            {},
            [
                "NaN or infinity: 0",
                "silent: 1, SET/no/zero.wav",
                "beyond full scale: 0",
                "clipped: 1, SET/yes/loud.wav",
                "SET: 3 examples, audio of 8192 at 8000 per second (1.02 s), parts of 3 of 400 to 400 (0.05 to 0.05 s)",
                "2 classes: 0 no (2), 1 yes (1)",
            ],
        ),
        (
            CLIPS,
            {"kind": "clips", "resolution": 8},
            ["SET: 2 examples, 8 x 8, 3 channels, video of 4 at 10 per second (0.4 s), parts of 2 of 4 to 6 (0.4 to 0.6 s)", "no classes"],
        ),
        (
            {f"a/{number}.png": picture("red") for number in range(3)},
            {"kind": "clips", "resolution": 8, "rate": 12.0},
            ["SET: 1 examples, 8 x 8, 3 channels, video of 3 at 12 per second (0.25 s) (stored as 4 x 4, 3 channels)", "no classes"],
        ),
        (
            CAPTIONED | {"captions.csv": TABLE % b"moon"},
            {"resolution": 4},
            ["SET: 2 images, 4 x 4, 3 channels; splits: train (2), test (1)", "caption: up to 3 words, 3 different ones", "no classes"],
        ),
        (
            CAPTIONED | {"captions.csv": TABLE % b"comet"},
            {"resolution": 4, "split": "test"},
            [
                "SET: 1 images, 4 x 4, 3 channels; splits: train (2), test (1)",
                "caption: up to 3 words, 3 different ones, 66.7 % unknown",
            ],
        ),
        ({"train.txt": b"a moon\na star\n"}, {}, ["SET: 2 examples", "tokens: up to 2 words, 3 different ones", "no classes"]),
    ],
)
def test_other_kinds(tmp_path, capsys, files, settings, lines):
    path, out = as_folder(tmp_path / "set", files), tmp_path / "grid.png"
    inspect(str(path), out=out, **settings)
    printed = capsys.readouterr().out.replace(str(path), "SET").splitlines()
    assert [line for line in printed if not line.startswith("with")][: len(lines)] == lines and "left out: nothing" in printed
    assert out.exists() != ("train.txt" in files)  # sentences are printed


@pytest.mark.parametrize("kind", [None, "images", "captions", "texts", "clips", "sounds"])
@pytest.mark.parametrize("place", ["", " "])
def test_no_place(tmp_path, monkeypatch, kind, place):
    monkeypatch.chdir(as_folder(tmp_path, FILES))
    with pytest.raises(ValueError, match="expected the path of a set or the name of an embedded one, found nothing"):
        inspect(place, kind, out=tmp_path / "grid.png")


def test_sounds_that_are_no_numbers_are_counted_before_they_are_refused(tmp_path, capsys):
    sound = struct.pack("<3f", 0.0, float("nan"), 0.5)
    path = as_folder(tmp_path, {"a.wav": float_wav(sound, FLOAT, 32)})
    with pytest.raises(ValueError, match="expected numbers in .*a.wav, found NaN or infinity in 1 samples"):
        inspect(str(path), out=tmp_path / "grid.png")
    assert capsys.readouterr().out.startswith(f"NaN or infinity: 1, {path}/a.wav")


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"set/captions.csv": b"", "set/0.png": b""}, "captions"),
        ({"a/0.mp4": b""}, "clips"),
        ({"a/0.gif": b""}, "images"),
        ({"0.flac": b""}, "sounds"),
        ({"train.txt": b"", "0.png": b""}, "images"),
    ],
)
def test_the_kind_by_the_names_of_the_files(tmp_path, files, kind):
    assert kind_of(str(as_folder(tmp_path, files))) == kind
    assert kind_of(str(tmp_path / "absent")) == "images" and kind_of("names.txt.gz") == "texts"
