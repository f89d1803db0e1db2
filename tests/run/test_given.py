"""Classes by name and by number; seeds."""

import jax
import numpy as np
import pytest

from jgan.run.given import label_numbers, seed_numbers, token_numbers

NAMES = ("0", "5", "cat")


@pytest.mark.parametrize(("given", "number"), [("5", 1), (1, 1), ("cat", 2), ("2", 2), ("0", 0), (np.int64(2), 2)])
def test_names_win_and_numbers_follow(given, number):
    assert label_numbers(given, NAMES).tolist() == number
    assert label_numbers([given, "cat"], NAMES).tolist() == [number, 2]


@pytest.mark.parametrize("given", ["dog", 3, "7", -1, "-1", 1.5])
def test_the_classes_are_listed_with_their_numbers(given):
    with pytest.raises(ValueError, match=f"unknown class {given!r}: expected a name or a number of 0 0, 1 5, 2 cat$"):
        label_numbers(given, NAMES)


def test_long_lists_are_cut():
    with pytest.raises(ValueError, match=r"99 c99, \.\.\.$"):
        label_numbers("x", [f"c{i}" for i in range(1000)])


@pytest.mark.parametrize("seeds", [2**63, -1, [0, 2**64]])
def test_numbers_that_are_no_seeds(seeds):
    with pytest.raises(ValueError, match="expected a seed from 0 to 9223372036854775807, found"):
        seed_numbers(seeds)


def test_seeds_are_whole():
    assert seed_numbers([2**63 - 1, np.uint32(3)]).tolist() == [2**63 - 1, 3]
    with pytest.raises(TypeError, match="'float' object cannot be interpreted as an integer"):
        seed_numbers([0.5])


@pytest.mark.parametrize(
    ("text", "names", "numbers"),
    [
        ("a red moon", ("<end>", "a", "moon", "red"), [1, 3, 2, 0]),
        ("moon moon moon moon", ("a", "moon"), [1, 1, 1, 1]),
        ("abba", ("<end>", "a", "b"), None),
        ("ab", ("<end>", "a", "b"), [1, 2, 0, 0]),
    ],
)
def test_text_by_the_vocabulary(text, names, numbers):
    field = jax.ShapeDtypeStruct((4,), np.int32)
    if numbers is None:
        with pytest.raises(ValueError, match="expected caption of 1 to 3 characters, found 4: 'abba'"):
            token_numbers("caption", text, names, field)
    else:
        assert token_numbers("caption", text, names, field).tolist() == numbers


def test_an_unknown_word_is_named_with_its_nearest():
    with pytest.raises(ValueError, match="expected caption in words of the data, found mon; the nearest known are moon"):
        token_numbers("caption", "a mon", ("<end>", "a", "moon"), jax.ShapeDtypeStruct((4,), np.int32))
