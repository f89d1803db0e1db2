"""Two domains of images: aligned pairs, and sets without correspondence. The fields of both are `input` and `target`."""

import warnings
from collections import Counter
from pathlib import Path, PurePath

from jgan.data import combine
from jgan.data.collection import Collection, Shape, survey
from jgan.data.layout import canonical_split, composed
from jgan.data.open import check_choices, checked_size, open_collection, source_of
from jgan.data.reading import checked_reading
from jgan.data.source import Source, spread

LOOKED_AT = 8  # images of several folders, to see whether they are side by side


def open_pairs(
    spec: str | Path,
    *,
    resolution: int | tuple[int, int] | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
    reverse: bool = False,
    bit_depth: int | None = None,
    max_unpacked: int | None = None,
) -> Source:
    """Opens a set of aligned pairs.

    Args:
      spec: one of
        `"shapes"`: the built-in set, from outlines to pictures;
        a folder, `.zip` or `.tar` whose images hold two of equal size side by side, the input on the left;
        a folder or archive with two folders in it, whose files go by the same names: the input is the first in alphabetical order. Both
        may be below the folders of splits, or hold them (A/train, B/train), or be named trainA and trainB.
      resolution: side in pixels, or (H, W), of each image: its centre is cropped to that aspect and resized. None: as stored.
      channels: 1, 3 or 4, of each image. None: as stored.
      split: as in `open_source`.
      limit: maximum number of pairs, evenly spaced over the set.
      reverse: from target to input.
      bit_depth, max_unpacked: as in `open_source`.

    A pair of which one image is damaged is replaced as a whole: see `open_source`.

    Raises:
      ValueError: as `open_source`; images of odd width; a file without a partner; images in other folders than two that are not at least
        twice as wide as high.

    >>> pairs = open_pairs("shapes", resolution=16, limit=10)
    >>> pairs.fields["input"].shape, pairs.read(3)["target"].dtype
    ((16, 16, 3), dtype('uint8'))
    """
    spec, size = str(spec), checked_size(resolution)
    check_choices(channels, limit)
    reading = checked_reading(bit_depth, max_unpacked)
    pairs = source_of(_collection(spec, split, limit, size, reading), spec, size, channels, limit)
    return combine.select(pairs, input="target", target="input") if reverse else pairs


def open_domains(
    spec: str | Path,
    *,
    resolution: int | tuple[int, int] | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
    bit_depth: int | None = None,
    max_unpacked: int | None = None,
) -> Source:
    """Opens two sets of images without correspondence: see `jgan.data.combine.unpaired`.

    Args:
      spec: a folder or archive with the folders trainA, trainB and, for the split "test", testA and testB, or with two folders as in
        `open_pairs`; or `"pairs:..."`, the two sides of a set that `open_pairs` opens.
      resolution, channels, split, limit, bit_depth, max_unpacked: as in `open_source`, for both.

    Raises:
      ValueError: as `open_source`; unless there are two folders.

    >>> domains = open_domains("pairs:shapes", resolution=16, limit=10)
    >>> domains.size, domains.fields["target"].shape, len(domains.parts)
    (10, (16, 16, 3), 2)
    """
    if str(spec).startswith("pairs:"):
        sizes = {"resolution": resolution, "channels": channels, "limit": limit}
        pairs = open_pairs(str(spec).removeprefix("pairs:"), split=split, bit_depth=bit_depth, max_unpacked=max_unpacked, **sizes)
        return combine.unpaired(combine.select(pairs, input="input"), combine.select(pairs, target="target"))
    size = checked_size(resolution)
    check_choices(channels, limit)
    images = open_collection(str(spec), split, limit, size, reading=checked_reading(bit_depth, max_unpacked))
    first, second = _domains(images, str(spec), split, size, channels, limit)
    shapes = [source.fields["image"].shape for source in (first, second)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"expected domains of one shape, found {shapes[0]} and {shapes[1]}: give a resolution and channels")
    return combine.unpaired(combine.select(first, input="image"), combine.select(second, target="image"))


