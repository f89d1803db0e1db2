import importlib
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from tests.data.colours import COLOURS, as_folder, as_zip, picture, some

translate = importlib.import_module("jgan.commands.translate")  # the package has the function by this name


@pytest.fixture
def run(monkeypatch):
    """A trained system that turns images into their negatives."""
    trained = SimpleNamespace(
        config=None,
        direction=lambda name: ("input", "target"),
        spec=SimpleNamespace(shape=lambda name: (4, 4, 3)),
        outputs=lambda noise, only, input: {only: 255 - input},
    )
    monkeypatch.setattr(translate, "load", lambda run, step, system: trained)
    return lambda images, out, **settings: translate.translate(None, "run", images, out, **settings)


def colours(folder):
    names = {tuple(255 - value for value in colour): name for name, colour in COLOURS.items()}
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): names[tuple(np.asarray(Image.open(file))[0, 0].tolist())] for file in files}


EQUAL = {"photo.PNG": picture("red"), "photo.webp": picture("blue", kind="BMP"), "other.jpg": b"", "a/photo.png": picture("black")}
EQUAL |= {"photo.webp": picture("blue"), "other.jpg": picture("yellow"), "Photo.jpg": picture("green")}  # endings need not be true
FOUND = {"photo.PNG.png": "red", "photo.webp.png": "blue", "other.png": "yellow", "Photo.jpg.png": "green", "a/photo.png": "black"}


@pytest.mark.parametrize("made", [as_folder, as_zip])
def test_equal_stems(tmp_path, run, made):
    run(made(tmp_path, EQUAL), tmp_path / "out")
    assert colours(tmp_path / "out") == dict(sorted(FOUND.items()))


def test_a_clash_is_said_before_anything_is_written(tmp_path, run):
    path = as_zip(tmp_path, EQUAL | {"photo.webp.jpg": picture("red")})
    with pytest.raises(ValueError, match=r"found photo\.webp and photo\.webp\.jpg; rename one, nothing was written"):
        run(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_image_and_splits(tmp_path, run):
    path = as_folder(tmp_path / "set", some("train", "red", 1) | some("Val", "blue", 2))
    run(path / "train" / "0.png", tmp_path / "one")
    run(path, tmp_path / "val", split="valid")
    assert colours(tmp_path / "one") == {"0.png": "red"} and colours(tmp_path / "val") == {"Val/0.png": "blue", "Val/1.png": "blue"}


def test_images_of_an_array(tmp_path, run):
    np.savez(tmp_path / "set.npz", images=np.full((2, 4, 4, 3), COLOURS["red"], np.uint8))
    run(tmp_path / "set.npz", tmp_path / "out")
    assert list(colours(tmp_path / "out").values()) == ["red", "red"]
