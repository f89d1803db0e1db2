"""Two domains of images: aligned pairs, and sets without correspondence. The fields of both are `input` and `target`."""

from pathlib import Path, PurePath

from jgan.data import combine
from jgan.data.collection import Collection, Shape
from jgan.data.open import check_choices, checked_size, open_collection, open_source, source_of
from jgan.data.source import Source


def open_pairs(
    spec: str | Path,
    *,
    resolution: int | tuple[int, int] | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
    reverse: bool = False,
) -> Source:
    """Opens a set of aligned pairs.

    Args:
      spec: one of
        `"shapes"`: the built-in set, from outlines to pictures;
        a folder, `.zip` or `.tar` whose images hold two of equal size side by side, the input on the left;
        a folder or archive with two folders in it, whose files go by the same names: the input is the first in alphabetical order. Both
        may be below `train` and `test`.
      resolution: side in pixels, or (H, W), of each image: its centre is cropped to that aspect and resized. None: as stored.
      channels: 1, 3 or 4, of each image. None: as stored.
      split: `"train"` or `"test"`.
      limit: take at most so many pairs, evenly spaced over the set.
      reverse: from target to input.

    A pair of which one image is damaged is replaced as a whole: see `open_source`.

    Raises:
      ValueError: as `open_source`; images of odd width; a file without a partner.

    >>> pairs = open_pairs("shapes", resolution=16, limit=10)
    >>> pairs.fields["input"].shape, pairs.read(3)["target"].dtype
    ((16, 16, 3), dtype('uint8'))
    """
    spec, size = str(spec), checked_size(resolution)
    check_choices(channels, limit)
    pairs = source_of(_collection(spec, split, limit, size), spec, size, channels, limit)
    return combine.select(pairs, input="target", target="input") if reverse else pairs


def open_domains(
    spec: str | Path,
    *,
    resolution: int | tuple[int, int] | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
) -> Source:
    """Opens two sets of images without correspondence: see `jgan.data.combine.unpaired`.

    Args:
      spec: a folder or archive with the folders trainA, trainB and, for the split "test", testA and testB; or `"pairs:..."`, the two sides
        of a set that `open_pairs` opens.
      resolution, channels, split, limit: as in `open_source`, for both.

    >>> domains = open_domains("pairs:shapes", resolution=16, limit=10)
    >>> domains.size, domains.fields["target"].shape, len(domains.parts)
    (10, (16, 16, 3), 2)
    """
    settings = {"resolution": resolution, "channels": channels, "limit": limit}
    if str(spec).startswith("pairs:"):
        pairs = open_pairs(str(spec).removeprefix("pairs:"), split=split, **settings)
        return combine.unpaired(combine.select(pairs, input="input"), combine.select(pairs, target="target"))
    first, second = (open_source(f"{spec}/{split}{letter}", **settings) for letter in "AB")
    shapes = [source.fields["image"].shape for source in (first, second)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"expected domains of one shape, found {shapes[0]} and {shapes[1]}: give a resolution and channels")
    return combine.unpaired(combine.select(first, input="image"), combine.select(second, target="image"))


def domains_labelled(domains: Source) -> Source:
    """Both domains as one set of images, labelled by the domain: what a classifier learns to tell them apart from.

    Raises:
      ValueError: unless there are two of them, unpaired.

    >>> source = domains_labelled(open_domains("pairs:shapes", resolution=16, limit=3))
    >>> source.size, source.columns["label"].tolist(), source.names["label"]
    (6, [0, 0, 0, 1, 1, 1], ('A', 'B'))
    """
    if len(domains.parts) != 2:
        raise ValueError(f"expected two unpaired sets, found {len(domains.parts)} in {domains.name}; open them with open_domains")
    first, second = domains.parts
    sides = combine.select(first, image="input"), combine.select(second, image="target")
    return combine.concatenate(*sides, label="label", classes=("A", "B"))


def _collection(spec, split, limit, size) -> Collection:
    if spec == "shapes":
        from jgan.data.procedural import shapes

        return shapes.outlines(split, limit)
    images = open_collection(spec, split, limit, size)
    return _two_folders(images) if images.labels is not None and len(images.classes) == 2 else _side_by_side(images)


def _side_by_side(images: Collection) -> Collection:
    from jgan.data import decode

    def look(index: int) -> dict[str, Shape]:
        height, width, channels = images.look(index)["image"]
        if width % 2:
            raise ValueError(f"expected two images of equal width side by side, found a width of {width} pixels")
        half = height, width // 2, channels
        return {"input": half, "target": half}

    def read(index, shapes):
        height, width, _ = look(index)["input"]
        channels = max(shape[2] for shape in shapes.values())
        image = images.read(index, {"image": (height, 2 * width, channels)})["image"]
        halves = {"input": image[:, :width], "target": image[:, width:]}
        return {field: decode.adapt(half, shapes[field][:2], shapes[field][2]) for field, half in halves.items()}

    return Collection(images.names, look, read, None, ())


def _two_folders(images: Collection) -> Collection:
    sides = _by_name(images)
    alone = sorted(sides[0].keys() ^ sides[1].keys())
    if alone:
        present = images.names[{**sides[0], **sides[1]}[alone[0]]]
        raise ValueError(f"{present} has no partner: expected files of the same names in {' and '.join(images.classes)}")
    partners = [{"input": sides[0][name], "target": sides[1][name]} for name in sorted(sides[0])]

    def look(index):
        shapes = {field: images.look(i)["image"] for field, i in partners[index].items()}
        sizes = [shape[:2] for shape in shapes.values()]
        if sizes[0] != sizes[1]:
            raise ValueError(f"expected a pair of one size, found {sizes[0]} and {sizes[1]}")
        return shapes

    def read(index, shapes):
        return {field: images.read(i, {"image": shapes[field]})["image"] for field, i in partners[index].items()}

    return Collection([images.names[pair["input"]] for pair in partners], look, read, None, ())


def _by_name(images) -> tuple[dict[str, int], dict[str, int]]:
    """For each of the two folders, {path below it, without its ending: index}."""
    sides: tuple[dict[str, int], dict[str, int]] = {}, {}
    for index, label in enumerate(images.labels()):
        path = images.names[index].split(f"/{images.classes[label]}/")[-1]
        sides[label][str(PurePath(path).with_suffix(""))] = index
    return sides
