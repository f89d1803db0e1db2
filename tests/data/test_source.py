import numpy as np
import pytest
from tests.data.sources import numbers, source_of

from jgan.data.source import by_turns, read_rows, spread


def test_rows_are_those_of_the_examples():
    fields = numbers(10)
    rows = read_rows(source_of(fields), np.asarray([7, 0, 7]))
    assert list(rows) == list(fields)
    for name, values in rows.items():
        np.testing.assert_array_equal(values, fields[name][[7, 0, 7]])
        assert values.dtype == fields[name].dtype


@pytest.mark.parametrize(("wanted", "read"), [(("label",), []), (("tokens", "label"), []), (("label", "image"), [4, 2]), ((), [])])
def test_columns_are_not_read(wanted, read):
    reads, fields = [], numbers(10)
    rows = read_rows(source_of(fields, ("label", "tokens"), reads=reads), np.asarray([4, 2]), wanted)
    assert tuple(rows) == wanted and reads == read
    for name in wanted:
        np.testing.assert_array_equal(rows[name], fields[name][[4, 2]])


def test_no_rows():
    rows = read_rows(source_of(numbers(4)), np.arange(0))
    assert {name: values.shape for name, values in rows.items()} == {
        "image": (0, 4, 6, 3),
        "label": (0,),
        "audio": (0, 20),
        "tokens": (0, 3),
    }


def test_an_unknown_field():
    with pytest.raises(ValueError, match="expected data with the field mask, found image, label, audio, tokens"):
        read_rows(source_of(numbers(4)), np.arange(2), ("mask",))


@pytest.mark.parametrize(
    ("tokens", "found"),
    [
        (np.zeros(1, np.int32), r"int32 \[1\]"),  # NumPy would repeat it
        (np.zeros(3, np.int64), r"int64 \[3\]"),
        (0.5, r"float64 \[\]"),
    ],
)
def test_examples_that_are_not_what_the_source_says(tokens, found):
    source = source_of(numbers(4), name="text")
    source = source._replace(read=lambda index: {"tokens": tokens})
    with pytest.raises(ValueError, match=rf"expected tokens of text as int32 \[3\], found {found}; correct its"):
        read_rows(source, np.arange(2), ("tokens",))


def test_the_memory_of_all_examples():
    assert source_of(numbers(10)).bytes == 10 * (4 * 6 * 3 + 4 + 20 * 4 + 3 * 4)


def test_the_spec_is_fields_and_names():
    source = source_of(numbers(4), names={"label": ("a", "b", "c")})
    assert source.spec.classes == 3 and source.spec.shape("audio") == (20,) and source.spec.fields["tokens"].dtype == np.int32


@pytest.mark.parametrize(("size", "count", "expected"), [(10, 3, [0, 3, 6]), (3, 3, [0, 1, 2]), (3, 7, [0, 1, 2, 0, 1, 2, 0]), (5, 0, [])])
def test_spread(size, count, expected):
    assert spread(size, count).tolist() == expected


@pytest.mark.parametrize(
    ("labels", "count", "expected"),
    [
        ([0, 0, 0, 1, 1, 2], 6, [0, 3, 5, 1, 4, 5]),  # classes take turns; the one example of class 2 comes again
        ([2, 2, 0, 2], 4, [2, 0, 2, 1]),  # a class that has no example is passed over
        ([0, 0, 1, 1], 2, [0, 2]),
        ([[0, 1], [1, 0], [1, 1], [0, 0]], 2, [0, 2]),  # attributes are no classes
    ],
)
def test_classes_take_turns(labels, count, expected):
    assert by_turns(source_of({"label": np.asarray(labels, np.int32)}, ("label",)), count).tolist() == expected


def test_without_labels_examples_are_evenly_spaced():
    assert by_turns(source_of(numbers(10)), 4).tolist() == [0, 2, 5, 7]
