import numpy as np
import pytest

from jgan.outputs.columns import GAP, WIDE_GAP, labelled_columns, together
from jgan.outputs.images import grid


def levels(n, height, width, channels, seed=0):
    return np.random.default_rng(seed).integers(0, 200, (n, height, width, channels), np.uint8)


LARGE = levels(3, 60, 80, 3)


def body(picture, height):
    """Without the labels, whose height the number of rows and of pixels above them leave over."""
    return picture[picture.shape[0] - height :]


@pytest.mark.parametrize(
    ("images", "shown"),
    [
        (levels(3, 60, 80, 3, 1), lambda x: x),
        (levels(3, 60, 80, 1, 1), lambda x: x.repeat(3, -1)),
        (levels(3, 15, 20, 3, 1), lambda x: x.repeat(4, 1).repeat(4, 2)),
        (levels(3, 15, 20, 1, 1), lambda x: x.repeat(4, 1).repeat(4, 2).repeat(3, -1)),
        (levels(3, 30, 20, 3, 1), lambda x: np.pad(x.repeat(2, 1).repeat(2, 2), ((0, 0), (0, 0), (20, 20), (0, 0)), constant_values=255)),
        (levels(3, 25, 40, 3, 1), lambda x: np.pad(x.repeat(2, 1).repeat(2, 2), ((0, 0), (5, 5), (0, 0), (0, 0)), constant_values=255)),
    ],
    ids=["same", "grey", "smaller", "smaller and grey", "narrow", "low"],
)
def test_sizes_and_channels(images, shown):
    found = body(labelled_columns({"input": images, "output": LARGE}, columns=1), 3 * 60 + 2 * GAP)
    for i in range(3):
        top = i * (60 + GAP)
        np.testing.assert_array_equal(found[top : top + 60, :80], shown(images)[i])
        np.testing.assert_array_equal(found[top : top + 60, 80 + GAP :], LARGE[i])
    assert (found[:, 80 : 80 + GAP] == 255).all()


def test_several_examples_per_row():
    picture = labelled_columns({"a": LARGE, "b": LARGE}, columns=2)
    found = body(picture, 2 * 60 + GAP)
    second = 160 + GAP + WIDE_GAP
    assert picture.shape[1] == 2 * (160 + GAP) + WIDE_GAP
    np.testing.assert_array_equal(found[:60, second : second + 80], LARGE[1])
    np.testing.assert_array_equal(found[60 + GAP :, :80], LARGE[2])
    assert (found[60 + GAP :, second:] == 255).all()


def test_transparency_stays_beside_opaque_images():
    found = body(labelled_columns({"a": levels(1, 60, 80, 4), "b": LARGE[:1], "c": levels(1, 60, 80, 1)}), 60)
    np.testing.assert_array_equal(found[:, :80], levels(1, 60, 80, 4)[0])
    assert found.shape[-1] == 4 and (found[:, 80:, 3] == 255).all()


@pytest.mark.parametrize("size", [1, 8, 28, 64, 400])
def test_labels_are_whole_and_above_their_columns(size):
    images = {name: np.zeros((2, size, size, 1), np.uint8) for name in ("input", "a_long_name")}
    picture = labelled_columns(images, columns=2)
    column = (picture.shape[1] - 2 * GAP - WIDE_GAP) // 4
    ink = (picture[:-column, :, 0] < 128).any(axis=0)
    places = [0, column + GAP, 2 * column + GAP + WIDE_GAP, 3 * column + 2 * GAP + WIDE_GAP]
    widths = [np.flatnonzero(ink[place : place + column]) for place in places]
    assert all(len(w) and w[0] >= 1 and w[-1] < column - 1 for w in widths)
    assert widths[0].tolist() == widths[2].tolist()
    assert len(widths[1]) > len(widths[0])


def test_labels_grow_with_the_picture():
    small, large = (labelled_columns({"a": i, "b": i}, columns=1) for i in (levels(1, 64, 64, 1), levels(8, 512, 512, 1)))
    assert large.shape[0] - 8 * (512 + GAP) > 2 * (small.shape[0] - 64)


def test_about_square():
    height, width, _ = labelled_columns({"a": levels(64, 32, 64, 1), "b": levels(64, 32, 64, 1)}).shape
    assert 0.6 < height / width < 1.5


def test_one_output_is_a_plain_grid():
    np.testing.assert_array_equal(together({"image": LARGE}, 2), grid(LARGE, 2))


def test_different_numbers_of_examples():
    with pytest.raises(ValueError, match="same number of examples.*'a': 3, 'b': 2"):
        labelled_columns({"a": LARGE, "b": LARGE[:2]})
