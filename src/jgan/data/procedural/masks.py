"""Free-form masks: brush strokes and rectangles at random, of a share of the area that is drawn too.

Source: Yu et al. 2018, "Free-Form Image Inpainting with Gated Convolution", section 3.4 (https://arxiv.org/abs/1806.03589). A mask is a
function of DRAWS uniform numbers, of NumPy for data and of JAX inside of a step.
"""

from typing import Any

import jax
import numpy as np

from jgan.data.source import Source

PIECES = 4
SEGMENTS = (3, 8)  # of a stroke, from one vertex to the next
WIDTH = (0.047, 0.156)  # of a stroke; 12 to 40 of 256 pixels. Lengths are in units of the shorter side
LENGTH = (0.05, 0.25)  # of a segment
TURN = 1.2  # radians, largest change of direction from segment to segment
SIDE = (0.15, 0.5)  # of a rectangle
RECTANGLES = 0.25  # share of the pieces
BISECTIONS = 16  # until the edge is right to 1/500 of a pixel at 64 pixels
DRAWS = PIECES * (5 + 2 * SEGMENTS[1]) + 1


def free_form(uniforms: Any, height: int, width: int, area: tuple[float, float] = (0.15, 0.4)) -> Any:
    """Computes a mask, bool [height, width], true in the hole, whose share of the pixels lies in `area`, to rounding.

    Pieces are laid on each other until they cover the share that is drawn; then all edges move, by one distance, until it is exact.

    Args:
      uniforms: float32 [DRAWS] in [0, 1), of NumPy or JAX; the result is of the same.
      height, width: pixels.
      area: least and largest share of the pixels.

    >>> mask = free_form(draws(0), 64, 96)
    >>> mask.shape, bool(0.15 <= mask.mean() <= 0.4)
    ((64, 96), True)
    """
    library = uniforms.__array_namespace__()
    pieces = uniforms[1:].reshape(PIECES, -1)
    distances = library.stack([_distance(library, pieces[i], height, width) for i in range(PIECES)])
    covered = library.minimum.accumulate(distances, axis=0).reshape(PIECES, -1)
    pixels = _between(uniforms[0], area) * np.float32(height * width)
    enough = (covered < 0).sum(axis=1).astype(np.float32) >= pixels
    chosen = library.take(covered, library.where(enough.any(), enough.argmax(), PIECES - 1), axis=0)
    return (chosen < _quantile(library, chosen, pixels)).reshape(height, width)


def draws(index: int, seed: int = 0) -> np.ndarray:
    """Returns uniform numbers, float32 [DRAWS], a function of (index, seed) alone: raw Philox output, which no version of
    numpy may change.
    """
    raw = np.random.Philox(key=np.array([seed, index], np.uint64)).random_raw(DRAWS)
    return (raw >> np.uint64(40)).astype(np.float32) / np.float32(2**24)


def open_masks(size: int, height: int, width: int, area: tuple[float, float] = (0.15, 0.4), seed: int = 0) -> Source:
    """Opens `size` masks: `mask`, uint8 [height, width, 1], 255 in the hole and 0 elsewhere.

    Raises:
      ValueError: unless 0 < least <= largest < 1 of the area.

    >>> open_masks(10, 16, 16).read(3)["mask"].shape
    (16, 16, 1)
    """
    if not 0 < area[0] <= area[1] < 1:
        raise ValueError(f"expected two shares of the area between 0 and 1 for holes, the smaller first, found {area}")

    def read(index):
        hole = free_form(draws(range(size)[index], seed), height, width, area)
        return {"mask": np.where(hole, np.uint8(255), np.uint8(0))[..., None]}

    return Source("free-form masks", size, {"mask": jax.ShapeDtypeStruct((height, width, 1), np.uint8)}, read)


def _distance(library, u, height, width):
    """The distance in pixels from every pixel's centre to the edge of one piece [height, width], negative inside."""
    side = min(height, width)
    x = (np.arange(width, dtype=np.float32)[None, :] + np.float32(0.5)) / np.float32(side)
    y = (np.arange(height, dtype=np.float32)[:, None] + np.float32(0.5)) / np.float32(side)
    start = u[1] * np.float32(width / side), u[2] * np.float32(height / side)
    rectangle = _rectangle(library, u[3:5], start, x, y)
    stroke = _stroke(library, u[3:], start, x, y)
    return library.where(u[0] < RECTANGLES, rectangle, stroke) * np.float32(side)


def _rectangle(library, u, centre, x, y):
    across, down = (library.abs(a - c) for a, c in zip((x, y), centre, strict=True))
    return library.maximum(across - _between(u[0], SIDE) / 2, down - _between(u[1], SIDE) / 2)


def _stroke(library, u, start, x, y):
    """To the nearest of the segments, less half the width."""
    half, count = _between(u[0], WIDTH) / 2, _between(u[1], (SEGMENTS[0], SEGMENTS[1] + 1))
    lengths, turns = (_between(part, span) for part, span in ((u[2::2], LENGTH), (u[3::2], (-TURN, TURN))))
    angles = library.cumsum(library.concat([turns[:1] * np.float32(np.pi / TURN), turns[1:]]))
    lengths = library.where(np.arange(1, SEGMENTS[1] + 1, dtype=np.float32) <= count, lengths, np.float32(0))  # the rest stay at the end
    steps = lengths * library.cos(angles), lengths * library.sin(angles)
    across, down = (library.cumsum(step) - step + first for step, first in zip(steps, start, strict=True))  # where segments begin
    across, down = x[None] - across[:, None, None], y[None] - down[:, None, None]
    along, up = (step[:, None, None] for step in steps)
    t = library.clip((across * along + down * up) / (library.square(along) + library.square(up) + np.float32(1e-12)), 0, 1)
    squares = library.square(across - t * along) + library.square(down - t * up)
    return library.sqrt(squares.min(axis=0)) - half


def _quantile(library, values, count):
    """The number below which `count` values lie, by bisection: sorting is slow in XLA."""
    low, high = values.min(), values.max()
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        below = (values < middle).sum().astype(np.float32) < count
        low, high = library.where(below, middle, low), library.where(below, high, middle)
    return high


def _between(uniform, span):
    return np.float32(span[0]) + np.float32(span[1] - span[0]) * uniform
