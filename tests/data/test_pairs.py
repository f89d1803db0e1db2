import itertools
import pathlib
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image
from tests.data.colours import as_folder, as_zip, picture, seen, some

from jgan.data import make_feed
from jgan.data.describe import describe
from jgan.data.pairs import domains_labelled, open_domains, open_pairs
from jgan.data.procedural import shapes
from jgan.data.source import read_rows
from jgan.systems import cyclegan, discogan, pix2pix

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


BESIDE = some("set/Train", "red", 8, "blue") | some("set/Validation", "yellow", 3, "black")


def in_folders(*names):
    """Four pairs to train with, two others."""
    sides = zip(names, ("red", "blue", "yellow", "black"), (4, 4, 2, 2), strict=True)
    return {name: content for folder, colour, count in sides for name, content in some(folder, colour, count).items()}


SPLIT_PAIRS = [  # files, the name of the other split, number of pairs in both
    (some("train", "red", 6, "blue") | some("val", "yellow", 6, "black"), "val", 6, 6),
    (BESIDE, "validation", 8, 3),
    (in_folders("A/train", "B/train", "A/test", "B/test"), "test", 4, 2),
    (in_folders("training/a", "training/b", "testing/a", "testing/b"), "testing", 4, 2),
    (in_folders("trainA", "trainB", "valA", "valB"), "val", 4, 2),
    (in_folders("set/in/Train", "set/out/Train", "set/in/Test", "set/out/Test"), "test", 4, 2),
]


@pytest.mark.parametrize("made", [as_folder, as_zip])
@pytest.mark.parametrize(("files", "other", "size", "size_of_other"), SPLIT_PAIRS)
def test_splits_of_pairs(tmp_path, made, files, other, size, size_of_other):
    path = made(tmp_path, files)
    assert seen(open_pairs(path)) == {"red, blue": size} and seen(open_pairs(path, split=other)) == {"yellow, black": size_of_other}
    with pytest.raises(ValueError, match="has no split 'extra'"):
        open_pairs(path, split="extra")


@pytest.mark.parametrize("folders", [("photo", "mask", "preview"), ("train/photo", "train/mask", "train/preview")])
def test_images_in_three_folders_are_not_halved(tmp_path, folders):
    path = as_folder(tmp_path, {name: content for folder in folders for name, content in some(folder, "red", 2).items()})
    with pytest.raises(ValueError, match="expected pairs in two folders of .*, found 3 folders: mask, photo, preview; leave two, or"):
        open_pairs(path)


@pytest.mark.parametrize("folders", [("a",), ("a", "b", "c")])
def test_images_with_two_sides_may_lie_in_folders(tmp_path, folders):
    path = as_folder(tmp_path, {name: content for folder in folders for name, content in some(folder, "red", 2, "blue").items()})
    pairs = open_pairs(path, resolution=8)
    assert seen(pairs) == {"red, blue": 2 * len(folders)}
    assert "8 x 8, 3 channels (stored as 4 x 4, 3 channels, halves of one image)" in describe(pairs)[0]


EQUAL_STEMS = [("A", "jpg", "red", "JPEG"), ("A", "png", "yellow", "PNG"), ("B", "jpg", "blue", "JPEG"), ("B", "png", "black", "PNG")]


def test_files_that_differ_in_their_endings_alone(tmp_path):
    files = {f"{side}/1.{ending}": picture(colour, kind=kind) for side, ending, colour, kind in EQUAL_STEMS}
    files |= {"A/2.png": picture("green"), "B/2.jpg": picture("green", kind="JPEG")}
    assert seen(open_pairs(as_folder(tmp_path, files))) == {"red, blue": 1, "yellow, black": 1, "green, green": 1}
    (tmp_path / "B" / "1.jpg").unlink()
    with pytest.raises(ValueError, match=r"A/1\.jpg has no partner"):
        open_pairs(tmp_path)


