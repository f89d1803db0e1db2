import gzip
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from jgan.data import open_source

SHARED = pathlib.Path(__file__).parents[2] / ".." / "shared" / "data"


def shared(path):
    if not (SHARED / path).exists():
        pytest.skip(f"no {path} beside the repository")
    return SHARED / path


def png(colour, height=8, width=8, mode="RGB"):
    data = io.BytesIO()
    Image.new(mode, (width, height), colour).save(data, "PNG")
    return data.getvalue()


def noise(seed, size=16):
    data = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)).save(data, "PNG")
    return data.getvalue()


def as_folder(path, files):
    for name, data in files.items():
        (path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (path / "set" / name).write_bytes(data)
    return path / "set"


def as_zip(path, files):
    with zipfile.ZipFile(path / "set.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path / "set.zip"


def as_tar(suffix, mode):
    def write(path, files):
        with tarfile.open(path / f"set{suffix}", mode) as archive:
            for name, data in files.items():
                member = tarfile.TarInfo(f"./{name}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return path / f"set{suffix}"

    return write


CONTAINERS = {"folder": as_folder, "zip": as_zip, "tar": as_tar(".tar", "w"), "xz": as_tar(".tar.xz", "w:xz"), "gz": as_tar(".tgz", "w:gz")}
COLOURS = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}


def classes(prefix=""):
    return {f"{prefix}{name}/{number}.png": png(colour) for name, colour in COLOURS.items() for number in range(3)}


@pytest.fixture(params=CONTAINERS)
def container(request, tmp_path):
    return lambda files: CONTAINERS[request.param](tmp_path, files)


def test_folders_are_classes(container):
    source = open_source(container({**classes("set/"), "set/README.txt": b"about"}), labels=True)
    assert (source.size, source.spec.shape("image")) == (9, (8, 8, 3))
    assert [(name[-15:], reason) for name, reason in source.skipped] == [("/set/README.txt", "no image")]
    assert source.names == {"label": ("blue", "green", "red")} and source.spec.classes == 3
    assert source.columns["label"].dtype == np.int32 and source.columns["label"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for index, label in enumerate(source.columns["label"]):
        example = source.read(index)
        assert tuple(example["image"][0, 0]) == COLOURS[source.names["label"][label]] and example["label"] == label


def test_splits(container):
    test = {"test/red/0.png": png((9, 9, 9))}  # one class only: it has its number of the training split
    path = container({**classes("train/"), **test})
    assert open_source(path, labels=True).size == 9
    source = open_source(path, split="test", labels=True)
    assert (source.size, source.names["label"][source.columns["label"][0]], source.read(0)["image"].max()) == (1, "red", 9)
    with pytest.raises(ValueError, match="has no split 'val': expected one of those there are, 'train', 'test'"):
        open_source(path, split="val")


def test_listed_labels_go_before_folders(container):
    files = {"00/a.png": png("red"), "01/b.png": png("blue")}
    listing = json.dumps({"labels": [["01/b.png", 0], ["00/a.png", 3]]}).encode()
    source = open_source(container({**files, "dataset.json": listing}), labels=True)
    assert source.columns["label"].tolist() == [1, 0] and source.names["label"] == ("0", "3")


@pytest.mark.parametrize(
    ("labels", "message"), [([["a.png", 0]], "b.png is not listed in .*set.zip/dataset.json"), (None, "has no labels: .*--no-conditional")]
)
def test_listed_labels_must_be_whole(tmp_path, labels, message):
    path = as_zip(tmp_path, {"a.png": png("red"), "b.png": png("blue"), "dataset.json": json.dumps({"labels": labels}).encode()})
    with pytest.raises(ValueError, match=message):
        open_source(path, labels=True)


def test_a_folder_inside_an_archive(tmp_path):
    path = as_zip(tmp_path, {"trainA/x.png": png("red"), "trainB/y.png": png("blue")})
    assert tuple(open_source(path / "trainB").read(0)["image"][0, 0]) == (0, 0, 255)


def test_labels_wanted_or_not(tmp_path):
    path, bare = as_zip(tmp_path, classes()), as_folder(tmp_path, {"a.png": png("red")})
    assert open_source(path).columns == {} and open_source(path).names == {}
    assert open_source(path, labels=None).columns != {} and open_source(bare, labels=None).columns == {}
    with pytest.raises(ValueError, match="has no labels: put each class into a folder"):
        open_source(bare, labels=True)


def test_limit_takes_from_all_classes(tmp_path):
    source = open_source(as_folder(tmp_path, classes()), limit=3, labels=True)
    assert source.size == 3 and source.columns["label"].tolist() == [0, 1, 2]


def test_mixed_sizes(tmp_path):
    path = as_folder(tmp_path, {"a.png": png("red"), "b.png": png("blue", 6, 10)})
    with pytest.raises(ValueError, match=r"mixed sizes.*a\.png has \(8, 8\).*b\.png has \(6, 10\); pass resolution"):
        open_source(path)
    source = open_source(path, resolution=(4, 6))
    assert source.read(1)["image"].shape == source.spec.shape("image") == (4, 6, 3)


def test_mixed_channels(tmp_path):
    path = as_folder(tmp_path, {"a.png": png(7, mode="L"), "b.png": png("blue")})
    with pytest.raises(ValueError, match=r"mixed numbers of channels.*a\.png has 1.*b\.png has 3; pass channels"):
        open_source(path)
    assert [open_source(path, channels=channels).read(1)["image"].shape[2] for channels in (1, 3, 4)] == [1, 3, 4]


def test_unreadable_files_are_reported(container):
    files = {**classes(), "blue/broken.png": b"nothing", "red/old.bmp": b"BM"}
    with pytest.warns(UserWarning, match=r"2 of 11 files left out, first .*broken\.png: not a readable"):
        source = open_source(container(files), labels=True)
    assert source.size == 9 and [pathlib.Path(name).name for name, _ in source.skipped] == ["broken.png", "old.bmp"]
    assert source.columns["label"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_damaged_pixels_are_replaced_by_the_same_class(container):
    files = {f"{kind}/{number}.png": noise(number + 5 * (kind == "b")) for kind in "ab" for number in range(3)}
    files["a/2.png"] = files["a/2.png"][:-300]
    source = open_source(container(files), labels=True)
    with pytest.warns(UserWarning, match=r"2\.png is damaged and replaced") as record:
        first, again = (source.read(2)["image"] for _ in range(2))
    np.testing.assert_array_equal(first, source.read(0)["image"])  # the next of class a
    np.testing.assert_array_equal(first, again)
    assert len(record) == 1 and source.read(2)["label"] == 0 and [pathlib.Path(name).name for name in source.damaged] == ["2.png"]


def test_long_metadata_before_the_size(container):
    data = io.BytesIO()
    Image.new("RGB", (6, 4), "red").save(data, "JPEG", icc_profile=bytes(150_000))
    assert open_source(container({"a.jpg": data.getvalue()})).spec.shape("image") == (4, 6, 3)


def test_nothing_left_to_stand_in(tmp_path):
    source = open_source(as_folder(tmp_path, {"a.png": noise(0)[:-300]}))
    with pytest.warns(UserWarning, match="damaged"), pytest.raises(ValueError, match=r"no readable example is left.*a\.png"):
        source.read(0)["image"]


def test_reading_past_the_end(tmp_path):
    with pytest.raises(IndexError):
        open_source(as_folder(tmp_path, {"a.png": png("red")})).read(1)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"notes.txt": b"x"}, r"no images in .*set: found notes\.txt"),
        ({"b.png": b"x", "a.jpg": b"y"}, r"nothing readable in .*set \(2 unreadable\): the first is .*a\.jpg: not a readable"),
    ],
)
def test_no_readable_image(tmp_path, files, message):
    with pytest.raises(ValueError, match=message):
        open_source(as_folder(tmp_path, files))


