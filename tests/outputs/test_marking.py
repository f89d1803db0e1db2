"""Marks of generated pictures."""

import numpy as np
import pytest

from jgan.outputs.marking import MARK, marked


@pytest.mark.parametrize(("shape", "scale"), [((7, 9, 1), 1), ((3, 64, 64, 3), 1), ((128, 200, 3), 2), ((2, 512, 64, 3), 7)])
def test_the_mark_is_in_the_corner_and_nothing_else_changes(shape, scale):
    images = np.full(shape, 100, np.uint8)
    found = marked(images)
    height, width = (side * scale for side in MARK.shape)
    corner = found[..., shape[-3] - height :, shape[-2] - width :, 0]
    assert set(np.unique(corner)) == {0, 255} and (corner[..., ::scale, ::scale] == MARK).all()
    assert (found != images).any(axis=-1).sum() == corner.size and (images == 100).all()


def test_images_smaller_than_the_mark():
    with pytest.raises(ValueError, match="expected images of 7 x 9 pixels or more to mark, found 6 x 9"):
        marked(np.zeros((6, 9, 3), np.uint8))
