import struct
import zipfile

import numpy as np
import pytest
from tests.data.test_wav import wav

from jgan.data.content import data_hash
from jgan.data.describe import describe
from jgan.data.feed import resident
from jgan.data.procedural.words import NAMES, RATE, word
from jgan.data.sounds import SoundSettings, faults, open_settings, open_sounds, resampled, resampled_length
from jgan.data.wav import FLOAT
from jgan.data.windows import windows_of

RAMP = np.arange(-200, 200)  # 400 samples, each of which says where it is


def ints(values, **settings):
    return wav(np.asarray(values).astype("<i2").tobytes(), **settings)


def floats(values):
    return wav(struct.pack(f"<{len(values)}f", *values), FLOAT, 32)


def written(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


SPLITS = {f"{split}/{label}/{n}.wav": ints(RAMP + n) for split in ("train", "test") for label in ("no", "yes") for n in (0, 1)}


def test_folders_are_labels_and_splits(tmp_path):
    written(tmp_path, SPLITS)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name, content in SPLITS.items():
            archive.writestr(name, content)
    opened = open_sounds(tmp_path / "train", window=400, labels=True)
    for source in (opened, open_sounds(tmp_path / "set.zip", window=400, labels=True)):
        assert source.size == 4 and source.names == {"label": ("no", "yes")} and source.columns["label"].tolist() == [0, 0, 1, 1]
        assert source.rates == source.spec.rates == {"audio": 8000} and source.spec.rate("audio") == 8000
        example = source.read(1)
        np.testing.assert_array_equal(example["audio"], ((RAMP + 1) / 2**15).astype(np.float32))
        assert example["label"] == 0 and example["audio"].dtype == np.float32
    assert open_sounds(tmp_path / "set.zip", window=400, split="test").size == 4
    assert describe(opened)[0].endswith("train: 4 examples, audio of 400 at 8000 per second (0.05 s)")
    assert open_sounds(tmp_path / "set.zip", window=400, limit=2).size == 2


def test_channels_are_averaged(tmp_path):
    written(tmp_path, {"a.wav": ints(np.stack([RAMP, 3 * RAMP], axis=1), channels=2)})
    np.testing.assert_array_equal(open_sounds(tmp_path, window=400).read(0)["audio"], (2 * RAMP / 2**15).astype(np.float32))


def test_windows_are_parts_of_recordings_that_stay(tmp_path):
    written(tmp_path, {"a.wav": ints(RAMP), "b.wav": ints(RAMP + 5000)})
    source = open_sounds(tmp_path, window=130)
    found = np.stack([source.read(index)["audio"] for index in range(source.size)]) * 2**15
    assert found.shape == (6, 130) and (np.diff(found, axis=1) == 1).all()
    starts = found[:, 0].reshape(2, 3) + np.asarray([[200], [-4800]])
    assert (np.diff(starts, axis=1) >= 130).all() and (starts >= 0).all() and (starts <= 270).all()
    assert starts[0].tolist() != starts[1].tolist()
    assert data_hash(source) == data_hash(open_sounds(tmp_path, window=130))


def test_places_of_windows():
    assert windows_of([10_000, 5], 1000).tolist()[-1] == [1, 0]
    starts = np.concatenate([windows_of([2**16], 2**8 + number)[:, 1] % 2**8 for number in range(40)])
    assert len(np.unique(starts)) > 200  # anywhere
    assert windows_of([400, 400], 130)[:3, 1].tolist() == windows_of([400, 700], 130)[:3, 1].tolist()  # whatever else there is


def test_short_recordings_are_an_error_or_padded(tmp_path):
    written(tmp_path, {"a.wav": ints(RAMP), "b.wav": ints(RAMP[:100])})
    with pytest.raises(ValueError, match=r"at least 300 samples, one window, found 100 \(0.0125 s\) in .*b\.wav; .*pad=True"):
        open_sounds(tmp_path, window=300)
    found = open_sounds(tmp_path, window=300, pad=True).read(1)["audio"]
    np.testing.assert_array_equal(found, np.pad(RAMP[:100] / 2**15, (0, 200)).astype(np.float32))


def test_levels(tmp_path):
    written(tmp_path, {"a.wav": ints(RAMP), "b.wav": ints(0 * RAMP), "c.wav": floats([3.0, -7.0])})
    plain, level = (open_sounds(tmp_path, window=400, pad=True, level=wanted) for wanted in (False, True))
    assert [np.abs(level.read(index)["audio"]).max() for index in range(3)] == [1, 0, 1]
    assert plain.read(2)["audio"][:3].tolist() == [1, -1, 0]  # beyond full scale, as a player would clip it


@pytest.mark.parametrize(("numbers", "fault"), [([0.5, 1.5, 1.5], "beyond full scale"), ([0.5, 1.0, 1.0], "clipped"), ([0.5, 1.0], None)])
def test_sound_beyond_full_scale_is_said(tmp_path, numbers, fault):
    written(tmp_path, {"a.wav": floats(numbers)})
    assert [name for name, found in faults(tmp_path).items() if found] == ([fault] if fault else [])


ERRORS = {
    "empty": ({}, "no sounds in .*: found nothing; expected files of sound, such as WAV"),
    "others": ({"a.txt": b"x"}, r"no sounds in .*: found a\.txt"),
    "nan": (
        {"a.wav": ints(RAMP), "b.wav": floats([0.0, float("nan")] * 200)},
        r"expected numbers in .*b\.wav, found NaN or infinity in 200",
    ),
    "infinity": ({"a.wav": floats([0.0, float("-inf")] * 200)}, "found NaN or infinity in 200 samples"),
    "another scale": ({"a.wav": floats([0.0, 32_767.0] * 200)}, r"from -1 to 1 in .*a\.wav, found 32767; divide by full scale"),
    "rates": (
        {"a.wav": ints(RAMP), "b.wav": ints(RAMP, rate=44_100)},
        r"of one rate, found several: .*a\.wav has 8000 and .*b\.wav has 44100 samples per second; give .*--sample-rate",
    ),
    "other formats": (
        {"a.mp3": b"ID3"},
        r"nothing readable in .* \(1 unreadable\): the first is .*a\.mp3: (not a WAV file, and|damaged, or).*ffmpeg",
    ),
    "no samples": ({"a.wav": ints([])}, "nothing readable in .*it holds no sound"),
    "no labels": ({"a.wav": ints(RAMP)}, "has no labels"),
}


@pytest.mark.parametrize(("files", "message"), ERRORS.values(), ids=ERRORS)
def test_errors(tmp_path, files, message):
    with pytest.raises(ValueError, match=message):
        open_sounds(written(tmp_path, files), window=300, labels=True if message == "has no labels" else None)


def sine(frequency, rate, seconds=0.5):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def loudest(sound, rate):
    """The frequency with the largest magnitude, and its amplitude."""
    magnitudes = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) / (len(sound) / 4)
    return magnitudes.argmax() * rate / len(sound), magnitudes.max()


