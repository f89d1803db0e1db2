import io
import wave

import numpy as np
import pytest
from tests.outputs.examples import numbers, opened

from jgan.ops.spectrogram import to_mel
from jgan.outputs.sounds import COLOURS, HEIGHT, PAUSE, WIDTH, audio, spectrogram, wav

RATE = 16_000


def read(content):
    """Rate, and int16 [S, channels]."""
    with wave.open(io.BytesIO(content)) as file:
        assert file.getsampwidth() == 2
        return file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())


def tone(frequency, seconds=1.0, rate=RATE):
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate).astype(np.float32)


@pytest.mark.parametrize("shape", [(3, 400), (3, 400, 1), (3, 400, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_one_file_per_example(shape, dtype):
    values = numbers(*shape).astype(dtype)
    files = audio(RATE).files(audio(RATE).check("audio", values), None)
    assert list(files) == ["/0000.wav", "/0001.wav", "/0002.wav", ".png"]
    expected = np.round(np.clip(values.astype(np.float32), -1, 1) * 32767).reshape(3, 400, -1)
    for i in range(3):
        rate, found = read(files[f"/{i:04d}.wav"])
        assert rate == RATE
        np.testing.assert_array_equal(found, expected[i])
    assert opened(files[".png"]).shape[2] == 3


def test_one_file_of_several_examples_has_pauses():
    sounds = audio(RATE).check("audio", np.full((2, 100), 0.5))
    _, found = read(audio(RATE).formats[".wav"](sounds, None))
    pause = round(PAUSE * RATE)
    assert (found[:100] > 0).all() and (found[100 : 100 + pause] == 0).all() and (found[100 + pause :] > 0).all()
    assert len(found) == 200 + pause


@pytest.mark.parametrize("frequency", [500, 2_000, 4_000, 7_000])
def test_spectrograms_show_where_a_tone_is(frequency):
    picture = spectrogram(tone(frequency), RATE)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    row = picture.astype(int).sum(axis=(1, 2)).argmax()
    share, whole = to_mel(np.asarray([frequency, RATE / 2]))
    assert abs(row - (HEIGHT - 0.5 - share / whole * HEIGHT)) <= 1.5
    assert np.abs(picture[row, WIDTH // 2].astype(int) - COLOURS[-1]).max() < 60


def test_time_goes_to_the_right():
    picture = spectrogram(np.concatenate([np.zeros(RATE, np.float32), tone(3_000)]), RATE).astype(int)
    assert picture[:, : WIDTH // 2 - 5].max() == 0 < picture[:, WIDTH // 2 + 5 :].max(axis=(0, 2)).min()


@pytest.mark.parametrize(("samples", "rate"), [(1, 16_000), (60, 16_000), (100, 100), (44_100, 44_100), (2_000_000, 44_100)])
def test_spectrograms_of_any_length(samples, rate):
    assert spectrogram(np.zeros(samples, np.float32), rate).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("rate", [1, 8_000, 44_100])
def test_rates(rate):
    assert read(wav(np.zeros((4, 1), np.float32), rate))[0] == rate


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (numbers(8), ValueError, r"voice: expected sounds \[N, S\] or \[N, S, channels\]"),
        (numbers(0, 8), ValueError, "at least one example"),
        (numbers(2, 1, 16_000), ValueError, r"at most 8 channels, found shape \(2, 1, 16000\)"),
        (np.full((2, 4), np.nan, np.float32), ValueError, "voice: expected numbers, found NaN in 2 of 2 examples"),
        (np.zeros((2, 4), np.int16), TypeError, r"voice: expected floating-point numbers in \[-1, 1\], found int16"),
    ],
)
def test_refused(values, error, message):
    with pytest.raises(error, match=message):
        audio(RATE).check("voice", values)


@pytest.mark.parametrize("rate", [0, -5, 0.5])
def test_refused_rates(rate):
    with pytest.raises(ValueError, match="positive integer of samples per second"):
        audio(rate)
