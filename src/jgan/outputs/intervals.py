"""Numbers with their intervals as a picture."""

from collections.abc import Mapping

import numpy as np

ROW, GAP, PLACE = 18, 10, 360  # pixels: the height of a row, above the first and below the last, the width of the numbers
COLOURS = {"above": "#3b8a3b", "below": "#c8501e", "both": "#8c8c8c"}


def draw_intervals(rows: Mapping[str, tuple[float, float, float]], title: str = "") -> np.ndarray:
    """Draws numbers as points on lines from low to high, a row each, beside a line at 0; returns uint8 [H, W, 3].

    Intervals above 0 are green, below 0 red, and grey around it.

    Args:
      rows: name -> (number, low, high).
      title: written above.

    >>> draw_intervals({"10: classic": (0.5, -0.1, 1.0)}, "gain").shape[0]
    56
    """
    from PIL import Image, ImageDraw

    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    left = 20 + int(max(pen.textlength(name) for name in (*rows, "")))
    picture = Image.new("RGB", (left + PLACE + GAP, 2 * GAP + ROW * (1 + len(rows))), "white")
    pen, reach = ImageDraw.Draw(picture), max(1e-9, *(abs(number) for row in rows.values() for number in row))

    def across(number):
        return left + (number / reach + 1) * PLACE / 2

    pen.text((4, 4), title, "black")
    pen.line((across(0), ROW, across(0), picture.height - GAP), "black")
    for number, (name, (mean, low, high)) in enumerate(rows.items()):
        y = GAP + ROW * (number + 1.5)
        colour = COLOURS["above" if low > 0 else "below" if high < 0 else "both"]
        pen.text((4, y - 6), name, "black")
        pen.line((across(low), y, across(high), y), colour, 3)
        pen.ellipse((across(mean) - 4, y - 4, across(mean) + 4, y + 4), colour)
    return np.asarray(picture)
