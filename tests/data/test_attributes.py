import shutil

import numpy as np
import pytest
from PIL import Image

from jgan.data import open_source
from jgan.data.attributes import open_attributes, with_attributes
from jgan.data.labels import Labels, numbered
from jgan.data.procedural import shapes

TABLE = "number,hat,hair\n0,1,red\n1,0,blond\n2,1,red\n3,0,grey\n"


@pytest.fixture(params=["folder", "zip"])
def faces(request, tmp_path):
    """Four faces, of which the last is for tests, each with and without glasses."""
    folder = tmp_path / "set"
    for number in range(4):
        for worn in ("glasses", "plain"):
            place = folder / ("test" if number == 3 else "train") / worn
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((16, 16, 3), 20 * number + (worn == "glasses"), np.uint8)).save(place / f"{number}.png")
    (folder / "attributes.csv").write_text(TABLE)
    return folder if request.param == "folder" else shutil.make_archive(str(folder), "zip", folder)


def test_a_table_is_joined_by_the_names_of_files(faces):
    source = open_attributes(faces, ("folder", "hat", "hair"))
    assert source.size == 6 and list(source.fields) == ["image", "attributes"]
    assert source.names["attributes"] == ("folder", "hat", "hair") and source.names["hair"] == ("blond", "grey", "red")
    for index in range(6):
        example = source.read(index)
        number, glasses = divmod(int(example["image"][0, 0, 0]), 20)
        assert example["attributes"].tolist() == [1 - glasses, number != 1, 0 if number == 1 else 2]
    np.testing.assert_array_equal(source.columns["attributes"], [source.read(index)["attributes"] for index in range(6)])


def test_values_have_the_same_numbers_in_all_splits(faces):
    test = open_attributes(faces, ("hair", "hat"), split="test", limit=1)
    assert test.size == 1 and test.read(0)["attributes"].tolist() == [1, 0] and test.names["hair"] == ("blond", "grey", "red")


def test_kind_and_colour_of_shapes():
    source = with_attributes(open_source("shapes", split="val", resolution=16, limit=20), shapes.attributes("val", 20))
    scene = shapes.scene(shapes.FIRST["val"] + 7)
    found = [source.names[name][number] for name, number in zip(source.names["attributes"], source.read(7)["attributes"], strict=True)]
    assert found == [scene.shapes[0].kind, scene.shapes[0].colour]


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        (None, ("hat",), "expected attributes.csv in .*, found none"),
        ("", ("hat",), "expected the columns hat in attributes.csv of .*, found ; name others"),
        (TABLE, ("hat", "nose"), "expected the columns hat, nose .*, found number, hat, hair"),
        (TABLE.replace("1,0,blond\n", ""), ("hat",), "a row of attributes.csv for every image .* for 2, first .*glasses/1.png"),
        (TABLE, (), "expected at least one attribute"),
        (TABLE + "1,1,blond\n", ("hat",), r"expected one row for 1 in .*attributes\.csv, found rows that differ"),
        (TABLE + "1,0,blond, dark\n", ("hat",), r"expected 3 columns in row 5 of .*attributes\.csv, found 4; put quotes"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, table, columns, message):
    for number in range(4):
        (tmp_path / "glasses").mkdir(exist_ok=True)
        (tmp_path / "plain").mkdir(exist_ok=True)
        for worn in ("glasses", "plain"):
            Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / worn / f"{number}.png")
    if table is not None:
        (tmp_path / "attributes.csv").write_text(table)
    with pytest.raises(ValueError, match=message):
        open_attributes(tmp_path, columns)


def test_a_damaged_image_is_replaced_by_one_with_its_attributes(tmp_path):
    for number in range(6):
        Image.fromarray(np.full((16, 16, 3), 40 * number, np.uint8)).save(tmp_path / f"{number}.png")
    whole = (tmp_path / "4.png").read_bytes()
    (tmp_path / "4.png").write_bytes(whole[:-30])
    (tmp_path / "attributes.csv").write_text("image,hat\n" + "".join(f"{number},{number % 2}\n" for number in range(6)))
    source = open_attributes(tmp_path, ("hat",))
    with pytest.warns(UserWarning, match="4.png"):
        found = [source.read(index) for index in range(6)]
    assert [example["attributes"].item() for example in found] == [0, 1, 0, 1, 0, 1]
    assert found[4]["image"][0, 0, 0] in (0, 80) and found[5]["image"][0, 0, 0] == 200


SPELLED = {"with folders": "glasses/{}.png,{}\n", "of Windows": ".\\glasses\\{}.png,{}\n", "of the split": "train/glasses/{},{}\n"}


@pytest.mark.parametrize("row", SPELLED.values(), ids=SPELLED)
def test_rows_may_name_folders(faces, row, tmp_path):
    table = "file,hat\n0,1\n1,1\n2,1\n3,1\n" + "".join(row.format(number, 0) for number in range(4))
    (tmp_path / "set" / "attributes.csv").write_text(table)
    source = open_attributes(tmp_path / "set", ("folder", "hat"))
    assert source.size == 6 and (source.columns["attributes"][:, 0] == source.columns["attributes"][:, 1]).all()


def test_rows_that_say_the_same_twice(tmp_path):
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "attributes.csv").write_text("image,hat,note\na,1,x\na,1,y\n")
    assert open_attributes(tmp_path, ("hat",)).names["hat"] == ("1",)


@pytest.mark.parametrize("inner", ["", "/set"])
def test_a_zip_of_one_folder(faces, tmp_path, inner):
    path = shutil.make_archive(str(tmp_path / "outer"), "zip", tmp_path, "set")
    assert open_attributes(path + inner, ("folder", "hat")).columns["attributes"].tolist() == [[0, 1], [0, 0], [0, 1]] + [
        [1, 1],
        [1, 0],
        [1, 1],
    ]


@pytest.mark.parametrize("table", [b"image,hat\n\xff,1\n", b'image,hat\n"' + b"a" * 200_000])
def test_a_table_that_cannot_be_read_is_named(tmp_path, table):
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "attributes.csv").write_bytes(table)
    with pytest.raises(ValueError, match="expected a table (in UTF-8|of comma-separated values) in .*attributes.csv, found "):
        open_attributes(tmp_path, ("hat",))


@pytest.mark.parametrize("values", [numbered(["a", "b"]), numbered(["a", None, "b"]), Labels(np.arange(3, dtype=np.int32), ("a",) * 128)])
def test_values_that_do_not_fit_are_refused(values):
    with pytest.raises(ValueError, match="expected 3 values of size of shapes, of at most 127 kinds from 0, found"):
        with_attributes(open_source("shapes", resolution=16, limit=3), {"size": values})