def test_a_picture_beside_the_folders_of_pairs(tmp_path):
    path = as_folder(tmp_path, some("A", "red", 2) | some("B", "blue", 2) | {"cover.png": picture("green")})
    with pytest.warns(UserWarning, match=r"1 of 5 images are beside A and B and left out, first cover\.png"):
        assert seen(open_pairs(path)) == {"red, blue": 2}


def test_pairs_in_folders_and_side_by_side_too(tmp_path):
    path = as_folder(tmp_path, some("A/train", "red", 2) | some("B/train", "blue", 2) | some("AB/train", "red", 2, "blue"))
    with pytest.warns(UserWarning, match=r"2 of 6 images are beside A and B and left out, first AB/0\.png"):
        assert seen(open_pairs(path)) == {"red, blue": 2}


def test_partners_whose_accents_are_composed_and_not(tmp_path):
    path = as_zip(tmp_path, {"A/\u00e9.png": picture("red"), "B/e\u0301.png": picture("blue")})
    assert seen(open_pairs(path)) == {"red, blue": 1}


@pytest.mark.parametrize("top", ["", "horse2zebra/"])
@pytest.mark.parametrize("names", [("trainA", "trainB", "testA", "testB"), ("A/train", "B/train", "A/test", "B/test"), ("train/horse",)])
def test_layouts_of_domains(tmp_path, top, names):
    first, second, *test = (*names, "train/zebra", "test/horse", "test/zebra")[:4]
    files = some(top + first, "red", 5) | some(top + second, "blue", 7) | some(top + test[0], "red", 1) | some(top + test[1], "blue", 2)
    path = as_zip(tmp_path, files)
    assert [seen(part) for part in open_domains(path).parts] == [{"red": 5}, {"blue": 7}]
    assert [seen(part) for part in open_domains(path, split="test").parts] == [{"red": 1}, {"blue": 2}]


def test_what_are_no_two_domains(tmp_path):
    with pytest.raises(ValueError, match=r"expected two domains in .*set\.zip, in folders such as trainA and trainB, found the folders A"):
        open_domains(as_zip(tmp_path, some("trainA", "red", 2) | some("testA", "red", 2)))
    with pytest.raises(ValueError, match="found 2 images without folders"):
        open_domains(as_zip(tmp_path, {"0.png": picture("red"), "1.png": picture("red")}))


def of_twelve_bits(folder, *names):
    """Pictures of 12 bits in 16: white on the left, mid grey on the right."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.repeat(np.array([[4095, 2048]], np.uint16), 8, axis=1).repeat(8, axis=0)).save(folder / name)
    return folder


SIDES = ("train/A/0.png", "train/B/0.png"), ("train/0.png",), ("trainA/0.png", "trainB/0.png")


@pytest.mark.parametrize(
    ("opened", "names"),
    [
        (open_pairs, SIDES[0]),
        (open_pairs, SIDES[1]),
        (open_domains, SIDES[2]),
        (lambda path, **options: open_domains(f"pairs:{path}", **options), SIDES[1]),
        *(
            (lambda path, system=system, prefix=prefix, **options: system.data(system.config(data=prefix + str(path), **options)), names)
            for system, prefix, names in (
                (pix2pix.SYSTEM, "", SIDES[0]),
                (cyclegan.SYSTEM, "", SIDES[2]),
                (cyclegan.SYSTEM, "pairs:", SIDES[1]),
                (discogan.SYSTEM, "", SIDES[2]),
            )
        ),
    ],
)
def test_what_files_may_be_is_passed_on(tmp_path, opened, names):
    source = opened(of_twelve_bits(tmp_path / "set", *names), resolution=16, channels=1, bit_depth=12)
    assert source.read(0)["input"].max() == 255
    for options, message in (
        ({"max_unpacked": 100}, "--max-unpacked"),
        ({"bit_depth": 17}, "bit_depth=17"),
        ({"bit_depth": 3}, "raise it"),
    ):
        with pytest.raises(ValueError, match=message), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            opened(tmp_path / "set", resolution=16, channels=1, **options).read(0)
