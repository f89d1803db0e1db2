"""The collection of inputs that once went wrong, where it lies beside the repository; the same layouts are made small in other tests."""

import pathlib
import warnings

import pytest
from tests.data.colours import seen

from jgan.data import open_domains, open_pairs, open_source

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