@pytest.mark.parametrize(("rate", "new"), [(16_000, 8_000), (44_100, 8_000), (8_000, 16_000), (11_025, 16_000)])
def test_other_rates_keep_the_frequency_and_the_level(tmp_path, rate, new):
    written(tmp_path, {"a.wav": ints(sine(1000, rate) * 2**15, rate=rate), "b.wav": ints(sine(1000, new) * 2**15, rate=new)})
    source = open_sounds(tmp_path, window=new // 2, sample_rate=new)
    assert source.rates == {"audio": new} and source.size == 2
    converted, as_it_was = (source.read(index)["audio"] for index in (0, 1))
    frequency, amplitude = loudest(converted, new)
    assert converted.dtype == np.float32 and frequency == 1000 and amplitude == pytest.approx(0.5, rel=0.01)
    inner = slice(200, -200)  # the ends ring
    np.testing.assert_allclose(converted[inner], as_it_was[inner], atol=2e-3)


def test_recordings_that_have_the_rate_stay(tmp_path):
    written(tmp_path, {"a.wav": ints(RAMP)})
    np.testing.assert_array_equal(open_sounds(tmp_path, window=400, sample_rate=8000).read(0)["audio"], (RAMP / 2**15).astype(np.float32))


@pytest.mark.parametrize("frequency", [5000, 7000, 15_000])
def test_what_the_new_rate_cannot_hold_is_gone(frequency):
    """It would be heard as another tone otherwise: 5 kHz at 8000 samples per second as 3 kHz."""
    found = resampled(sine(frequency, 44_100).astype(np.float32), 44_100, 8_000)
    assert np.abs(found[200:-200]).max() < 2e-3 and len(found) == 4000


@pytest.mark.parametrize("samples", [441, 442, 999, 1001])
def test_lengths_are_those_of_windows(tmp_path, samples):
    written(tmp_path, {"a.wav": ints(np.arange(samples), rate=44_100)})
    length = resampled_length(samples, 44_100, 8_000)
    assert len(resampled(np.zeros(samples, np.float32), 44_100, 8_000)) == length
    assert open_sounds(tmp_path, window=length, sample_rate=8_000).size == 1
    with pytest.raises(ValueError, match=f"at least {length + 1} samples, one window, found {length} .*pad=True"):
        open_sounds(tmp_path, window=length + 1, sample_rate=8_000)


def test_numbers_that_are_none_are_found_before_they_spread(tmp_path):
    written(tmp_path, {"a.wav": floats([0.0, float("nan")] * 200)})
    with pytest.raises(ValueError, match="NaN or infinity in 200 samples"):
        open_sounds(tmp_path, window=300, sample_rate=16_000)


def test_embedded_words_have_their_rate():
    with pytest.raises(ValueError, match="expected 8000 samples per second of the embedded words, found sample_rate=16000"):
        open_sounds(sample_rate=16_000)
    assert open_settings(SoundSettings(sample_rate=8000, limit=2)).rates == {"audio": 8000}
    with pytest.raises(ValueError, match="sample_rate=0"):
        open_sounds(sample_rate=0)


def test_no_such_place():
    with pytest.raises(FileNotFoundError, match="no source 'wodrs': expected 'words', or the path .*; did you mean 'words'"):
        open_sounds("wodrs")
    with pytest.raises(ValueError, match="words has no split 'dev'"):
        open_sounds("words", split="dev")


def test_damaged_files_are_replaced(tmp_path):
    written(tmp_path, {"a.wav": ints(RAMP), "b.wav": ints(RAMP)})
    source = open_sounds(tmp_path, window=400)
    (tmp_path / "a.wav").write_bytes(ints(RAMP)[:-100])
    with pytest.warns(UserWarning, match=r"a\.wav is damaged and replaced by the next readable example: damaged WAV file: it is cut short"):
        np.testing.assert_array_equal(source.read(0)["audio"], source.read(1)["audio"])
    assert list(source.damaged) == [str(tmp_path / "a.wav")]


def test_embedded_words():
    source = open_settings(SoundSettings(window=2048, limit=64))
    assert source.rates == {"audio": RATE} and source.names["label"] == NAMES and source.fields["audio"].shape == (2048,)
    batch = next(iter([resident(source, batch=8, seed=0)]))
    assert batch.constants["audio"].shape == (64, 2048) and np.isin(np.arange(10), source.columns["label"]).all()
    for index in (0, 5):
        example, (sound, number) = source.read(index), word(index, 2048)
        np.testing.assert_array_equal(example["audio"], sound)
        assert example["label"] == number and 0.3 < np.abs(sound).max() <= 1
    assert open_settings(SoundSettings(window=2048, limit=64), "test").size == 500
    assert not np.array_equal(source.read(0)["audio"], open_settings(SoundSettings(window=2048), "test").read(0)["audio"])


def test_a_word_of_a_few_samples():
    assert word(3, 4)[0].shape == (4,) and np.isfinite(word(3, 4)[0]).all()
