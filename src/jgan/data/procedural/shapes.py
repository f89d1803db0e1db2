"""The built-in set: coloured shapes on a tinted ground, drawn from known attributes at any resolution and in any number.

Image `index` of seed `seed` is a function of these two alone. Because the attributes are known, generated or processed images can be scored
against them: class, caption, mask and outline come with every image. Shapes are signed distance functions: coverage of a pixel is its
distance to the edge, so edges are smooth without supersampling.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from jgan.data.collection import Collection, of_images
from jgan.data.labels import Labels

SIZES = {"train": 8192, "test": 2048, "val": 16_000}
# The splits draw on index ranges that never meet. val is for networks that score: no generator is trained on it, nor scored on it.
FIRST = {"train": 0, "test": 1_000_000_000, "val": 2_000_000_000}
RESOLUTION = 32  # pixels, when none is asked for
HALF = 0.47  # nothing is drawn further from the centre, in x and in y
TILT = 0.2  # radians, either way

COLOURS = {
    "red": (222, 40, 44),
    "orange": (244, 128, 18),
    "yellow": (240, 200, 12),
    "green": (34, 160, 62),
    "teal": (10, 170, 180),
    "blue": (36, 82, 212),
    "purple": (136, 48, 190),
    "pink": (238, 78, 160),
}
GROUNDS = {
    "white": (244, 244, 240),
    "sand": (226, 214, 188),
    "grey": (188, 192, 198),
    "sky": (190, 214, 234),
    "mint": (196, 226, 206),
    "lilac": (218, 204, 232),
}
# Colours of one grey value, so that nothing of a grey picture says which it was: Rec. 601 luma 128 within 0.1, CIE lightness L* 57
# within 0.06. Each is as near to its name as that allows; any two are more than 40 apart in CIE 1976 L*a*b*.
EQUAL_LUMA_COLOURS = {
    "red": (242, 76, 96),
    "orange": (216, 106, 10),
    "yellow": (150, 139, 13),
    "green": (94, 149, 109),
    "teal": (75, 144, 185),
    "blue": (74, 131, 255),
    "purple": (218, 58, 252),
    "pink": (239, 63, 172),
}
GREY_GROUNDS = {name: (grey, grey, grey) for name, grey in zip(GROUNDS, (240, 222, 204, 186, 76, 58), strict=True)}
PLACES = {"above": (0, -1), "below": (0, 1), "left of": (-1, 0), "right of": (1, 0)}  # where the main shape is, y down


class Palette(NamedTuple):
    """What the names of colours look like: name -> (R, G, B)."""

    colours: Mapping[str, tuple[int, int, int]]  # of shapes: the keys of COLOURS
    edges: Mapping[str, tuple[int, int, int]]  # what the pixels on the edge of a shape of that colour are mixed of, with the ground
    grounds: Mapping[str, tuple[int, int, int]]  # the keys of GROUNDS


BUILT_IN = Palette(COLOURS, COLOURS, GROUNDS)
# A mixture with the ground would show the colour by its lightness, so edges are grey.
EQUAL_LUMA = Palette(EQUAL_LUMA_COLOURS, dict.fromkeys(COLOURS, (128, 128, 128)), GREY_GROUNDS)
PALETTES = {"shapes": BUILT_IN, "shapes:equal-luma": EQUAL_LUMA}


@dataclass(frozen=True)
class Shape:
    """One shape. Lengths are in units of the shorter side of the image, from its centre, y down."""

    kind: str  # a key of KINDS
    colour: str  # a key of COLOURS
    x: float
    y: float
    diameter: float  # of the circle around it
    angle: float  # radians


@dataclass(frozen=True)
class Scene:
    """All attributes of an image."""

    ground: str  # a key of GROUNDS
    shapes: tuple[Shape, ...]  # the main one, perhaps a small one, which never overlap
    place: str  # where the main shape is, seen from the small one: a key of PLACES


def scene(index: int, seed: int = 0) -> Scene:
    """Returns the attributes of image `index`.

    >>> caption(scene(0))
    'a large yellow moon'
    """
    draws = Draws(index, seed)
    ground, place = draws.pick(GROUNDS), draws.pick(PLACES)
    return Scene(ground, _one(draws) if draws.between(0, 1) < 0.75 else _two(draws, PLACES[place]), place)


def label(scene: Scene) -> int:
    """Returns the class of the main shape: an index into `tuple(KINDS)`."""
    return list(KINDS).index(scene.shapes[0].kind)


def caption(scene: Scene) -> str:
    """Returns the scene in words, as "a large red circle above a small blue square"."""
    main = scene.shapes[0]
    words = f"a large {main.colour} {main.kind}"
    return words + "".join(f" {scene.place} a small {other.colour} {other.kind}" for other in scene.shapes[1:])


def render(scene: Scene, height: int, width: int | None = None, palette: Palette = BUILT_IN) -> np.ndarray:
    """Returns the image, uint8 [height, width, 3]; the scene fills the central square.

    >>> render(scene(0), 32, 48).shape
    (32, 48, 3)
    """
    width = width or height
    image = np.empty((height, width, 3), np.float32)
    image[:] = palette.grounds[scene.ground]
    for shape in scene.shapes:
        cover = np.clip(0.5 - _distances(shape, height, width), 0, 1)[..., None]
        inside, edge = (np.asarray(colours[shape.colour], np.float32) for colours in (palette.colours, palette.edges))
        image += cover * (np.where(cover == 1, inside, edge) - image)
    return (image + np.float32(0.5)).astype(np.uint8)


def mask(scene: Scene, height: int, width: int | None = None) -> np.ndarray:
    """Returns which shape covers each pixel, uint8 [height, width]: 0 ground, 1 the main shape, 2 the small one."""
    result = np.zeros((height, width or height), np.uint8)
    for number, shape in enumerate(scene.shapes, start=1):
        result[_distances(shape, *result.shape) < 0] = number
    return result


def outline(scene: Scene, height: int, width: int | None = None, thickness: float = 1.5) -> np.ndarray:
    """Returns the edges as a black drawing on white, uint8 [height, width]; thickness in pixels."""
    result = np.full((height, width or height), 255, np.float32)
    for shape in scene.shapes:
        result *= 1 - np.clip(0.5 + thickness / 2 - np.abs(_distances(shape, *result.shape)), 0, 1)
    return (result + np.float32(0.5)).astype(np.uint8)


def outlines(split: str, limit: int | None) -> Collection:
    """Returns outlines as `input` and images as `target`, for `jgan.data.pairs.open_pairs("shapes")`."""
    images = collection(split, limit)

    def read(index, wanted):
        height, width, channels = wanted["input"]
        drawing = outline(scene(FIRST[split] + index), height, width)[..., None]
        target = images.read(index, {"image": wanted["target"]})["image"]
        return {"input": np.repeat(drawing, channels, axis=2), "target": target}

    shape = (RESOLUTION, RESOLUTION, 3)
    return Collection(images.names, lambda index: {"input": shape, "target": shape}, read)


def collection(split: str, limit: int | None, spec: str = "shapes") -> Collection:
    """Returns `limit` images of the split, for `open_source(spec)`; spec: a key of PALETTES."""
    if spec not in PALETTES:
        raise ValueError(f"expected {' or '.join(PALETTES)}, found {spec}")
    palette = PALETTES[spec]
    return drawn(
        spec,
        split,
        limit,
        lambda index, *size: render(scene(index), *size, palette=palette),
        lambda index: scene(index).shapes[0].kind,
        tuple(KINDS),
    )


def drawn(
    spec: str, split: str, limit: int | None, draw: Callable[..., np.ndarray], kind: Callable[[int], str], kinds: tuple[str, ...]
) -> Collection:
    """Returns `limit` images of a split of a drawn set.

    Args:
      spec: its name.
      draw: (number of an image, height, width) -> uint8 [height, width, 3].
      kind: number of an image -> its class, one of `kinds`.
    """
    if split not in FIRST:
        raise ValueError(f"{spec} has no split {split!r}: expected {', '.join(FIRST)}")
    first, size = FIRST[split], limit or SIZES[split]

    def read(index, wanted, channels):
        image = draw(first + index, *wanted)
        if channels == 3:
            return image
        from jgan.data import decode  # pillow is needed for this only

        return decode.adapt(image, wanted, channels)

    return of_images(
        names=[f"{spec}/{split}[{index}]" for index in range(size)],
        look=lambda index: (RESOLUTION, RESOLUTION, 3),
        read=read,
        labels=lambda: Labels(np.array([kinds.index(kind(first + index)) for index in range(size)], np.int32), kinds),
    )


def attributes(split: str, size: int) -> dict[str, Labels]:
    """Returns kind and colour of the main shape of the first `size` images of a split, for `jgan.data.attributes.with_attributes`.

    >>> attributes("train", 2)["colour"].numbers.tolist()
    [2, 4]
    """
    mains = [scene(FIRST[split] + index).shapes[0] for index in range(size)]
    names = {"kind": tuple(KINDS), "colour": tuple(COLOURS)}
    return {
        name: Labels(np.asarray([known.index(getattr(shape, name)) for shape in mains], np.int32), known) for name, known in names.items()
    }


class Draws:
    """A sequence of choices that depends on (seed, index) alone, made of raw Philox output, which no version of numpy may change."""

    def __init__(self, index, seed):
        self.uniforms = iter(np.random.Philox(key=np.array([seed, index], np.uint64)).random_raw(32) / 2.0**64)

    def between(self, low, high):
        return low + (high - low) * float(next(self.uniforms))

    def pick(self, options):
        return list(options)[int(self.between(0, len(options)))]


def _one(draws):
    diameter = draws.between(0.6, 0.8)
    slack = HALF - diameter / 2
    x, y, angle = draws.between(-slack, slack), draws.between(-slack, slack), draws.between(-TILT, TILT)
    return (Shape(draws.pick(KINDS), draws.pick(COLOURS), x, y, diameter, angle),)


def _two(draws, place):
    main, small = draws.between(0.5, 0.62), draws.between(0.22, 0.26)
    gap = draws.between(0.02, 2 * HALF - main - small)
    start = draws.between(-HALF, HALF - main - gap - small)
    # a line from the main shape to the small one, on which they follow each other; across it they are free
    positions = (start + main / 2, start + main + gap + small / 2)
    shapes, colours = [], list(COLOURS)
    for position, diameter in zip(positions, (main, small), strict=True):
        aside = draws.between(-1, 1) * (HALF - diameter / 2) * (diameter / main)
        x, y = (-place[axis] * position + abs(place[1 - axis]) * aside for axis in (0, 1))
        colour = draws.pick(colours)
        colours.remove(colour)
        shapes.append(Shape(draws.pick(KINDS), colour, x, y, diameter, draws.between(-TILT, TILT)))
    return tuple(shapes)


def _distances(shape, height, width):
    """Signed distance of every pixel centre to the edge, in pixels, [height, width] float32; negative inside."""
    side, radius = min(height, width), shape.diameter / 2
    x = ((np.arange(width, dtype=np.float32) + 0.5 - width / 2) / side - shape.x) / radius
    y = ((np.arange(height, dtype=np.float32) + 0.5 - height / 2) / side - shape.y) / radius
    cosine, sine = np.float32(np.cos(shape.angle)), np.float32(np.sin(shape.angle))
    along = cosine * x[None, :] + sine * y[:, None]
    up = sine * x[None, :] - cosine * y[:, None]
    return KINDS[shape.kind](along, up) * np.float32(radius * side)


# Signed distances (exact near edges) of shapes in the unit circle; x right, y up.
def _circle(x, y):
    return np.hypot(x, y) - 0.92


def _square(x, y):
    return np.maximum(np.abs(x), np.abs(y)) - 0.7


def _triangle(x, y):
    return np.maximum(np.abs(x) * 0.866 + y * 0.5, -y) - 0.5


def _star(x, y):
    turn = 2 * np.pi / 5
    angle = np.abs(np.mod(np.arctan2(x, y) + turn / 2, turn) - turn / 2)  # folded onto half an arm
    radius = np.hypot(x, y)
    tip_x, inner = 1.0, 0.45
    valley = inner * np.cos(turn / 2), inner * np.sin(turn / 2)
    edge = valley[0] - tip_x, valley[1]
    length = np.hypot(*edge)
    return ((radius * np.cos(angle) - tip_x) * edge[1] - radius * np.sin(angle) * edge[0]) / length


def _heart(x, y):
    x, y = np.abs(x), y + 0.12
    side = 0.53  # half the side of a square on its tip, with a half disc on each upper side
    square = (x + np.abs(y)) / np.sqrt(2) - side
    disc = np.hypot(x - side / np.sqrt(2), y - side / np.sqrt(2)) - side
    return np.minimum(square, disc)


def _ring(x, y):
    return np.abs(np.hypot(x, y) - 0.7) - 0.22


def _cross(x, y):
    x, y = np.abs(x), np.abs(y)
    return np.maximum(np.maximum(x, y) - 0.9, np.minimum(x, y) - 0.28)


def _moon(x, y):
    return np.maximum(np.hypot(x, y) - 0.95, 0.75 - np.hypot(x - 0.5, y - 0.12))


KINDS = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "heart": _heart,
    "ring": _ring,
    "cross": _cross,
    "moon": _moon,
}