def test_an_empty_folder(tmp_path):
    with pytest.raises(ValueError, match="found nothing"):
        open_source(tmp_path)


@pytest.mark.parametrize("spec", ["shape", "flowres", "tfds:cifr10"])
def test_unknown_specs_name_the_nearest(tmp_path, spec):
    (tmp_path / "flowers").mkdir()
    error, nearest = {
        "shape": (FileNotFoundError, "did you mean 'shapes'"),
        "flowres": (FileNotFoundError, "flowers'"),
        "tfds:cifr10": (ValueError, "did you mean tfds:cifar10"),
    }[spec]
    with pytest.raises(error, match=nearest):
        open_source(tmp_path / spec if spec == "flowres" else spec)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.xz", "a.tgz", "a.npz"])
def test_archives_that_are_none(tmp_path, name):
    (tmp_path / name).write_bytes(b"this is not an archive" * 9)
    with pytest.raises(ValueError, match=f"{name} is not a readable"):
        open_source(tmp_path / name)


def test_other_files_are_no_source(tmp_path):
    (tmp_path / "a.rar").write_bytes(b"")
    np.save(tmp_path / "a.npy", np.zeros((4, 8, 8, 3), np.uint8))
    for name, advice in (("a.rar", "give the folder of a single file"), ("a.npy", r"save it with np\.savez\(PATH, images")):
        with pytest.raises(ValueError, match=f"{name} is no known kind of source: expected a folder.*; {advice}"):
            open_source(tmp_path / name)


