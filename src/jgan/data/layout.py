"""How the folders of a set are read: which of them are splits, which are classes, and which are none of the set's."""

import re
import unicodedata
from collections.abc import Collection
from typing import NamedTuple

SPELLINGS = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test", "testing")}
OF_IT = r"(?:[ _-]?(?i:set|data|images?|imgs?))?"  # training_set, train-images
SPLIT = re.compile(r"((?i:train(?:ing)?|val(?:id(?:ation)?)?|test(?:ing)?))" + OF_IT + r"(?:[ _-]?([AB])|\d{4})?")  # trainA of two domains
OF_SYSTEMS = {
    "__macosx",
    "__pycache__",
    "$recycle.bin",
    "recycler",
    "recycled",
    "@eadir",
    "@tmp",
    "@recycle",
    "#recycle",
    "#snapshot",
    "lost+found",
    "system volume information",
    "thumbs.db",
    "desktop.ini",
    "ehthumbs.db",
    "@recently-snapshot",
    "@sharebin",
    "~snapshot",
    "lost.dir",
    "network trash folder",
    "temporary items",
}
DEEPEST = 32  # folders of splits and classes are not looked for below

Folders = tuple[str, ...]


class Place(NamedTuple):
    """Where a file is in a set."""

    split: str  # train, val or test; "" if there are no splits, or if it is beside their folders
    folders: Folders  # without the folder of the split
    own_class: str | None  # the folder that is its class; None if it is beside the folders of classes


class Layout(NamedTuple):
    """What the folders of a set mean."""

    split_level: int | None  # the place of the folder of the split in the path of a file
    class_level: int  # the place of the folder of the class in the path without the folder of the split


def clean(name: str) -> str:
    """Returns the path of a file as most write it: with / between folders, without ./ and without / at the beginning.

    >>> clean(".\\\\red\\\\0.png"), clean("./a//0.png"), clean("/a/0.png")
    ('red/0.png', 'a/0.png', 'a/0.png')
    """
    if "\\" not in name and "//" not in name and "./" not in name and not name.startswith("/"):  # nearly always, and quick
        return name
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def composed(text: str) -> str:
    """Returns a text with its accents composed, as most write them; macOS takes them apart. Bytes that are no text are spelled out.

    >>> composed("e\u0301") == "\u00e9", composed("caf\\udce9")
    (True, 'caf\\\\udce9')
    """
    return unicodedata.normalize("NFC", text.encode("utf-8", "backslashreplace").decode())


def is_of_a_system(path: str) -> bool:
    """Returns whether a file, or a folder that it is in, is hidden or kept by an operating system, a file server or a notebook."""
    return any(part.startswith(".") or part.lower() in OF_SYSTEMS for part in path.split("/"))


def canonical_split(name: str) -> str | None:
    """Returns train, val or test for a name of a split, in any case; None for any other name.

    >>> canonical_split("Validation"), canonical_split("TESTING"), canonical_split("train2017"), canonical_split("trains")
    ('val', 'test', 'train', None)
    """
    found = SPLIT.fullmatch(name)
    return None if found is None else next(split for split, spellings in SPELLINGS.items() if found[1].lower() in spellings)


def checked_split(split: str, counts: dict[str, int], where: str) -> str:
    """Returns the split of a set that a name means; `counts` are the splits that there are.

    Raises:
      ValueError: if it has no such split.
    """
    wanted = canonical_split(split)
    if not counts and wanted != "train":
        raise ValueError(
            f"{where} has no split {split!r}: it has no folders train, val or test, so all of it is split 'train'; use split='train'"
        )
    if counts and wanted not in counts:
        raise ValueError(f"{where} has no split {split!r}: expected one of those there are, {', '.join(map(repr, counts))}")
    return wanted or ""


def layout_of(folders: Collection[Folders]) -> Layout:
    """Finds out what the folders of the pictures of a set mean.

    Args:
      folders: those that hold pictures, from the top of the set down.

    >>> layout_of([("photos", "train", "cat"), ("photos", "train", "dog"), ("photos", "val", "cat")])
    Layout(split_level=1, class_level=1)
    """
    level = _split_level(folders)
    rest = {_without_split(f, level) for f in folders if _split_at(f, level) is not None} if level is not None else set(folders)
    below = 0
    while below < DEEPEST and len(tops := {f[below] for f in rest if len(f) > below}) == 1 and any(len(f) > below + 1 for f in rest):
        rest = {f for f in rest if f[below : below + 1] == (*tops,)}
        below += 1
    return Layout(level, below)


def place(layout: Layout, folders: Folders) -> Place:
    """Returns where a file is, given the folders that it is in.

    >>> place(Layout(1, 1), ("photos", "Val", "cat", "tabby"))
    Place(split='val', folders=('photos', 'cat', 'tabby'), own_class='cat')
    """
    split = _split_at(folders, layout.split_level) or ""
    rest = _without_split(folders, layout.split_level) if split else folders
    return Place(split, rest, composed(rest[layout.class_level]) if len(rest) > layout.class_level else None)


def _split_level(folders):
    only_one_so_far = True
    for level in range(min(DEEPEST, max(map(len, folders), default=0))):
        names = {f[level] for f in folders if len(f) > level}
        if _are_splits(names, [f for f in folders if len(f) > level], level, only_one_so_far):
            return level
        only_one_so_far &= len(names) == 1
    return None


def _are_splits(names, folders, level, at_top):
    splits = {name: canonical_split(name) for name in names if canonical_split(name)}
    if not splits or not (at_top or "train" in splits.values()):
        return False
    if len(splits) == len(names) or len(splits) > 1:
        return True
    # one beside other folders: flat pictures of trains are a class, as those of buses
    (name,) = splits
    return at_top and (name.lower() != "train" or any(f[level] == name and len(f) > level + 1 for f in folders))


def _split_at(folders, level):
    return canonical_split(folders[level]) if level is not None and len(folders) > level else None


def _without_split(folders, level):
    """trainA is the domain A of the split train."""
    found = SPLIT.fullmatch(folders[level])
    return (*folders[:level], *([found[2]] if found and found[2] else []), *folders[level + 1 :])
