import io
import struct
import wave

import numpy as np
import pytest

from jgan.data.wav import EXTENSIBLE, FLOAT, PCM, decode, header

NUMBERS = np.linspace(-1, 1 - 2**-7, 256)  # what 8 bits hold exactly


def chunk(name, content):
    return name + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2)


def wav(numbers, encoding=PCM, bits=16, channels=1, rate=8000, extra=b"", between=b"", extensible=False):
    """A WAV file of bytes that are already encoded."""
    form = struct.pack(
        "<HHIIHH", EXTENSIBLE if extensible else encoding, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits
    )
    if extensible:
        form += struct.pack("<HHIH", 22, bits, 0, encoding) + b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    body = b"WAVE" + extra + chunk(b"fmt ", form) + between + chunk(b"data", numbers)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def encoded(encoding, bits):
    """NUMBERS in an encoding, by another way than the one that is tested."""
    if encoding == FLOAT:
        return struct.pack(f"<{len(NUMBERS)}{'f' if bits == 32 else 'd'}", *NUMBERS)
    whole = [round(number * 2 ** (bits - 1)) for number in NUMBERS]
    return b"".join((n + 128).to_bytes(1, "little") if bits == 8 else n.to_bytes(bits // 8, "little", signed=True) for n in whole)


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize(("encoding", "bits"), [(PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (FLOAT, 64)])
def test_every_encoding_gives_the_same_numbers(encoding, bits, extensible):
    for channels in (1, 2):
        data = wav(encoded(encoding, bits), encoding, bits, channels, extensible=extensible)
        found, rate = decode(data)
        assert rate == 8000 and found.dtype == np.float32 and found.shape == (256 // channels, channels)
        np.testing.assert_array_equal(found.reshape(-1), NUMBERS.astype(np.float32))
        assert header(data)[:4] == (8000, channels, encoding, bits)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_files_of_the_standard_library(channels):
    values, content = np.random.default_rng(0).integers(-(2**15), 2**15, (50, channels)).astype("<i2"), io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((channels, 2, 44_100, 0, "NONE", ""))
        file.writeframes(values.tobytes())
    np.testing.assert_array_equal(decode(content.getvalue())[0], values / np.float32(2**15))


def test_other_chunks_are_passed_over():
    numbers = encoded(PCM, 16)
    data = wav(numbers, extra=chunk(b"bext", b"odd"), between=chunk(b"LIST", b"INFO")) + chunk(b"id3 ", b"title")
    np.testing.assert_array_equal(decode(data)[0], decode(wav(numbers))[0])


def test_the_start_of_a_file_may_not_reach_its_numbers():
    data = wav(encoded(PCM, 16), between=chunk(b"LIST", b"x" * 100))
    assert header(data[:60], len(data)) is None
    assert header(data[:200], len(data)) == header(data)


def test_a_length_that_is_not_known_reaches_to_the_end():
    data = wav(encoded(PCM, 16))
    streamed = data.replace(b"data" + (512).to_bytes(4, "little"), b"data" + b"\xff" * 4)
    np.testing.assert_array_equal(decode(streamed)[0], decode(data)[0])


WHOLE = wav(encoded(PCM, 16))
DAMAGED = {
    "no WAV": (b"fLaC" + WHOLE, "not a WAV file: it begins with b'fLaC.*convert it"),
    "empty": (b"", "not a WAV file"),
    "cut short": (WHOLE[:-10], "cut short, to 502 of 512 bytes"),
    "without numbers": (WHOLE[:36], "ends before its numbers"),
    "without a format": (b"RIFF\0\0\0\0WAVE" + chunk(b"data", b"1234"), "ends before its numbers"),
    "mu-law": (wav(b"1234", 7, 8), "the encoding 7 with 8 bits, expected integers or floating-point numbers; convert it"),
    "12 bits": (wav(b"1234", PCM, 12), "the encoding 1 with 12 bits"),
    "no channels": (wav(b"1234", channels=0), "0 channels of 16 bits"),
    "no rate": (wav(b"1234", rate=0), "0 per second"),
    "short format": (b"RIFF\0\0\0\0WAVE" + chunk(b"fmt ", b"12") + chunk(b"data", b"12"), "its format takes 2 bytes"),
}


@pytest.mark.parametrize(("data", "message"), DAMAGED.values(), ids=DAMAGED)
def test_what_cannot_be_read_says_why(data, message):
    with pytest.raises(ValueError, match=message):
        decode(data)


def test_any_cut_is_refused_or_read():
    for end in range(len(WHOLE)):
        with pytest.raises(ValueError):
            decode(WHOLE[:end])
