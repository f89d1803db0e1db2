"""The collection of inputs that once went wrong, where it lies beside the repository; the same layouts are made small in other tests."""

import json
import os
import pathlib
import subprocess
import sys
import warnings

import pytest
from PIL import features
from tests.data.colours import seen

from jgan.commands.compare import Sets, compare
from jgan.commands.translate import read_images
from jgan.data import open_domains, open_pairs, open_source
from jgan.models.pretrained.files import read_weights

INPUTS = pathlib.Path(__file__).parents[2] / ".." / "shared" / "inputs"


def of(names, colours, counts=(4, 4, 4)):
    return {f"{name}, {colour}": count for name, colour, count in zip(names, colours, counts, strict=False)}


LISTED = of("012", ("blue", "red", "green"))
COLOURS = of(("blue", "green", "red"), ("blue", "green", "red"))
OTHERS = {name: 3 for name in COLOURS}
SOURCES = [  # path, split, what is seen with labels
    ("dataset_json_below_top_folder.zip", "train", LISTED),
    ("dataset_json_below_top_folder_macos.zip", "train", LISTED),
    ("dataset_json_below_top_folder", "train", LISTED),
    ("dataset_json_below_top_folder.zip/mydata", "train", LISTED),
    ("dataset_json_in_each_split.zip", "train", of("01", ("blue", "red"), (3, 3))),
    ("dataset_json_in_each_split.zip", "test", of("01", ("blue", "red"), (3, 3))),
    ("dataset_json_in_each_split.zip/train", "train", of("01", ("blue", "red"), (3, 3))),
    ("dataset_json_one_hot.zip", "train", LISTED),
    ("dataset_json_class_names.zip", "train", COLOURS),
    ("dataset_json_whole_floats.zip", "train", LISTED),
    ("dataset_json_backslashes.zip", "train", LISTED),
    ("dataset_json_names_composed_otherwise.zip", "train", of("01", ("red", "blue"), (2, 2))),
    ("dataset_json_lists_absent_file.zip", "train", LISTED),
    ("label_of_fifty_million", "train", of(("0", "50000000"), ("red", "blue"), (1, 1))),
    ("label_of_20_digits.zip", "train", of(("0", "9" * 20), ("red", "blue"), (1, 1))),
    ("label_of_2_to_the_40.npz", "train", of(("0", "1", str(2**40)), ("red", "green", "blue"))),
    ("labels_from_one.npz", "train", of("123", ("red", "green", "blue"))),
    ("labels_from_one.zip", "train", of("123", ("blue", "red", "green"))),
    ("labels_with_gap.npz", "train", of("059", ("red", "green", "blue"))),
    ("labels_with_gap.zip", "train", of(("0", "1", "907"), ("blue", "red", "green"))),
    ("labels_with_gap_in_test_too.npz", "test", of("59", ("green", "blue"))),
    ("numbers_as_class_names", "train", of(("1", "2", "10"), ("red", "green", "blue"))),
    ("stray_picture_beside_classes", "train", COLOURS),
    ("train_val_classes", "train", COLOURS),
    ("train_val_classes", "val", OTHERS),
    ("Train_Test_classes", "train", COLOURS),
    ("Train_Test_classes", "test", OTHERS),
    ("training_testing_classes", "train", COLOURS),
    ("training_testing_classes", "test", OTHERS),
    ("TRAIN_TEST_classes.zip", "train", COLOURS),
    ("train_valid_test_classes", "valid", OTHERS),
    ("train_val_without_classes", "train", {"red": 4}),
    ("train_val_without_classes", "val", {"blue": 2}),
    ("system_folders", "train", of(("red", "green"), ("red", "green"), (3, 3))),
    ("zip_entries_dot_slash.zip", "train", of("ab", ("red", "blue"))),
    ("zip_entries_backslash.zip", "train", COLOURS),
]
PAIRS = [  # path, split, what is seen
    ("pairs_train_val_side_by_side", "train", {"red, blue": 6}),
    ("pairs_train_val_side_by_side", "val", {"yellow, black": 6}),
    ("pairs_train_val_unequal", "train", {"red, blue": 8}),
    ("pairs_train_val_unequal", "val", {"yellow, black": 3}),
    ("pairs_folders_with_splits", "train", {"red, blue": 4}),
    ("pairs_folders_with_splits", "test", {"yellow, black": 2}),
    ("pairs_equal_stems", "train", {"red, blue": 1, "yellow, black": 1}),
]
WRONG = ["dataset_json_float_vectors.zip", "dataset_json_one_unlisted.zip", "npz_scalar_labels.npz", "idx_scalar_labels"]
LEFT_OUT = [  # path, what is seen without labels, files that are named
    ("exif_malformed", {"red": 3, "blue": 3}, []),
    ("other_endings", {"red": 4}, []),
    ("other_formats", {"red": 6 if features.check("avif") else 5}, ["red.jp2", "red.ppm"]),
    ("wrong_ending", {"red": 2}, ["empty.png", "html_named_jpg.jpg"]),
    ("zip_member_lzma_damaged.zip", {"red": 1, "blue": 1}, ["a/1.png"]),
    ("zip_member_lzma_options_damaged.zip", {"red": 1, "blue": 1}, ["a/1.png"]),
]
DAMAGED = [*sorted(path.name for path in INPUTS.glob("npz_*.npz") if "scalar" not in path.name and "magic_damaged" not in path.name)]
DAMAGED += ["zip_members_before_start_of_file.zip", "idx_gz_damaged"]
WEIGHTS = sorted(path.name for path in INPUTS.glob("weights/*"))
BOMBS = {  # path: (what is seen, or None for an error), text of the error or the warning
    "zip_picture_of_1500_mb.zip": ({"red": 1}, "b.png"),
    "zip_lzma_picture_of_400_mb.zip": ({"red": 1}, "b.png"),
    "zip_dataset_json_of_1500_mb.zip": ({"red": 1}, "dataset.json would unpack to 1,500.0 MB"),
    "tar_gz_of_1200_mb.tar.gz": (None, "would unpack to 1,200.0 MB"),
    "tar_bz2_of_1200_mb.tar.bz2": (None, "would unpack to 1,200.0 MB"),
    "npz_of_1600_mb.npz": (None, "would unpack to 1,600.0 MB"),
    "idx_gz_of_600_mb": (None, "train-images-idx3-ubyte.gz"),
    "weights_storage_of_800_mb.pth": (None, "weights_storage_of_800_mb.pth: the sum of its tensors would unpack to 800.0 MB"),
    "pictures_that_claim_much": ({"red": 1}, "3 of 4 files left out"),
    "folder_link_upwards": ({"red": 1}, "pictures/up is a link to a folder that it is in"),
    "named_pipe": ({"red": 1}, "1.png is no regular file"),
    "label_of_20240131.npz": ({"0, black": 1, "1, black": 1, "20240131, black": 1}, ""),
}
CHILD = """
import json, sys, time, warnings
from jgan.data import open_source
from jgan.models.pretrained.files import read_weights
from tests.data.colours import seen
from tests.data.mutations import peak_megabytes
began, path = time.process_time(), sys.argv[1]
with warnings.catch_warnings(record=True) as record:
    warnings.simplefilter("always")
    try:
        found, text = read_weights(path) if path.endswith(".pth") else seen(open_source(path, labels=None)), ""
    except ValueError as error:
        found, text = None, str(error)
said = [text, *(str(warning.message) for warning in record)]
megabytes = peak_megabytes()
print(json.dumps({"found": found, "said": said, "seconds": time.process_time() - began, "megabytes": megabytes}))
"""
MALFORMED = sorted(path.relative_to(INPUTS).as_posix() for path in INPUTS.glob("dataset_json_malformed/*.zip"))


