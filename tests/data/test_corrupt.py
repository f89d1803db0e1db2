"""Pairs made of images alone."""

import numpy as np
import pytest

from jgan.data import open_source
from jgan.data.corrupt import corrupted, grey, reduced, whole_parts
from jgan.ops.colour import rgb_to_lab
from jgan.ops.images import to_float

IMAGE = np.random.default_rng(0).integers(0, 256, (16, 12, 3), np.uint8)


def test_grey_has_the_lightness_of_the_image():
    expected, found = (np.asarray(rgb_to_lab(to_float(image)))[..., 0] for image in (IMAGE, grey(IMAGE).repeat(3, axis=2)))
    np.testing.assert_allclose(found, expected, atol=0.3)  # half a level of grey, where the dark ones are furthest apart


def test_every_grey_stays_as_it_is():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    np.testing.assert_array_equal(grey(levels.repeat(3, axis=2)), levels)


def test_equal_luma_colours_are_one_grey():
    source = open_source("shapes:equal-luma", resolution=64, limit=20)
    pairs = corrupted(source, grey)
    greys = [set(np.unique(pairs.read(i)["input"][(pairs.read(i)["target"].std(axis=2) > 5)])) for i in range(20)]
    assert set.union(*greys) <= {135, 136, 137} and all(len(found) == 1 for found in greys)


def test_pairs_keep_what_else_there_is():
    source = open_source("shapes", resolution=16, limit=6, labels=True)
    pairs = corrupted(source, grey)
    assert list(pairs.fields) == ["input", "target", "label"] and pairs.names == source.names
    np.testing.assert_array_equal(pairs.columns["label"], source.columns["label"])
    np.testing.assert_array_equal(pairs.read(3)["target"], source.read(3)["image"])


def test_reduced_is_the_antialiased_cubic_of_keys():
    factor = 4
    places = (np.arange(4)[:, None] + 0.5) * factor - 0.5 - np.arange(16)[None]
    x = np.abs(places) / factor
    weights = np.where(x < 1, 1.5 * x**3 - 2.5 * x**2 + 1, np.where(x < 2, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, 0))
    weights /= weights.sum(axis=1, keepdims=True)
    image = IMAGE[:, :1].repeat(16, axis=1)  # of equal columns
    expected = np.clip(np.einsum("ij,jkc->ikc", weights, image.astype(float)), 0, 255)
    np.testing.assert_allclose(reduced(image, factor), expected[:, :4], atol=1.01)


@pytest.mark.parametrize("channels", [1, 3])
def test_reduced_keeps_channels(channels):
    assert reduced(IMAGE[..., :channels], 4).shape == (4, 3, channels)


def test_sizes_that_do_not_fit():
    with pytest.raises(ValueError, match="multiples of 5 pixels, found 16 x 12; crop"):
        reduced(IMAGE, 5)
    assert whole_parts(IMAGE, 5).shape == (15, 10, 3)
