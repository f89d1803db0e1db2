"""A table of shares as a picture."""

from collections.abc import Mapping

import numpy as np

CELL, LINE = 26, 14  # pixels: the side of a cell, and the height of a line of text


def draw_matrix(shares: Mapping[str, Mapping[str, float]]) -> np.ndarray:
    """Draws shares by row and column, in per cent, the darker the larger; returns uint8 [H, W, 3].

    Args:
      shares: row -> column -> a share from 0 to 1; every row has the columns of the first.

    >>> draw_matrix({"smile": {"smile": 1.0, "hat": 0.25}, "hat": {"smile": 0.0, "hat": 0.5}}).shape[2]
    3
    """
    from PIL import Image, ImageDraw

    columns = list(next(iter(shares.values())))
    left, top = (10 + int(max(ImageDraw.Draw(Image.new("RGB", (1, 1))).textlength(name) for name in some)) for some in (shares, columns))
    picture = Image.new("RGB", (left + CELL * len(columns), top + CELL * len(shares)), "white")
    pen = ImageDraw.Draw(picture)
    for row, (name, of_row) in enumerate(shares.items()):
        pen.text((4, top + row * CELL + (CELL - LINE) // 2), name, "black")
        for column, of_column in enumerate(columns):
            share, corner = of_row[of_column], (left + column * CELL, top + row * CELL)
            blue = tuple(round(255 - share * (255 - dark)) for dark in (31, 95, 168))
            pen.rectangle((*corner, corner[0] + CELL - 2, corner[1] + CELL - 2), blue)
            pen.text((corner[0] + 6, corner[1] + 6), f"{100 * share:.0f}", "white" if share > 0.5 else "black")
    upright = Image.new("RGB", (top, CELL * len(columns)), "white")
    for column, name in enumerate(columns):
        ImageDraw.Draw(upright).text((4, column * CELL + (CELL - LINE) // 2), name, "black")
    picture.paste(upright.transpose(Image.Transpose.ROTATE_90), (left, 0))
    return np.asarray(picture)
