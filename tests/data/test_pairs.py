import itertools
import pathlib
import zipfile

import numpy as np
import pytest
from PIL import Image

from jgan.data import make_feed
from jgan.data.pairs import domains_labelled, open_domains, open_pairs
from jgan.data.procedural import shapes
from jgan.data.source import read_rows

SHARED = pathlib.Path(__file__).parents[2] / ".." / "shared" / "data"


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def pictures(count, height=6, width=8):
    """Random images, each with its negative."""
    for i in range(count):
        image = np.random.default_rng(i).integers(0, 256, (height, width, 3), np.uint8)
        yield f"{i}.png", image, 255 - image


@pytest.fixture
def layouts(tmp_path):
    """The same pairs, side by side, in two folders, and in two folders below train and test."""
    for name, image, negative in pictures(5):
        save(tmp_path / "beside" / name, np.concatenate([image, negative], axis=1))
        for folder in ("folders", "splits/train", "splits/test"):
            save(tmp_path / folder / "input" / name, image)
            save(tmp_path / folder / "output" / name, negative)
    with zipfile.ZipFile(tmp_path / "folders.zip", "w") as archive:
        for path in sorted((tmp_path / "folders").rglob("*.png")):
            archive.write(path, path.relative_to(tmp_path / "folders"))
    return tmp_path


@pytest.mark.parametrize("layout", ["beside", "folders", "splits", "folders.zip"])
@pytest.mark.parametrize("reverse", [False, True])
def test_layouts_and_directions(layouts, layout, reverse):
    pairs = open_pairs(layouts / layout, reverse=reverse)
    assert list(pairs.fields) == ["input", "target"] and pairs.spec.shape("input") == pairs.spec.shape("target") == (6, 8, 3)
    assert pairs.columns == pairs.names == {} and pairs.size == 5
    for i, (_, image, negative) in enumerate(pictures(5)):
        expected = (negative, image) if reverse else (image, negative)
        np.testing.assert_array_equal(pairs.read(i)["input"], expected[0])
        np.testing.assert_array_equal(pairs.read(i)["target"], expected[1])


def test_each_side_is_resized_by_itself(tmp_path):
    """A white image beside a black one: no grey where they meet."""
    white, black = np.full((8, 8, 3), 255, np.uint8), np.zeros((8, 8, 3), np.uint8)
    save(tmp_path / "0.png", np.concatenate([white, black], axis=1))
    pairs = open_pairs(str(tmp_path), resolution=4)
    assert pairs.read(0)["input"].min() == 255 and pairs.read(0)["target"].max() == 0


def test_grey_masks_beside_colour(tmp_path):
    for name, image, _ in pictures(3):
        save(tmp_path / "image" / name, image)
        save(tmp_path / "mask" / name, image[..., 0])
    pairs = open_pairs(str(tmp_path))
    assert pairs.spec.shape("input") == (6, 8, 3) and pairs.spec.shape("target") == pairs.read(0)["target"].shape == (6, 8, 1)
    colour = open_pairs(str(tmp_path), channels=3).read(0)["target"]
    assert colour.shape == (6, 8, 3) and np.ptp(colour, axis=2).max() == 0
    grey = open_pairs(str(tmp_path), channels=1, resolution=(3, 4), limit=2)
    assert grey.spec.shape("input") == grey.spec.shape("target") == (3, 4, 1) and grey.size == 2


def test_a_damaged_image_takes_its_partner_with_it(layouts):
    path = layouts / "folders" / "output" / "2.png"
    path.write_bytes(path.read_bytes()[:-60])
    pairs = open_pairs(str(layouts / "folders"))
    with pytest.warns(UserWarning, match="2.png is damaged"):
        pair = pairs.read(2)
    np.testing.assert_array_equal(pair["target"], 255 - pair["input"])
    np.testing.assert_array_equal(pair["input"], pairs.read(3)["input"])