def domains_labelled(domains: Source) -> Source:
    """Returns both domains as one set of images, labelled by the domain: what a classifier learns to tell them apart from.

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


def _domains(images, spec, split, size, channels, limit):
    folders = _two_folders(images, spec)
    if folders is None:
        tops = _tops(images)
        found = f"the folders {', '.join(tops)}" if tops else f"{len(images.names)} images without folders"
        raise ValueError(f"expected two domains in {spec}, in folders such as trainA and trainB, found {found}; give the folder above them")
    for folder, members in folders.items():
        yield source_of(_part(images, list(members.values())), f"{spec}/{split}{folder}", size, channels, limit)


def _part(images, indices):
    return Collection(
        [images.names[i] for i in indices], lambda i: images.look(indices[i]), lambda i, shapes: images.read(indices[i], shapes)
    )


def _collection(spec, split, limit, size, reading) -> Collection:
    if spec == "shapes":
        from jgan.data.procedural import shapes

        return shapes.outlines(canonical_split(split) or split, limit)
    images = open_collection(spec, split, limit, size, reading=reading)
    folders = _two_folders(images, spec)
    if folders is not None:
        return _partners(images, folders)
    _check_folders(images, spec)
    return _side_by_side(images)


def _check_folders(images, spec):
    """Images in several folders are classes, or sets of three, unless they look as if there were two side by side."""
    folders = _tops(images)
    if len(folders) < 2:
        return
    shapes = [shapes["image"] for _, shapes in survey(images, spread(len(images.names), min(len(images.names), LOOKED_AT)).tolist())[0]]
    if any(width < 2 * height for height, width, _ in shapes):
        found = f"{len(folders)} folders: {', '.join(folders)}"
        raise ValueError(f"expected pairs in two folders of {spec}, found {found}; leave two, or put images with two sides into one folder")


def _tops(images):
    """The folders at the top of a set."""
    return sorted({path.split("/")[0] for path in images.paths if "/" in path})


def _two_folders(images, spec) -> dict[str, dict[str, int]] | None:
    """{folder: {path below it: index}} where there are two; images beside them are warned about."""
    folders: dict[str, dict[str, int]] = {}
    for index, path in enumerate(images.paths):
        folder, below = composed(path).split("/", 1) if "/" in path else ("", path)
        folders.setdefault(folder, {})[below] = index
    inside = folders.keys() - {""}
    chosen = {"A", "B"} if {"A", "B"} <= inside else inside  # beside which there may be AB, both side by side
    if len(chosen) != 2:
        return None
    beside = sorted(path for path in images.paths if composed(path).split("/")[0] not in chosen or "/" not in path)
    if beside:
        few = f"{len(beside)} of {len(images.paths)} images are beside {' and '.join(sorted(chosen))}"
        warnings.warn(f"{spec}: {few} and left out, first {beside[0]}", stacklevel=4)
    return {folder: folders[folder] for folder in sorted(chosen)}


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

    return Collection(images.names, look, read, splits=images.splits, passed_over=images.passed_over, note="halves of one image")


def _partners(images: Collection, folders: dict[str, dict[str, int]]) -> Collection:
    first, second = _by_stem(folders)
    alone = sorted(first.keys() ^ second.keys())
    if alone:
        present = images.names[{**first, **second}[alone[0]]]
        raise ValueError(f"{present} has no partner: expected files of the same names in {' and '.join(folders)}")
    partners = [{"input": first[name], "target": second[name]} for name in sorted(first)]

    def look(index):
        shapes = {field: images.look(i)["image"] for field, i in partners[index].items()}
        sizes = [shape[:2] for shape in shapes.values()]
        if sizes[0] != sizes[1]:
            raise ValueError(f"expected a pair of one size, found {sizes[0]} and {sizes[1]}")
        return shapes

    def read(index, shapes):
        return {field: images.read(i, {"image": shapes[field]})["image"] for field, i in partners[index].items()}

    return Collection([images.names[pair["input"]] for pair in partners], look, read, splits=images.splits, passed_over=images.passed_over)


def _by_stem(folders):
    """For each folder {path without its ending: index}; with the ending where two files of one folder differ in nothing else."""
    counts = Counter()
    for members in folders.values():
        counts |= Counter(_stem(path) for path in members)
    return [{path if counts[_stem(path)] > 1 else _stem(path): index for path, index in members.items()} for members in folders.values()]


def _stem(path):
    return str(PurePath(path).with_suffix(""))