@pytest.mark.parametrize(("option", "value"), [("resolution", 0), ("resolution", (4, 5, 6)), ("channels", 2), ("limit", 0)])
def test_options_are_checked(option, value):
    with pytest.raises(ValueError, match=f"{option}="):
        open_source("shapes", **{option: value})


IMAGES = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3), np.uint8)


@pytest.mark.parametrize(
    ("arrays", "split"),
    [
        ({"images": IMAGES, "labels": np.arange(5)}, "train"),
        ({"x_train": IMAGES[:0], "y_train": np.arange(0), "x_test": IMAGES, "y_test": np.arange(5, dtype=np.uint8)}, "test"),
        ({"train_images": IMAGES, "train_labels": np.arange(5)[:, None]}, "train"),
    ],
)
def test_npz(tmp_path, arrays, split):
    np.savez(tmp_path / "set.npz", **arrays)
    source = open_source(tmp_path / "set.npz", split=split, labels=True)
    np.testing.assert_array_equal(np.stack([source.read(index)["image"] for index in range(5)]), IMAGES)
    assert source.columns["label"].tolist() == [0, 1, 2, 3, 4] and len(source.names["label"]) == 5


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": IMAGES / 255}, r"float64 \[5, 6, 7, 3\]: expected uint8"),
        ({"images": IMAGES.transpose(0, 3, 1, 2)}, "channels last"),
        ({"images": IMAGES, "labels": np.arange(4)}, "expected 5 integers"),
        ({"images": IMAGES, "labels": np.arange(5) - 1}, "reach from -1 to 3"),
        ({"pictures": IMAGES}, "no images for split 'train'"),
    ],
)
def test_npz_errors(tmp_path, arrays, message):
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        open_source(tmp_path / "set.npz", labels=True)


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape) + array.tobytes()


def test_idx(tmp_path):
    grey = IMAGES[..., 0]
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(grey)))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(5, dtype=np.uint8))))
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(grey[:2]))
    source = open_source(tmp_path, labels=True)
    assert (source.spec.shape("image"), source.size, source.columns["label"].tolist()) == ((6, 7, 1), 5, [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(source.read(3)["image"][..., 0], grey[3])
    assert open_source(tmp_path, split="test", channels=3, resolution=4).spec.shape("image") == (4, 4, 3)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(grey[:2])[:-1])
    with pytest.raises(ValueError, match=r"expected 84 bytes of numbers, found 83"):
        open_source(tmp_path, split="test")


def test_import_is_light():
    code = "import sys, jgan.data as d; d.resident(d.open_source('shapes', limit=8), batch=4, seed=0); print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert not {"PIL", "grain", "tensorflow_datasets", "tensorflow"} & set(modules.stdout.split())


@pytest.mark.parametrize(
    ("path", "options", "shape", "size", "classes"),
    [
        ("fashion_mnist", {"split": "test"}, (28, 28, 1), 10_000, 10),
        ("flowers/flowers_128.zip", {"limit": 50, "resolution": 64}, (64, 64, 3), 50, 5),
        ("emoji_noto/noto_emoji_72.zip", {"split": "test"}, (72, 72, 4), 197, 0),
        ("apples_oranges/apples_oranges_256.zip/trainB", {"limit": 9}, (256, 256, 3), 9, 0),
        pytest.param("cifar10/cifar10_jpeg.tar.xz", {"split": "test", "limit": 40}, (32, 32, 3), 40, 10, marks=pytest.mark.slow),
    ],
)
def test_real_sets(path, options, shape, size, classes):
    source = open_source(shared(path.split("/")[0]).parent / path, labels=None, **options)
    assert (source.spec.shape("image"), source.size, len(source.names.get("label", ()))) == (shape, size, classes)
    assert {reason for _, reason in source.skipped} <= {"no image"}
    images = [source.read(index)["image"] for index in range(0, size, max(1, size // 10))]
    assert all(image.shape == shape and image.std() > 1 for image in images)
    if classes:
        assert np.ptp(np.bincount(source.columns["label"])) == 0  # these sets are balanced
