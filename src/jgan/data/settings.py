"""Settings that all systems of images share."""

import dataclasses
from pathlib import Path, PurePath
from typing import Any

from jgan.data.open import open_source
from jgan.data.reading import Reading
from jgan.data.source import Source
from jgan.data.texts import open_texts
from jgan.data.vocabulary import Unit
from jgan.ranges import Bits, Bytes, Channels, Count, Size


def place(embedded: str) -> str:
    """Returns a field that says where data are, by default embedded ones: a run may go on wherever they lie, if they are the same."""
    return dataclasses.field(default=embedded, metadata={"may_change": True, "remark": "the same data", "embedded": embedded})


def place_of_weights() -> str | None:
    """Returns a field that says where the weights of a published network are; None: where they are downloaded to."""
    return dataclasses.field(default=None, metadata={"may_change": True, "remark": "the same weights", "embedded": ""})


def absolute(spec: str, *embedded: str) -> str:
    """Returns where data are, with a path as an absolute one; what is no path, or is not there, stays.

    Args:
      spec: as `open_source`, `open_pairs` and `open_domains` take it.
      *embedded: further names that are no paths.

    >>> absolute("faces:painting"), absolute("pairs:shapes"), absolute("tfds:mnist"), absolute("pairs:/").startswith("pairs:/")
    ('faces:painting', 'pairs:shapes', 'tfds:mnist', True)
    """
    kind, name = ("pairs:", spec.removeprefix("pairs:")) if spec.startswith("pairs:") else ("", spec)
    path = Path(name).expanduser()
    known = not name or spec in embedded or name.split(":")[0] in ("shapes", "animals", "faces", "tfds")
    if known or not any(p.exists() for p in (path, *path.parents[:-1])):
        return spec
    return f"{kind}{path.resolve() if '..' in path.parts else path.absolute()}"


def bare(place: str) -> str:
    """Returns the last name of a path; names of embedded data stay.

    >>> bare("/home/me/photos"), bare("pairs:/data/maps"), bare("tfds:mnist"), bare("faces:painting")
    ('photos', 'pairs:maps', 'tfds:mnist', 'faces:painting')
    """
    kind, separator, path = place.rpartition(":")
    return kind + separator + (PurePath(path).name or path)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadingSettings:
    """How the files of a set are read."""

    bit_depth: Bits | None = None
    """Bits that greys of 16 bits use, 12 for 0 ... 4095; as the files say if not given."""
    max_unpacked: Bytes | None = dataclasses.field(default=None, metadata={"may_change": True})
    """Most bytes to which an item or a set may unpack; by the size of the file and the memory if not given."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageSettings(ReadingSettings):
    """What images a system is trained on."""

    data: str = place("shapes")
    """Images: shapes or animals (embedded), tfds:NAME, or the path of a folder, zip, tar, npz or folder of idx files."""
    split: str = "train"
    """Part of the data to train on."""
    limit: Count | None = None
    """Maximum number of images."""
    resolution: Size = 32
    """Height of the images, pixels."""
    width: Size | None = None
    """Width of the images, pixels; as the height if not given."""
    channels: Channels | None = None
    """Colour channels; as the data if not given."""


def reading_of(config: Any) -> Reading:
    """Returns how the files of a configuration are read, and what goes with them; as they say if it has no settings for it.

    >>> reading_of(ImageSettings(bit_depth=12)).bit_depth, reading_of(TextSettings()).bit_depth
    (12, None)
    """
    return Reading(getattr(config, "bit_depth", None), getattr(config, "max_unpacked", None))


def size_of(config: ImageSettings) -> tuple[int, int]:
    """Returns the height and width of the images of a configuration, pixels."""
    return config.resolution, config.width or config.resolution


def open_images(config: ImageSettings, split: str | None = None, labels: bool | None = None) -> Source:
    """Returns the images of a configuration, or another part of them.

    Args:
      config: where and what they are.
      split: the part; `config.split` if None. The limit holds for the part that is trained on.
      labels: as in `open_source`; by default with labels if there are any, since the classifier of the score learns them.
    """
    return open_source(
        config.data,
        resolution=size_of(config),
        channels=config.channels,
        split=split or config.split,
        limit=limit_of(config, split),
        labels=labels,
        bit_depth=config.bit_depth,
        max_unpacked=config.max_unpacked,
    )


def limit_of(config: Any, split: str | None) -> int | None:
    """Returns the most examples of a part of the data: `config.limit` for the part that is trained on, None for others.

    >>> config = ImageSettings(limit=10)
    >>> limit_of(config, None), limit_of(config, "train"), limit_of(config, "test")
    (10, 10, None)
    """
    return config.limit if split in (None, getattr(config, "split", "train")) else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextSettings:
    """What sentences a system is trained on."""

    data: str = place("shapes")
    """Sentences: shapes (captions of the embedded shapes), a text file with one a line, or a folder or zip with train.txt and test.txt."""
    unit: Unit = "words"
    """Of a token."""
    split: str = "train"
    """Part of the data to train on."""
    limit: Count | None = None
    """Maximum number of sentences."""
    length: Size | None = None
    """Most tokens of a sentence; as the data if not given."""
    min_count: Count = 1
    """Words that occur less often in the training split are <unknown>."""


def open_sentences(config: TextSettings, split: str | None = None) -> Source:
    """Returns the sentences of a configuration, or another part of them; the limit holds for the part that is trained on."""
    return open_texts(
        config.data,
        unit=config.unit,
        split=split or config.split,
        limit=limit_of(config, split),
        length=config.length,
        min_count=config.min_count,
    )
