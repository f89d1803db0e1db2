"""Attributes that are there or not, of folders, of tables and of procedural faces."""

import numpy as np
import pytest
from PIL import Image

from jgan.data.presence import open_presence
from jgan.data.source import read_rows

ROWS = ["face,hat,skin,beard,ring", "0,0,blue,-1,without", "1,1,red,1,with", "2,1,red,1,with"]


@pytest.fixture
def album(tmp_path):
    """Three faces with and without glasses, of one grey level each."""
    for folder, level in (("glasses", 100), ("plain", 0)):
        (tmp_path / folder).mkdir()
        for number in range(3):
            Image.fromarray(np.full((8, 8, 3), 10 * number + level, np.uint8)).save(tmp_path / folder / f"{number}.png")
    (tmp_path / "attributes.csv").write_text("\n".join(ROWS))
    return tmp_path


def test_folders_and_columns(album):
    source = open_presence(album, ("folder=glasses", "hat", "skin=blue", "beard", "ring"))
    rows = read_rows(source, np.arange(source.size))
    assert source.names["attributes"] == ("glasses", "hat", "blue", "beard", "ring") and rows["attributes"].dtype == np.int8
    found = {int(image[0, 0, 0]): tuple(values) for image, values in zip(rows["image"], rows["attributes"].tolist(), strict=True)}
    faces = {0: (0, 1, 0, 0), 10: (1, 0, 1, 1), 20: (1, 0, 1, 1)}
    assert found == {level: (0, *there) for level, there in faces.items()} | {100 + level: (1, *there) for level, there in faces.items()}
    assert list(source.fields) == list(source.read(0)) == ["image", "attributes"]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (("hair=red",), "hair"),
        (("skin=green",), "expected skin of .* as blue, red, found green"),
        (("skin",), "expected skin of .* to be there or not, found blue, red; say which, as skin=blue"),
        (("hat", "hat"), "of different names, found hat, hat"),
        ((), "at least one attribute"),
    ],
)
def test_mistakes(album, attributes, message):
    with pytest.raises(ValueError, match=message):
        open_presence(album, attributes)


@pytest.mark.parametrize("there, absent", [("Yes", "No"), ("True", "False"), ("1.0", "0.0"), ("x", ""), ("on", "OFF"), ("any", "without")])
def test_how_tables_say_that_something_is_there(album, there, absent):
    rows = [f"{number},{there if number else absent}," for number in range(3)]
    (album / "attributes.csv").write_text("\n".join(["face,hat,note", *rows]))
    assert open_presence(album, ("hat",)).columns["attributes"][:, 0].tolist() == [0, 1, 1] * 2


def test_procedural_faces():
    source = open_presence("faces", ("glasses", "smile", "mouth", "skin=brown"), resolution=16, limit=60)
    assert source.names["attributes"] == ("glasses", "smile", "mouth", "brown") and source.fields["image"].shape == (16, 16, 3)
    shares = source.columns["attributes"].mean(axis=0)
    assert (shares[:3] > 0.3).all() and (shares[:3] < 0.7).all() and 0 < shares[3] < 0.3
    with pytest.raises(ValueError, match="expected attributes of faces, .*, found nose"):
        open_presence("faces", ("nose",), resolution=16, limit=12)
    with pytest.raises(ValueError, match="expected skin of faces to be there or not, found porcelain, .*; say which, as skin=porcelain"):
        open_presence("faces", ("skin",), resolution=16, limit=12)
