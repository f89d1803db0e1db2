"""WAV files to float32 [S, channels] in [-1, 1]: integers of 8, 16, 24 and 32 bits, and floating-point numbers of 32 and 64.

The format: Microsoft and IBM 1991, "Multimedia Programming Interface and Data Specifications 1.0"; its extensible header: Microsoft 2007,
"Multiple channel audio data and WAVE files". The standard library reads no floating-point numbers.
"""

import struct
from typing import NamedTuple

import numpy as np

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
KNOWN = {(PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (FLOAT, 64)}  # (encoding, bits)
UNKNOWN = 0xFFFFFFFF  # length of the numbers, as programs write it that cannot go back to the header: up to the end of the file
CHANNELS = 64  # at most
ADVICE = "convert it, as with ffmpeg -i OLD -c:a pcm_s16le NEW.wav"


class Header(NamedTuple):
    """What a WAV file says of itself."""

    rate: int  # samples per second
    channels: int
    encoding: int  # PCM or FLOAT
    bits: int  # of a number
    start: int  # byte at which the numbers begin
    samples: int  # of each channel


def is_wav(start: bytes) -> bool:
    """Tells by the first 12 bytes of a file or more whether it is a WAV file.

    >>> is_wav(b"RIFF....WAVEfmt "), is_wav(b"fLaC")
    (True, False)
    """
    return start[:4] == b"RIFF" and start[8:12] == b"WAVE"


def header(data: bytes, whole: int | None = None) -> Header | None:
    """Reads what a WAV file says of itself.

    Args:
      data: the file, or its start.
      whole: bytes of the whole file, if `data` is its start only.

    Returns:
      None if the start does not reach the numbers.

    Raises:
      ValueError: if it is no WAV file, its encoding is not known, or it is damaged.
    """
    if not is_wav(data):
        raise ValueError(f"not a WAV file: it begins with {data[:12]!r}; {ADVICE}")
    place, size, form = 12, len(data) if whole is None else whole, None
    while place + 8 <= len(data):
        name, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        if name == b"data" and form is not None:
            return _header(form, place + 8, size - place - 8 if length == UNKNOWN else length, size)
        if name == b"fmt ":
            form = data[place + 8 : place + 8 + min(length, 40)]
        place += 8 + length + length % 2
    if place < size and len(data) < size:
        return None
    raise ValueError("damaged WAV file: it ends before its numbers")


def decode(data: bytes) -> tuple[np.ndarray, int]:
    """Reads all numbers of a WAV file, as float32 [S, channels], and its samples per second: integers are divided by the largest, so that
    full scale is 1.

    Raises:
      ValueError: as `header`.

    >>> form = b"fmt \\x10\\0\\0\\0" + struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    >>> file = b"RIFF\\x28\\0\\0\\0WAVE" + form + b"data\\4\\0\\0\\0\\0\\0\\0\\x40"
    >>> decode(file)
    (array([[0. ],
           [0.5]], dtype=float32), 8000)
    """
    found = header(data)
    if found is None:
        raise ValueError("damaged WAV file: it ends before its numbers")
    size = found.samples * found.channels
    numbers = np.frombuffer(data, np.uint8, size * found.bits // 8, found.start)
    return _floats(numbers, found).reshape(found.samples, found.channels), found.rate


def _header(form, start, length, size):
    if len(form) < 16:
        raise ValueError(f"damaged WAV file: its format takes {len(form)} bytes, expected 16 or more")
    encoding, channels, rate, _, block, bits = struct.unpack("<HHIIHH", form[:16])
    if encoding == EXTENSIBLE and len(form) >= 26:
        encoding = int.from_bytes(form[24:26], "little")
    if (encoding, bits) not in KNOWN:
        raise ValueError(f"a WAV file of the encoding {encoding} with {bits} bits, expected integers or floating-point numbers; {ADVICE}")
    if not 1 <= channels <= CHANNELS or not rate or block != channels * bits // 8:
        raise ValueError(f"damaged WAV file: {channels} channels of {bits} bits in {block} bytes, {rate} per second")
    if start + length > size:
        raise ValueError(f"damaged WAV file: it is cut short, to {max(0, size - start)} of {length} bytes of numbers")
    return Header(rate, channels, encoding, bits, start, length // block)


def _floats(numbers, found):
    if found.encoding == FLOAT:
        return numbers.view(f"<f{found.bits // 8}").astype(np.float32)
    if found.bits == 8:  # the only integers without a sign
        return (numbers.astype(np.float32) - np.float32(128)) / np.float32(128)
    if found.bits == 24:
        wide = np.zeros((len(numbers) // 3, 4), np.uint8)
        wide[:, 1:] = numbers.reshape(-1, 3)
        return (wide.reshape(-1).view("<i4") / 2.0**31).astype(np.float32)
    return (numbers.view(f"<i{found.bits // 8}") / 2.0 ** (found.bits - 1)).astype(np.float32)
