"""jgan data inspect PATH"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import tyro

from jgan import outputs
from jgan.data import clips, open_source, sounds
from jgan.data.archives import SUFFIXES, open_archive
from jgan.data.captions import FILES, open_captions
from jgan.data.clips import open_clips
from jgan.data.describe import describe, listed
from jgan.data.layout import canonical_split
from jgan.data.open import locate, path_of
from jgan.data.sounds import faults, open_sounds
from jgan.data.source import Source, read_rows, spread
from jgan.data.tables import tables_in
from jgan.data.texts import open_texts
from jgan.data.vocabulary import decode
from jgan.outputs.sounds import spectrogram
from jgan.ranges import Bits, Bytes, Columns, Count, Rate, Size

KINDS = Literal["images", "captions", "texts", "clips", "sounds"]
FRAMES = 16  # of a clip, where all are as long
SENTENCES = 8  # that are shown


class Kind(NamedTuple):
    """How data of a kind are opened and looked at."""

    open: Callable[[str, Mapping[str, Any]], Source]  # (path, settings of `open_source`) -> source
    pictures: Callable[[Source, np.ndarray], np.ndarray | None]  # (source, indices) -> uint8 [N, H, W, C], or None


def inspect(
    path: tyro.conf.Positional[str],
    kind: KINDS | None = None,
    split: str = "train",
    limit: Count | None = None,
    resolution: Size = 64,
    rate: Rate | None = None,
    columns: Columns = 8,
    rows: Columns = 32,
    bit_depth: Bits | None = None,
    max_unpacked: Bytes | None = None,
    out: Path = Path("classes.png"),
) -> None:
    """Prints what is understood of a set: classes, sizes, words, rates, lengths, what is left out and why; saves a grid by class.

    Splits and channels are among it, and which sounds are clipped, beyond full scale, silent or hold NaN.

    Args:
        path: A folder, zip, tar, text file, .npz, folder of idx files, tfds:NAME, or an embedded set such as shapes, moving or words.
        kind: What it holds; as its files look if not given. Say clips for GIF and WebP files or folders of frames that are videos.
        split: The part to look at.
        limit: Maximum number of images, sentences, clips or recordings, evenly spaced.
        resolution: Side of the images in the grid, pixels.
        rate: Frames per second of clips; as the files say if not given. Folders of frames do not say.
        columns: Images of each class in the grid, which has a row per class.
        rows: Maximum number of classes in the grid.
        bit_depth: Bits that greys of 16 bits use; as the files say if not given.
        max_unpacked: Most bytes to which an item or a set may unpack; by the size of the file and the memory if not given.
        out: The file of the grid: images, first frames or spectrograms.
    """
    outputs.check_path(out, {"image": outputs.image()})
    chosen = OPENED[kind or kind_of(path)]
    settings = {
        "split": split,
        "limit": limit,
        "resolution": resolution,
        "rate": rate,
        "bit_depth": bit_depth,
        "max_unpacked": max_unpacked,
    }
    source = chosen.open(path, settings)
    print(*describe(source, few=None), sep="\n")
    pictures = chosen.pictures(source, by_class(source, columns, rows))
    if pictures is not None:
        outputs.save(out, {"image": pictures}, {"image": outputs.image()}, columns)
        print(out)


def kind_of(path: str) -> KINDS:
    """Returns what a path seems to hold, by the names of its files; images where they tell nothing.

    >>> kind_of("moving"), kind_of("words"), kind_of("shapes")
    ('clips', 'sounds', 'images')
    """
    if path in clips.EMBEDDED or path == sounds.EMBEDDED:
        return "clips" if path in clips.EMBEDDED else "sounds"
    names = _names_in(path_of(path))
    endings = {Path(name).suffix.lower() for name in names}
    if tables_in(names, FILES):
        return "captions"
    if endings & SUFFIXES:
        return "images"
    if endings & sounds.ENDINGS:
        return "sounds"
    if any(canonical_split(name.split(".txt")[0]) for name in names if ".txt" in name) or path.lower().endswith((".txt", ".txt.gz")):
        return "texts"
    return "clips" if ".mp4" in endings else "images"


def by_class(source: Source, columns: int, rows: int) -> np.ndarray:
    """Computes the indices of examples for a grid: a row of each class, again from its first where it has fewer; all rows without classes.

    >>> by_class(open_source("shapes", resolution=16, limit=600, labels=True), 3, 2).shape
    (6,)
    """
    labels = source.columns.get("label", np.zeros(source.size, np.int32))
    chosen = [np.flatnonzero(labels == label) for label in np.unique(labels)[:rows]]
    if len(chosen) == 1:
        return np.arange(source.size)[: columns * rows]
    return np.concatenate([np.resize(members, columns) for members in chosen])


def _names_in(path):
    """The names of the files in a folder or archive; none where it is neither."""
    try:
        outer, inner = locate(path)
        names = open_archive(outer).names
    except (ValueError, OSError):
        return []
    return [name.removeprefix(f"{inner}/") for name in names if name.startswith(inner)]


def _with_labels(open_set):
    """Opens a set with its labels; where these are wrong or absent it says so and does without."""
    try:
        return open_set(labels=True)
    except ValueError as error:
        source = open_set(labels=False)  # raises again, unless it is the labels that are wrong
        print(f"without labels: {error}")
        return source


def _with_words(open_set):
    """Opens a set of sentences; where another split lacks some of the words it says so, and rare ones are unknown."""
    try:
        return open_set(min_count=1)
    except ValueError as error:
        source = open_set(min_count=2)  # raises again, unless it is the words
        print(f"with --min-count 2: {error}")
        return source


def _some(settings, *names):
    return {name: settings[name] for name in names}


def _images(path, settings):
    given = _some(settings, "split", "limit", "resolution", "bit_depth", "max_unpacked")
    return _with_labels(lambda labels: open_source(path, labels=labels, channels=3, **given))


def _captions(path, settings):
    given = _some(settings, "split", "limit", "resolution")
    return _with_words(lambda min_count: open_captions(path, channels=3, min_count=min_count, **given))


def _texts(path, settings):
    return _with_words(lambda min_count: open_texts(path, min_count=min_count, **_some(settings, "split", "limit")))


def _clips(path, settings):
    given = _some(settings, "split", "limit", "resolution", "rate", "max_unpacked")
    origin = open_clips(path, frames=1, channels=3, **given).origin
    frames = min([FRAMES, *(origin.lengths if origin else ())])
    return _with_labels(lambda labels: open_clips(path, frames=frames, channels=3, labels=labels, **given))


def _sounds(path, settings):
    given = _some(settings, "split", "limit", "max_unpacked")
    for fault, names in faults(path, split=settings["split"], max_unpacked=settings["max_unpacked"]).items():
        print(f"{fault}: {len(names)}{', ' if names else ''}{listed(names)}")
    return _with_labels(lambda labels: open_sounds(path, labels=labels, pad=True, **given))


def _sentences(source, indices):
    tokens = source.columns["tokens"][spread(source.size, min(source.size, SENTENCES))]
    print(*decode(tokens, source.names["tokens"]), sep="\n")


def _spectrograms(source, indices):
    heard = read_rows(source, indices, ("audio",))["audio"]
    return np.stack([spectrogram(sound, int(source.rates["audio"])) for sound in heard])


def _stored(source, indices):
    return read_rows(source, indices, ("image",))["image"]


def _first_frames(source, indices):
    return read_rows(source, indices, ("video",))["video"][:, 0]


OPENED = {
    "images": Kind(_images, _stored),
    "captions": Kind(_captions, _stored),
    "texts": Kind(_texts, _sentences),
    "clips": Kind(_clips, _first_frames),
    "sounds": Kind(_sounds, _spectrograms),
}
