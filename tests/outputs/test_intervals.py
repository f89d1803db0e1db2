import numpy as np

from jgan.outputs.intervals import draw_intervals


def test_intervals_are_coloured_by_their_side_of_zero():
    rows = {"above": (1.0, 0.5, 2.0), "below": (-1.0, -2.0, -0.5), "around": (0.1, -1.0, 1.0)}
    picture = draw_intervals(rows, "gains")
    colours = {tuple(colour) for colour in picture.reshape(-1, 3).tolist()}
    assert picture.dtype == np.uint8 and {(59, 138, 59), (200, 80, 30), (140, 140, 140)} <= colours
    green = np.flatnonzero((picture == (59, 138, 59)).all(axis=2).any(axis=0))
    red = np.flatnonzero((picture == (200, 80, 30)).all(axis=2).any(axis=0))
    assert red.max() < green.min()
