import numpy as np
import pytest
from PIL import Image
from tests.data.colours import COLOURS, as_folder, as_zip, picture, some

from jgan.commands.inspect import inspect

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
