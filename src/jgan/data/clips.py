"""Clips as data: folders of frames, animated GIF and WebP, and MP4, cut into windows of one length."""

import dataclasses
import functools
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple, Protocol

import jax
import numpy as np

from jgan import bounded
from jgan.data import archives, decode, mp4
from jgan.data.collection import Collection, agree
from jgan.data.files import Found, Kind, find_files
from jgan.data.layout import canonical_split
from jgan.data.open import check_choices, checked_size, locate, path_of, reader, usable_of
from jgan.data.reading import Reading, checked_reading
from jgan.data.settings import limit_of, place
from jgan.data.source import Origin, Source
from jgan.data.windows import windows_of
from jgan.ranges import Bytes, Channels, Count, Rate, Size

ANIMATED = (".gif", ".webp", ".apng")  # files that are clips by themselves; all other images are frames of the folder that they are in
EMBEDDED = ("moving", "talking")


class Header(NamedTuple):
    """What is known of a stored clip."""

    frames: int
    height: int
    width: int
    channels: int
    rate: float  # frames per second; 0 if it does not say


class OpenEmbedded(Protocol):
    """Opens embedded clips."""

    def __call__(
        self, split: str, *, frames: int, rate: float, resolution: tuple[int, int] | None = None, limit: int | None = None
    ) -> Source: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClipSettings:
    """What clips a system is trained on."""

    data: str = place("moving")
    """Clips: moving or talking (embedded), or a folder, zip or tar of GIF, WebP, MP4 or folders of frames; folders around are labels."""
    split: str = "train"
    """Part of the data to train on."""
    limit: Count | None = None
    """Maximum number of clips."""
    frames: Size = 16
    """Length of an example, frames."""
    rate: Rate | None = None
    """Frames per second; as the files say if not given."""
    resolution: Size = 32
    """Height of the frames, pixels."""
    width: Size | None = None
    """Width of the frames, pixels; as the height if not given."""
    channels: Channels | None = None
    """Colour channels; as the data if not given."""
    max_unpacked: Bytes | None = dataclasses.field(default=None, metadata={"may_change": True})
    """Most bytes to which an item or a set may unpack; by the size of the file and the memory if not given."""


def open_settings(config: ClipSettings, split: str | None = None, labels: bool | None = None) -> Source:
    """Returns the clips of a configuration, or another part of them; the limit holds for the part that is trained on."""
    return open_clips(
        config.data,
        frames=config.frames,
        rate=config.rate,
        resolution=(config.resolution, config.width or config.resolution),
        channels=config.channels,
        split=split or config.split,
        limit=limit_of(config, split),
        labels=labels,
        max_unpacked=config.max_unpacked,
    )


def open_clips(
    spec: str | Path = "moving",
    *,
    frames: int = 16,
    rate: float | None = None,
    resolution: int | tuple[int, int] | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
    labels: bool | None = False,
    max_unpacked: int | None = None,
) -> Source:
    """Opens a set of clips.

    The field of an example is `video`, uint8 [frames, H, W, C]; with labels also `label`. The frames per second are `rates["video"]` of
    the source.

    Args:
      spec: one of
        `"moving"`: embedded clips of moving shapes, with more fields (`jgan.data.procedural.moving`);
        `"talking"`: embedded clips of cartoon faces that talk (`jgan.data.procedural.talking`);
        a folder, `.zip` or `.tar` of clips, whose folders mean what they mean for images: see `open_source`. A clip is a GIF, WebP or MP4
        file (the last needs the extra `video`), or a folder of frames in any other format of images, in the order of the numbers in
        their names.
      frames: frames of an example. A longer clip has as many examples as it holds windows: see `jgan.data.windows`.
      rate: frames per second. None: as the files say, where they do, or 16 of embedded clips. It changes no frame of a file.
      resolution, channels, split, labels, max_unpacked: as in `open_source`.
      limit: maximum number of clips, evenly spaced over the set.

    Raises:
      ValueError: no readable clip, one that is shorter than a window, rates that differ or are not known and were not given; sizes or
        channels that differ and were not given; and as `open_source`.
      FileNotFoundError: nothing at that path.
      ModuleNotFoundError: for MP4 without the packages of the extra `video`.

    >>> source = open_clips("moving", frames=8, resolution=16, limit=4)
    >>> source.fields["video"].shape, source.rates
    ((8, 16, 16, 3), {'video': 16.0})
    """
    size = checked_size(resolution)
    check_choices(channels, limit)
    if frames < 1 or (rate is not None and not rate > 0):
        raise ValueError(f"expected one frame or more and a positive rate, found frames={frames!r} and rate={rate!r}")
    if str(spec) in EMBEDDED:
        if channels not in (None, 3):
            raise ValueError(f"expected 3 channels of the embedded clips, found channels={channels}; leave it out")
        return _embedded(str(spec))(canonical_split(split) or split, frames=frames, rate=rate or 16.0, resolution=size, limit=limit)
    reading = checked_reading(None, max_unpacked)
    path, inner = locate(path_of(spec), EMBEDDED)
    found = find_files(path, inner, split, Kind("clip", "GIF, WebP or MP4 files, or folders of frames", _is_part, _clip_of), reading)
    return _source(found, str(spec), frames, rate, size, channels, limit, labels, reading)