@pytest.fixture(autouse=True)
def there():
    if not INPUTS.exists():
        pytest.skip("no ../shared/inputs beside the repository")


@pytest.mark.parametrize(("path", "split", "expected"), SOURCES)
def test_sources(path, split, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert seen(open_source(INPUTS / path, labels="without_classes" not in path, split=split)) == expected


@pytest.mark.parametrize(("path", "split", "expected"), PAIRS)
def test_pairs(path, split, expected):
    assert seen(open_pairs(INPUTS / path, split=split)) == expected


def test_domains():
    assert [seen(part) for part in open_domains(INPUTS / "domains_below_top_folder.zip").parts] == [{"red": 5}, {"blue": 7}]


@pytest.mark.parametrize("path", [*WRONG, *MALFORMED])
def test_labels_that_are_wrong(path):
    with pytest.raises(ValueError, match=path.split("/")[-1]) as error:
        open_source(INPUTS / path, labels=True)
    assert not path.startswith("dataset_json") or "dataset.json" in str(error.value)
    with pytest.warns(UserWarning, match="is opened without labels"):
        sizes = {open_source(INPUTS / path, labels=labels, resolution=16).size for labels in (None, False)}
    assert len(sizes) == 1


@pytest.mark.parametrize(("path", "expected", "named"), LEFT_OUT)
def test_files_that_are_left_out_are_named(path, expected, named):
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        assert seen(open_source(INPUTS / path, channels=3)) == expected
    assert len(record) == bool(named) and all(name in str(record[0].message) for name in named)


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("path", DAMAGED)
def test_damaged_sets(path, labels):
    with pytest.raises(ValueError, match=path):
        open_source(INPUTS / path, labels=labels)


def test_damaged_labels_alone():
    path = INPUTS / "npz_member_magic_damaged.npz"
    assert open_source(path).size == 4
    with pytest.raises(ValueError, match=path.name):
        open_source(path, labels=True)


@pytest.mark.parametrize("path", WEIGHTS)
def test_damaged_weights(path):
    with pytest.raises(ValueError, match=path):
        read_weights(INPUTS / "weights" / path)


def test_greys_of_twelve_bits():
    with pytest.warns(UserWarning, match="greys of 16 bits reach 4095 of 65535 .*--bit-depth 12"):
        open_source(INPUTS / "png_12_bits_in_16")
    source = open_source(INPUTS / "png_12_bits_in_16", bit_depth=12)
    assert max(source.read(index)["image"].max() for index in range(source.size)) == 255


def test_one_class():
    with pytest.raises(ValueError, match="one_folder_of_photos has no labels.*--no-conditional"):
        open_source(INPUTS / "one_folder_of_photos", labels=True)


def test_a_stray_picture_is_named():
    with pytest.warns(UserWarning, match=r"cover\.png; they are left out"):
        open_source(INPUTS / "stray_picture_beside_classes", labels=True)


def test_a_listed_file_that_is_not_there_is_named():
    with pytest.warns(UserWarning, match=r"dataset\.json lists 1 of 13 pictures that are not there, first gone\.png"):
        open_source(INPUTS / "dataset_json_lists_absent_file.zip", labels=True)


def test_classes_are_compared_by_name():
    with pytest.raises(ValueError, match="10.* blue"):
        compare("intra_class_frechet", Sets(str(INPUTS / "numbers_as_class_names"), str(INPUTS / "colours_as_class_names")))


def test_translations_of_equal_stems():
    found = {name: image.shape[1::-1] for name, image in read_images(INPUTS / "translate_equal_stems", 3)}
    assert found == {"photo.jpg.png": (40, 30), "photo.png.png": (50, 20), "photo.webp.png": (20, 20)}


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    subprocess.run([sys.executable, str(INPUTS / "make_large.py"), str(folder)], check=True)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("path", BOMBS)
def test_large_inputs_take_little(large, path):
    environment = os.environ | {"PYTHONPATH": ":".join(sys.path)}
    child = subprocess.run([sys.executable, "-c", CHILD, str(large / path)], capture_output=True, text=True, env=environment, check=True)
    result = json.loads(child.stdout)
    expected, text = BOMBS[path]
    assert result["found"] == expected and (not text or path in result["said"][expected is not None])
    assert text in " ".join(result["said"]) and len(result["said"]) == (2 if expected and text else 1)
    assert result["megabytes"] < 300 and result["seconds"] < 5
