"""Two domains with one attribute in common: red hearts and blue moons, each turned by a random angle that is known."""

import jax
import numpy as np

from jgan.data.combine import unpaired
from jgan.data.procedural import shapes
from jgan.data.source import Source

DOMAINS = ("heart", "red"), ("moon", "blue")  # neither kind looks alike at two angles
SIZES = {"train": 4000, "test": 1000}  # images of each
MOST = np.pi * 75 / 180  # radians, either way


def scene(split: str, domain: int, index: int) -> shapes.Scene:
    """Returns the attributes of an image; the angles of the two domains are drawn apart.

    >>> abs(scene("train", 0, 3).shapes[0].angle) <= MOST
    True
    """
    return at(shapes.Draws(shapes.FIRST[split] + index, domain).between(-MOST, MOST), domain)


def at(angle: float, domain: int) -> shapes.Scene:
    """Returns one large shape of a domain in the middle of a white ground, turned by an angle in radians."""
    return shapes.Scene("white", (shapes.Shape(*DOMAINS[domain], 0.0, 0.0, 0.8, angle),), "above")


def open_turned(split: str, resolution: int, limit: int | None = None) -> Source:
    """Returns both domains, unpaired: `input` has hearts, `target` moons, uint8 [resolution, resolution, 3].

    Raises:
      ValueError: unless the split is "train" or "test".

    >>> open_turned("test", 16, limit=5).read(0)["target"].shape
    (16, 16, 3)
    """
    if split not in SIZES:
        raise ValueError(f"expected the split 'train' or 'test', found {split!r}")
    size = min(SIZES[split], limit or SIZES[split])
    return unpaired(*(_domain(split, resolution, size, *named) for named in enumerate(("input", "target"))))


def _domain(split, resolution, size, domain, field):
    fields = {field: jax.ShapeDtypeStruct((resolution, resolution, 3), np.uint8)}

    def read(index):
        return {field: shapes.render(scene(split, domain, range(size)[index]), resolution)}

    return Source(f"turned/{DOMAINS[domain][0]}", size, fields, read)