def read_clip(path: Path, channels: int | None = None, max_unpacked: int | None = None) -> tuple[np.ndarray, float]:
    """Reads all frames of one clip, uint8 [T, H, W, C], and its frames per second, 0 if it does not say.

    Args:
      path: a GIF, WebP or MP4 file (the last needs the extra `video`), or a folder with a frame in each of its files.
      channels: of the frames; as they are stored if not given.
      max_unpacked: as in `open_source`.

    Raises:
      ValueError: for a folder without images, frames of several sizes, fewer channels than were asked for, or a damaged file.
      FileNotFoundError: nothing at that path.
      ModuleNotFoundError: for MP4 without the packages of the extra `video`.
    """
    reading = checked_reading(None, max_unpacked)
    archive, files = _one_clip(path, reading)
    if not files:
        raise ValueError(f"expected a clip, a GIF, WebP or MP4 file or a folder of frames, found no frames in {path}")
    try:
        header = _header(archive, files, reading)
        sizes = {archives.look(archive, file, reading)[:2] for file in files} if len(files) > 1 else {header[1:3]}
        if len(sizes) > 1:
            found = " and ".join(f"{height} x {width}" for height, width in sorted(sizes))
            raise ValueError(f"expected frames of one size, found {found} pixels; crop or resize them")
        if channels is not None and header.channels < min(channels, 3):
            raise ValueError("expected frames in colour, found grey ones; colour them")
        return _frames(archive, files, range(header.frames), (*header[1:3], channels or header.channels), reading), header.rate
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _one_clip(path, reading) -> tuple[archives.Archive, list[str]]:
    """The file or the folder of a clip as an archive, and the files in it, in their order."""
    if path.is_dir():
        archive = archives.open_archive(path, reading)
        return archive, sorted((name for name in archive.names if archives.is_image(archive, name)), key=_in_order)
    with bounded.open_regular(path) as file:
        data = file.read()
    return archives.Archive([str(path)], lambda name, limit=-1: data[:limit] if limit >= 0 else data, lambda name: len(data)), [str(path)]


def _embedded(name) -> OpenEmbedded:
    from jgan.data.procedural.moving import open_moving
    from jgan.data.procedural.talking import open_talking

    return {"moving": open_moving, "talking": open_talking}[name]


def _source(found: Found, spec, frames, rate, size, channels, limit, labels, reading) -> Source:
    archive, files = found.archive, [sorted(members, key=_in_order) for members in found.files]
    header = functools.cache(lambda index: _header(archive, files[index], reading, frames))

    def read(index, shapes):
        return {"video": _frames(archive, files[index], range(header(index).frames), shapes["video"], reading)}

    collection = Collection(found.names, lambda index: {"video": header(index)[1:4]}, read, found.labels, passed_over=found.passed_over)
    usable = usable_of(collection, spec, limit, labels)
    indices = [index for index, _ in usable.found]
    names = [found.names[index] for index in indices]
    headers = [header(index) for index in indices]
    rate = _check(names, headers, frames, rate)
    shape = agree(collection, usable.found, size, channels)["video"]
    places = windows_of([one.frames for one in headers], frames)
    columns = {name: values[places[:, 0]] for name, values in usable.columns.items()}
    fields = {"video": jax.ShapeDtypeStruct((frames, *shape), np.uint8)}
    damaged: dict[str, str] = {}

    def decoded(index):
        clip, start = places[index].tolist()
        return {"video": _frames(archive, files[indices[clip]], range(start, start + frames), shape, reading)}

    return Source(
        name=spec,
        size=len(places),
        fields=fields | {name: jax.ShapeDtypeStruct(values.shape[1:], values.dtype) for name, values in columns.items()},
        read=reader([names[clip] for clip in places[:, 0]], decoded, columns, damaged),
        names=usable.classes,
        columns=columns,
        skipped=usable.skipped,
        damaged=damaged,
        origin=Origin(Counter(shapes["video"] for _, shapes in usable.found), found.splits, tuple(one.frames for one in headers)),
        rates={"video": rate},
    )


def _is_part(archive, name):
    return mp4.is_mp4(name) or archives.is_image(archive, name)


def _clip_of(path):
    alone = path.lower().endswith(ANIMATED) or mp4.is_mp4(path)
    return path if alone else path.rpartition("/")[0]


def _in_order(name):
    """By the numbers in a name where there are any: 2.png before 10.png."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _header(archive, files, reading: Reading, window: int | None = None) -> Header:
    """What is known of a clip in one file, or in one for each frame, of which the first is looked at; read in windows, or whole."""
    first = files[0]
    if mp4.is_mp4(first):
        return Header(*mp4.header(archive.read(first), reading, window))
    if not first.lower().endswith(ANIMATED):
        return Header(len(files), *archives.look(archive, first, reading), 0.0)
    count, height, width, channels, milliseconds = decode.animation_header(archive.read(first), reading)
    return Header(count, height, width, channels, 1000 / milliseconds if milliseconds else 0.0)


def _frames(archive, files, indices, shape, reading: Reading) -> np.ndarray:
    size, channels = shape[:2], shape[2]
    if mp4.is_mp4(files[0]):
        return mp4.frames(archive.read(files[0]), indices, size, channels, reading)
    if files[0].lower().endswith(ANIMATED):
        return decode.frames(archive.read(files[0]), indices, size, channels, reading)
    return np.stack([decode.decode(archive.read(files[index]), size, channels, reading) for index in indices])


def _check(names, headers, frames, rate) -> float:
    """The rate of all clips."""
    for name, header in zip(names, headers, strict=True):
        if header.frames < frames:
            found = f"{header.frames} in {name}; take fewer frames, or leave it out"
            raise ValueError(f"expected clips of at least {frames} frames, one window, found {found}")
        if rate is None and not header.rate:
            raise ValueError(f"expected the frames per second of {name}, which it does not say; give rate=... (--rate)")
        if rate is None and abs(header.rate - headers[0].rate) > 0.01 * headers[0].rate:
            found = f"{names[0]} has {headers[0].rate:g} and {name} has {header.rate:g} frames per second"
            raise ValueError(f"expected clips of one rate, found several: {found}; convert them, or take them as one with rate=...")
    return headers[0].rate if rate is None else rate
