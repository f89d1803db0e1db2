"""Sound as data: WAV and compressed files in folders or archives, cut into windows of one length."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import numpy as np

from jgan.data import archives, compressed, wav
from jgan.data.collection import Collection
from jgan.data.files import Found, Kind, find_files
from jgan.data.layout import canonical_split
from jgan.data.open import check_choices, locate, path_of, reader, usable_of
from jgan.data.procedural import words
from jgan.data.reading import checked_reading, watched
from jgan.data.settings import limit_of, place
from jgan.data.source import Origin, Source
from jgan.data.windows import windows_of
from jgan.ranges import Bytes, Count, SampleRate, Size

EMBEDDED = "words"
WINDOW = 8192  # samples, where nothing else is asked for
# What looks like sound; what is not read is refused by name, not passed over.
ENDINGS = {f".{ending}" for ending in "wav wave mp3 flac ogg oga opus m4a aac aif aiff aifc au snd wma amr caf w64".split()}
SILENT, FULL = 1e-3, 0.99  # the loudness of what is silent and of what is clipped, of full scale
LOUDEST = 16  # times full scale, 24 dB: what reaches beyond was written on another scale, such as integers of 16 bits
KEPT = 4  # recordings in memory while their windows are read


@dataclasses.dataclass(frozen=True, kw_only=True)
class SoundSettings:
    """What sound a system is trained on."""

    data: str = place(EMBEDDED)
    """Sound: words (embedded), or the path of a folder, zip or tar of WAV files, or FLAC, Ogg and MP3 with the extra `audio`; folders are
    labels."""
    split: str = "train"
    """Part of the data to train on."""
    limit: Count | None = None
    """Maximum number of recordings."""
    window: Size = WINDOW
    """Length of an example, samples."""
    pad: bool = False
    """Put silence after recordings that are shorter; they are an error otherwise."""
    level: bool = False
    """Make every example equally loud: its peak is at full scale."""
    sample_rate: SampleRate | None = None
    """Samples per second, to which recordings of other rates are converted; as the files if not given."""
    max_unpacked: Bytes | None = dataclasses.field(default=None, metadata={"may_change": True})
    """Most bytes to which an item or a set may unpack; by the size of the file and the memory if not given."""


def open_settings(config: SoundSettings, split: str | None = None, labels: bool | None = None) -> Source:
    """Returns the sound of a configuration, or another part of it; the limit holds for the part that is trained on."""
    return open_sounds(
        config.data,
        window=config.window,
        split=split or config.split,
        limit=limit_of(config, split),
        labels=labels,
        pad=config.pad,
        level=config.level,
        sample_rate=config.sample_rate,
        max_unpacked=config.max_unpacked,
    )


def open_sounds(
    spec: str | Path = EMBEDDED,
    *,
    window: int = WINDOW,
    split: str = "train",
    limit: int | None = None,
    labels: bool | None = False,
    pad: bool = False,
    level: bool = False,
    sample_rate: int | None = None,
    max_unpacked: int | None = None,
) -> Source:
    """Opens a set of sound.

    The field of an example is `audio`, float32 [window] in [-1, 1]; with labels also `label`. Channels are averaged: sound is mono. Its
    rate, samples per second, is `rates["audio"]` of the source.

    Args:
      spec: `"words"`: ten embedded words, spoken by nobody (`jgan.data.procedural.words`); or a folder, `.zip` or `.tar` of WAV files, of
        any encoding that `jgan.data.wav` reads, or with the extra `audio` of FLAC, Ogg, MP3 and others (`jgan.data.compressed`), whose
        folders mean what they mean for images: see `open_source`.
      window: samples of an example. A longer recording has as many examples as it holds windows: see `jgan.data.windows`.
      split, labels, max_unpacked: as in `open_source`.
      limit: maximum number of recordings, evenly spaced over the set.
      pad: whether silence follows recordings that are shorter than a window.
      level: whether each example is scaled so that its peak is 1; silence stays.
      sample_rate: samples per second; recordings of other rates are converted by `resampled`. None: as the files, which must agree then.

    Files whose header cannot be read are in `skipped`, with a warning; damaged ones are replaced as in `open_source`.

    Raises:
      ValueError: no readable sound, recordings of several rates without `sample_rate`, another one than the embedded words have, one that
        is shorter than a window unless `pad`, or one with NaN or infinity, or floating-point numbers of another scale than -1 to 1, which
        reach beyond 16; and as `open_source`. What is a little beyond full scale is clipped.
      FileNotFoundError: nothing at that path.

    >>> source = open_sounds(limit=4, labels=True)
    >>> source.fields["audio"].shape, source.rates, source.read(0)["audio"].dtype, source.names["label"][:2]
    ((8192,), {'audio': 8000}, dtype('float32'), ('up-a', 'up-i'))
    """
    check_choices(None, limit)
    if window < 1:
        raise ValueError(f"window={window!r}: expected one sample or more")
    if sample_rate is not None and sample_rate < 1:
        raise ValueError(f"sample_rate={sample_rate!r}: expected one sample per second or more")
    if str(spec) == EMBEDDED:
        if sample_rate not in (None, words.RATE):
            raise ValueError(
                f"expected {words.RATE} samples per second of the embedded words, found sample_rate={sample_rate}; leave it out"
            )
        return words.open_words(canonical_split(split) or split, window, limit, labels is not False)
    found = _found(spec, split, max_unpacked)
    return _source(found, str(spec), window, limit, labels, pad, level, sample_rate, max_unpacked)


def faults(spec: str | Path, *, split: str = "train", max_unpacked: int | None = None) -> dict[str, list[str]]:
    """Listens to all readable recordings of a set for what a user would want to know.

    Args:
      spec, split, max_unpacked: as in `open_sounds`.

    Returns:
      The names of the recordings with NaN or infinity, of those that are silent (the largest number is below -60 dB of full scale), of
      those beyond full scale, which opening clips or refuses, and of those that are clipped (two samples in a row are one number of at
      least 0.99).

    >>> faults("words")
    {'NaN or infinity': [], 'silent': [], 'beyond full scale': [], 'clipped': []}
    """
    names: dict[str, list[str]] = {"NaN or infinity": [], "silent": [], "beyond full scale": [], "clipped": []}
    if str(spec) == EMBEDDED:
        return names
    found = _found(spec, split, max_unpacked)
    recordings = list(zip(found.names, found.files, strict=True))
    for name, (file,) in watched(recordings, lambda done, item: f"listen to {spec}: {done} of {len(recordings)} up to {item[0]}"):
        try:
            fault = fault_of(_numbers(found.archive.read(file))[0])
        except (ValueError, OSError):  # opening the set reports it
            continue
        if fault is not None:
            names[fault].append(name)
    return names


def fault_of(sound: np.ndarray) -> str | None:
    """Returns what is wrong with a sound [S, channels], as `faults` names it; None: nothing.

    >>> [fault_of(np.asarray(sound)[:, None]) for sound in ([0.0, np.nan], [0.0, 1e-4], [0.5, 1.0, 1.0, 0.5], [0.5, 1.0, 0.5])]
    ['NaN or infinity', 'silent', 'clipped', None]
    """
    if not np.isfinite(sound).all():
        return "NaN or infinity"
    peak = np.abs(sound).max(initial=0)
    if peak < SILENT:
        return "silent"
    if peak > 1:
        return "beyond full scale"
    flat = (np.abs(sound[1:]) >= FULL) & (sound[1:] == sound[:-1])
    return "clipped" if flat.any() else None


def _found(spec, split, max_unpacked) -> Found:
    path, inner = locate(path_of(spec), (EMBEDDED,))
    return find_files(path, inner, split, Kind("sound", "files of sound, such as WAV", _is_sound), checked_reading(None, max_unpacked))


def _source(found: Found, spec, window, limit, labels, pad, level, sample_rate, max_unpacked) -> Source:
    archive, files = found.archive, [file for (file,) in found.files]
    sound = functools.lru_cache(KEPT)(lambda index: _mono(archive.read(files[index]), sample_rate))
    collection = Collection(
        found.names,
        lambda index: {"audio": _look(archive, files[index], max_unpacked)},
        lambda index, shapes: {"audio": sound(index)},
        found.labels,
        passed_over=found.passed_over,
    )
    usable = usable_of(collection, spec, limit, labels)
    indices, stored = zip(*((index, (found.names[index], *shapes["audio"])) for index, shapes in usable.found), strict=True)
    if sample_rate is None:
        _check_rates(stored)
    rate = sample_rate or stored[0][1]
    lengths = [resampled_length(samples, other, rate) for _, other, samples, _ in stored]
    _check_lengths([name for name, *_ in stored], lengths, rate, window, pad)
    floating = [(name, index) for index, (name, *_, floating) in zip(indices, stored, strict=True) if floating]
    _check_numbers(spec, floating, lambda index: _mono(archive.read(files[index])))  # NaN would spread when it is resampled
    places = windows_of(lengths, window)
    columns = {name: values[places[:, 0]] for name, values in usable.columns.items()}
    fields = {"audio": jax.ShapeDtypeStruct((window,), np.float32)}
    damaged: dict[str, str] = {}

    def decode(index):
        recording, start = places[index]
        cut = np.clip(sound(indices[recording])[start : start + window], -1, 1)
        whole = np.pad(cut, (0, window - len(cut)))
        return {"audio": loud(whole) if level else whole}

    return Source(
        name=spec,
        size=len(places),
        fields=fields | {name: jax.ShapeDtypeStruct(values.shape[1:], values.dtype) for name, values in columns.items()},
        read=reader([stored[recording][0] for recording in places[:, 0]], decode, columns, damaged),
        names=usable.classes,
        columns=columns,
        skipped=usable.skipped,
        damaged=damaged,
        origin=Origin(splits=found.splits, lengths=tuple(lengths)),
        rates={"audio": rate},
    )


def loud(sound: np.ndarray) -> np.ndarray:
    """Scales a sound so that its peak is 1; silence stays.

    >>> loud(np.asarray([0.0, -0.25, 0.125])).tolist(), loud(np.zeros(2)).tolist()
    ([0.0, -1.0, 0.5], [0.0, 0.0])
    """
    peak = np.abs(sound).max()
    return sound / peak if peak > 0 else sound


def resampled(sound: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Computes the same sound at another rate, float32 [`resampled_length`]: by a windowed sinc, which lets pass what either rate can hold.

    >>> resampled(np.ones(16, np.float32), 16_000, 8_000).shape
    (8,)
    """
    if rate == new_rate:
        return sound
    from scipy.signal import resample_poly

    common = math.gcd(rate, new_rate)
    return resample_poly(sound, new_rate // common, rate // common).astype(np.float32)


def resampled_length(samples: int, rate: int, new_rate: int) -> int:
    """Computes the number of samples of a sound at another rate.

    >>> resampled_length(441, 44_100, 8_000), resampled_length(442, 44_100, 8_000)
    (80, 81)
    """
    return -(-samples * new_rate // rate)


def _is_sound(archive, name):
    if Path(name).suffix.lower() in ENDINGS:
        return True
    try:
        return wav.is_wav(archive.read(name, 12))
    except (ValueError, OSError):
        return False


def _look(archive, name, max_unpacked):
    """(rate, samples, whether floating-point) of a file, of WAV files by the start of most."""
    start = archive.read(name, archives.HEADER_BYTES)
    if wav.is_wav(start):
        found = wav.header(start, archive.size(name)) or wav.header(archive.read(name))
        rate, samples, floating = (found.rate, found.samples, int(found.encoding == wav.FLOAT)) if found else (0, 0, 0)
    else:
        rate, samples, floating = compressed.header(archive.read(name), max_unpacked)
    if not samples:
        raise ValueError("it holds no sound")
    return rate, samples, floating


def _check_rates(stored: Sequence[tuple[str, int, int, int]]) -> None:
    first, rate, *_ = stored[0]
    for name, other, *_ in stored:
        if other != rate:
            found = f"{first} has {rate} and {name} has {other} samples per second"
            raise ValueError(
                f"expected recordings of one rate, found several: {found}; give the one to have, sample_rate=... (--sample-rate)"
            )


def _check_lengths(names: Sequence[str], lengths: Sequence[int], rate: int, window: int, pad: bool) -> None:
    for name, samples in zip(names, lengths, strict=True):
        if samples < window and not pad:
            raise ValueError(
                f"expected recordings of at least {window} samples, one window, found {samples} ({samples / rate:.3g} s) in {name}; take a"
                " shorter window, leave it out, or have silence put after it with pad=True (--pad)"
            )


def _check_numbers(spec, floating: Sequence[tuple[str, int]], sound: Callable[[int], np.ndarray]) -> None:
    """Looks for NaN and other scales in floating-point recordings, (name, index), which have to be read for it; others have none."""
    for name, index in watched(floating, lambda done, item: f"look for NaN in {spec}: {done} of {len(floating)} up to {item[0]}"):
        try:
            numbers = sound(index)
        except (ValueError, OSError):  # it is reported when it is read
            continue
        bad, peak = np.count_nonzero(~np.isfinite(numbers)), np.abs(numbers).max(initial=0)
        if bad:
            raise ValueError(f"expected numbers in {name}, found NaN or infinity in {bad} samples; correct it or leave it out")
        if peak > LOUDEST:
            raise ValueError(f"expected numbers from -1 to 1 in {name}, found {peak:g}; divide by full scale, such as 32768 of 16 bits")


def _numbers(data):
    """All numbers of a file, float32 [S, channels], and its samples per second."""
    return wav.decode(data) if wav.is_wav(data) else compressed.decode(data)


def _mono(data, rate=None):
    numbers, stored = _numbers(data)
    sound = numbers.mean(axis=1, dtype=np.float32)
    return sound if rate is None else resampled(sound, stored, rate)
