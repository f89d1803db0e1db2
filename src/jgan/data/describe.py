"""What was understood of a set of images, in lines for people."""

from collections.abc import Sequence

import numpy as np

from jgan.data.source import Source
from jgan.data.vocabulary import END, UNKNOWN, unit_of

FEW = 10  # classes and files that a line names


def describe(source: Source, few: int | None = FEW) -> list[str]:
    """Returns lines that say what a source was understood to be: its examples, its classes, and what was left out.

    Args:
      source: as `open_source`, `open_pairs` and `open_domains` return it.
      few: maximum number of classes and files left out; None: all.

    >>> from jgan.data import open_source
    >>> print(*describe(open_source("shapes", resolution=16, limit=600, labels=True), few=2), sep="\\n")
    shapes: 600 images, 16 x 16, 3 channels (stored as 32 x 32, 3 channels)
    8 classes: 0 circle (70), 1 square (76), ...
    left out: nothing
    """
    parts = source.parts or (source,)
    skipped = [entry for part in parts for entry in part.skipped]
    reasons = listed([f"{name.removeprefix(source.name + '/')} ({reason})" for name, reason in skipped], few)
    lines = [
        *map(_examples, parts),
        *_vocabularies(source),
        _classes(source, few),
        f"left out: {len(skipped)}, {reasons}" if skipped else "left out: nothing",
    ]
    return ["".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) for line in lines]  # a name can hold anything


def _examples(source):
    images = {name: field.shape[-3:] for name, field in source.fields.items() if field.dtype == np.uint8 and len(field.shape) in (3, 4)}
    line = f"{source.name}: {source.size} {'images' if len(images) == 1 and not source.rates else 'examples'}"
    if images:
        line += ", " + " and ".join(dict.fromkeys(map(_size, images.values())))
    for name, rate in source.rates.items():
        count = source.fields[name].shape[0]
        line += f", {name} of {count} at {rate:g} per second ({count / rate:.3g} s)"
        line += _lengths(source, count, rate)
    note = source.origin.note if source.origin is not None else ""
    if source.origin is not None and (note or set(source.origin.shapes) != set(images.values())):
        line += f" (stored as {_stored(source.origin.shapes)}{note and ', '}{note})"
    if source.origin is not None and source.origin.splits:
        line += "; splits: " + ", ".join(f"{name} ({count})" for name, count in source.origin.splits.items())
    return line


def _lengths(source, count, rate):
    lengths = () if source.origin is None else source.origin.lengths
    if set(lengths) <= {count}:
        return ""
    return f", parts of {len(lengths)} of {min(lengths)} to {max(lengths)} ({min(lengths) / rate:.3g} to {max(lengths) / rate:.3g} s)"


def _vocabularies(source):
    return [_vocabulary(source, name, names) for name, names in source.names.items() if END in names]


def _vocabulary(source, name, names):
    length = source.fields[name].shape[0] - 1  # the end is none of them
    line = f"{name}: up to {length} {unit_of(names)}, {len(names) - 1} different ones"
    if UNKNOWN not in names:
        return line
    unknown = np.mean(source.columns[name][source.columns[name] != names.index(END)] == names.index(UNKNOWN))
    return f"{line}, {100 * unknown:.3g} % unknown"


def _classes(source, few):
    names = source.names.get("label", ())
    if "label" not in source.columns:
        return "no classes"
    counts = np.bincount(source.columns["label"], minlength=len(names)).tolist()
    entries = [f"{number} {name} ({counts[number]})" for number, name in enumerate(names)]
    return f"{len(names)} classes: {listed(entries, few)}"


def _stored(shapes):
    if len(shapes) == 1:
        return _size(*shapes)
    heights, widths, channels = (sorted({shape[axis] for shape in shapes}) for axis in range(3))
    of_channels = " and ".join(map(str, channels))
    return f"{len(shapes)} shapes from {heights[0]} x {widths[0]} to {heights[-1]} x {widths[-1]}, {of_channels} channels"


def _size(shape):
    height, width, channels = shape
    return f"{height} x {width}, {channels} {'channel' if channels == 1 else 'channels'}"


def listed(entries: Sequence[str], few: int | None = FEW) -> str:
    """Returns the first few of some names, and whether there are more; None: all.

    >>> listed(["a", "b", "c"], few=2)
    'a, b, ...'
    """
    return ", ".join([*entries[:few], *(["..."] if few is not None and len(entries) > few else [])])