def test_mistakes(layouts, tmp_path):
    (layouts / "folders" / "output" / "3.png").unlink()
    with pytest.raises(ValueError, match=r"input/3.png has no partner: expected files of the same names in input and output"):
        open_pairs(str(layouts / "folders"))
    save(tmp_path / "odd" / "0.png", np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(ValueError, match="a width of 5 pixels"):
        open_pairs(str(tmp_path / "odd"))
    save(tmp_path / "sizes" / "a" / "0.png", np.zeros((4, 4, 3), np.uint8))
    save(tmp_path / "sizes" / "b" / "0.png", np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(ValueError, match="a pair of one size"):
        open_pairs(str(tmp_path / "sizes"))
    with pytest.raises(ValueError, match="channels=2"):
        open_pairs("shapes", channels=2)


def test_the_built_in_pairs():
    pairs = open_pairs("shapes", resolution=16, limit=20, split="test")
    scene = shapes.scene(shapes.FIRST["test"] + 7)
    np.testing.assert_array_equal(pairs.read(7)["target"], shapes.render(scene, 16))
    np.testing.assert_array_equal(pairs.read(7)["input"][..., 1], shapes.outline(scene, 16))


def test_batches_of_pairs():
    pairs = open_pairs("shapes", resolution=8, limit=10)
    partners = {pairs.read(i)["input"].tobytes(): pairs.read(i)["target"].tobytes() for i in range(10)}
    feed = make_feed(pairs, 4, 0)
    for item in itertools.islice(feed.items(0, 1), 4):
        batch = feed.lookup(feed.constants, {"index": item["index"][0]})
        assert batch["input"].shape == batch["target"].shape == (4, 8, 8, 3)
        for image, target in zip(np.asarray(batch["input"]), np.asarray(batch["target"]), strict=True):
            assert partners[image.tobytes()] == target.tobytes()


@pytest.mark.parametrize("spec", ["pairs:shapes", "folders"])
def test_domains_of_pairs(layouts, spec):
    spec = f"pairs:{layouts / spec}" if spec == "folders" else spec
    domains = open_domains(spec, resolution=8, limit=4)
    pairs = open_pairs(spec.removeprefix("pairs:"), resolution=8, limit=4)
    assert [list(part.fields) for part in domains.parts] == [["input"], ["target"]] and domains.size == 4
    for field, part in zip(("input", "target"), domains.parts, strict=True):
        np.testing.assert_array_equal(read_rows(part, np.arange(4))[field], read_rows(pairs, np.arange(4))[field])


def test_domains_in_folders(tmp_path):
    for letter, count in (("A", 3), ("B", 2)):
        for name, image, _ in pictures(count):
            save(tmp_path / f"train{letter}" / name, image)
    domains = open_domains(tmp_path)
    assert [part.size for part in domains.parts] == [3, 2] and domains.size == 3
    np.testing.assert_array_equal(domains.read(2)["target"], domains.parts[1].read(0)["target"])
    both = domains_labelled(domains)
    assert both.size == 5 and both.columns["label"].tolist() == [0, 0, 0, 1, 1] and both.spec.shape("image") == (6, 8, 3)
    np.testing.assert_array_equal(both.read(3)["image"], domains.parts[1].read(0)["target"])
    assert both.read(3)["label"] == 1 and both.names == {"label": ("A", "B")}
    with pytest.raises(IndexError):
        both.read(5)
    save(tmp_path / "testA" / "0.png", np.zeros((4, 4, 3), np.uint8))
    save(tmp_path / "testB" / "0.png", np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(ValueError, match="domains of one shape"):
        open_domains(str(tmp_path), split="test")


def test_pairs_are_no_domains():
    with pytest.raises(ValueError, match="expected two unpaired sets, found 0 in shapes; open them with open_domains"):
        domains_labelled(open_pairs("shapes", resolution=8, limit=4))


REAL = {  # file, what opens it, sizes of train and test
    "emoji_lineart_pairs/fluent_lineart_color_128.zip": ((128, 128, 3), 838, 115),
    "nuclei/nuclei_256.zip": ((256, 256, 3), 150, 21),
}


@pytest.mark.parametrize("name", REAL)
def test_real_pairs(name):
    if not (SHARED / name).exists():
        pytest.skip("../shared/data is not there")
    shape, *sizes = REAL[name]
    found = [open_pairs(str(SHARED / name), channels=3, split=split) for split in ("train", "test")]
    assert [pairs.size for pairs in found] == sizes
    assert found[0].spec.shape("input") == found[0].spec.shape("target") == shape
