import numpy as np
import pytest

from jgan.outputs.text import tokens

WORDS = ("<end>", "a", "red", "cat")


def lines(kind, values):
    (content,) = kind.files(kind.check("text", np.asarray(values)), None).values()
    assert content == kind.formats[".txt"](np.asarray(values), None)
    return content.decode().split("\n")


@pytest.mark.parametrize(
    ("settings", "values", "expected"),
    [
        ({}, [[1, 2, 3]], ["a red cat"]),
        ({}, [[1, 3], [3, 0]], ["a cat", "cat <end>"]),
        ({"end": "<end>"}, [[1, 3, 0, 2], [0, 1, 1, 1], [1, 1, 1, 1]], ["a cat", "", "a a a a"]),
        ({"separator": ""}, [[1, 3]], ["acat"]),
        ({"separator": "\n"}, [[1, 3]], ["a\\ncat"]),
    ],
)
def test_lines(settings, values, expected):
    assert lines(tokens(WORDS, **settings), values) == [*expected, ""]


@pytest.mark.parametrize(("name", "shown"), [("\n", "\\n"), ("\u2028", "\\u2028"), ("\ud800", "\\ud800"), ("é", "é"), ("猫", "猫")])
def test_characters_that_would_break_lines_or_files(name, shown):
    assert lines(tokens((name, "x"), separator=""), [[1, 0, 1]]) == [f"x{shown}x", ""]


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_integers(dtype):
    assert lines(tokens(WORDS), np.asarray([[3]], dtype))[0] == "cat"


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (np.zeros((0, 4), np.int32), ValueError, "text: expected tokens"),
        (np.zeros(4, np.int32), ValueError, r"text: expected tokens \[N, T\]"),
        (np.zeros((2, 4), np.float32), TypeError, "text: expected integers, found float32"),
        (np.asarray([[0, 4]]), ValueError, "tokens from 0 to 3, the vocabulary's names, found 4"),
        (np.asarray([[0, -1]]), ValueError, "found -1"),
    ],
)
def test_refused(values, error, message):
    with pytest.raises(error, match=message):
        tokens(WORDS).check("text", values)


@pytest.mark.parametrize(("names", "end", "message"), [((), None, "names of a vocabulary"), (("a",), "b", "one of the 1 names.*found 'b'")])
def test_refused_vocabularies(names, end, message):
    with pytest.raises(ValueError, match=message):
        tokens(names, end=end)
