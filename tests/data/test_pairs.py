import itertools
import pathlib
import zipfile

import numpy as np
import pytest
from PIL import Image

from jgan.data import resident, shapes, stream
from jgan.data.pairs import combined, open_domains, open_pairs, paired, together

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
    pairs = open_pairs(str(layouts / layout), reverse=reverse)
    assert pairs.both.shape == (6, 8, 6) and pairs.image.shape == pairs.target.shape == (6, 8, 3)
    for i, (_, image, negative) in enumerate(pictures(5)):
        expected = (negative, image) if reverse else (image, negative)
        np.testing.assert_array_equal(pairs.image.read(i), expected[0])
        np.testing.assert_array_equal(pairs.target.read(i), expected[1])
        np.testing.assert_array_equal(pairs.both.read(i), np.concatenate(expected, axis=2))


def test_each_side_is_resized_by_itself(tmp_path):
    """A white image beside a black one: no grey where they meet."""
    white, black = np.full((8, 8, 3), 255, np.uint8), np.zeros((8, 8, 3), np.uint8)
    save(tmp_path / "0.png", np.concatenate([white, black], axis=1))
    pairs = open_pairs(str(tmp_path), resolution=4)
    assert pairs.image.read(0).min() == 255 and pairs.target.read(0).max() == 0


def test_grey_masks_beside_colour(tmp_path):
    for name, image, _ in pictures(3):
        save(tmp_path / "image" / name, image)
        save(tmp_path / "mask" / name, image[..., 0])
    pairs = open_pairs(str(tmp_path))
    assert pairs.target.shape == (6, 8, 3) and np.ptp(pairs.target.read(0), axis=2).max() == 0
    grey = open_pairs(str(tmp_path), channels=1, resolution=(3, 4), limit=2)
    assert grey.image.shape == grey.target.shape == (3, 4, 1) and grey.both.size == 2


def test_a_damaged_image_takes_its_partner_with_it(layouts):
    path = layouts / "folders" / "output" / "2.png"
    path.write_bytes(path.read_bytes()[:-60])
    pairs = open_pairs(str(layouts / "folders"))
    with pytest.warns(UserWarning, match="2.png is damaged"):
        target = pairs.target.read(2)
    np.testing.assert_array_equal(target, 255 - pairs.image.read(2))
    np.testing.assert_array_equal(pairs.image.read(2), pairs.image.read(3))


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
    np.testing.assert_array_equal(pairs.target.read(7), shapes.render(scene, 16))
    np.testing.assert_array_equal(pairs.image.read(7)[..., 1], shapes.outline(scene, 16))


def seen(feed, steps=4):
    """The batches of some steps."""
    return [feed.lookup(feed.constants, {k: _first(v) for k, v in item.items()}) for item in itertools.islice(feed.items(0, 1), steps)]


def _first(leaf):
    return {name: value[0] for name, value in leaf.items()} if isinstance(leaf, dict) else leaf[0]


@pytest.mark.parametrize("place", [resident, stream])
def test_batches_of_pairs(place):
    pairs = open_pairs("shapes", resolution=8, limit=10)
    partners = {pairs.image.read(i).tobytes(): pairs.target.read(i).tobytes() for i in range(10)}
    for batch in seen(paired(place(pairs.both, batch=4, seed=0))):
        assert batch["image"].shape == batch["target"].shape == (4, 8, 8, 3)
        for image, target in zip(np.asarray(batch["image"]), np.asarray(batch["target"]), strict=True):
            assert partners[image.tobytes()] == target.tobytes()


def test_batches_of_domains_pair_nothing():
    domains = open_domains("pairs:shapes", resolution=8, limit=12)
    partners = {domains[0].read(i).tobytes(): domains[1].read(i).tobytes() for i in range(12)}
    feed = combined(**{name: resident(s, batch=4, seed=i) for i, (name, s) in enumerate(zip(("image", "target"), domains, strict=True))})
    batches = seen(feed, 9)
    hits = [partners[a.tobytes()] == b.tobytes() for batch in batches for a, b in zip(*map(np.asarray, batch.values()), strict=True)]
    assert list(batches[0]) == ["image", "target"] and np.mean(hits) < 0.4
    again = [feed.lookup(feed.constants, {k: _first(v) for k, v in next(feed.items(5, 1)).items()})]
    np.testing.assert_array_equal(again[0]["target"], batches[5]["target"])


def test_domains_in_folders(tmp_path):
    for letter, count in (("A", 3), ("B", 2)):
        for name, image, _ in pictures(count):
            save(tmp_path / f"train{letter}" / name, image)
    first, second = open_domains(str(tmp_path))
    assert (first.size, second.size) == (3, 2)
    both = together(first, second)
    assert both.size == 5 and both.labels.tolist() == [0, 0, 0, 1, 1] and both.shape == (6, 8, 3)
    np.testing.assert_array_equal(both.read(3), second.read(0))
    with pytest.raises(IndexError):
        both.read(5)
    save(tmp_path / "testA" / "0.png", np.zeros((4, 4, 3), np.uint8))
    save(tmp_path / "testB" / "0.png", np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(ValueError, match="domains of one shape"):
        open_domains(str(tmp_path), split="test")


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
    assert [pairs.both.size for pairs in found] == sizes and found[0].image.shape == found[0].target.shape == shape


def test_turned_shapes():
    scenes = [shapes.turned(i, "heart", "red") for i in range(300)]
    angles = np.rad2deg([scene.shapes[0].angle for scene in scenes])
    assert -75 <= angles.min() < -73 and 73 < angles.max() <= 75
    assert np.histogram(angles, bins=5, range=(-75, 75))[0].min() > 40
    assert shapes.turned(3, "heart", "red", seed=1) != scenes[3] == shapes.turned(3, "heart", "red")
