"""FLAC, Ogg, MP3, AIFF and other files of sound to float32 [S, channels], read by libsndfile: with the extra `audio` only."""

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from jgan import bounded
from jgan.data import wav

FLOATING = ("FLOAT", "DOUBLE")  # encodings that can hold NaN


def header(data: bytes, max_unpacked: int | None = None) -> tuple[int, int, int]:
    """Returns (rate, samples of each channel, whether floating-point) of a file of sound.

    Raises:
      ValueError: if it is damaged or of another kind, or would unpack to more than is allowed; or without the packages of the extra.
    """
    with _opened(data) as sound:
        size = sound.frames * sound.channels * 4
        bounded.check(f"a recording of {sound.frames} samples of {sound.channels} channels", size, len(data), max_unpacked)
        return sound.samplerate, sound.frames, int(sound.subtype in FLOATING)


def decode(data: bytes) -> tuple[np.ndarray, int]:
    """Reads all numbers of a file of sound, as float32 [S, channels] in [-1, 1], and its samples per second.

    Raises:
      ValueError: if it is damaged or of another kind; or without the packages of the extra.
    """
    with _opened(data) as sound:
        return sound.read(dtype="float32", always_2d=True), sound.samplerate


@contextlib.contextmanager
def _opened(data) -> Iterator[Any]:
    try:
        import soundfile
    except ModuleNotFoundError:
        raise ValueError(f"not a WAV file, and others need the package soundfile: pip install 'jgan[audio]', or {wav.ADVICE}") from None
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            yield sound
    except soundfile.LibsndfileError as error:
        raise ValueError(f"damaged, or a kind of sound that is not known: {error.error_string} {wav.ADVICE}") from error
