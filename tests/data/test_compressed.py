"""Sound that is not WAV, as other programs write it."""

import io
import sys

import numpy as np
import pytest
from tests.data.test_sounds import RAMP, ints, written

from jgan.data.compressed import decode, header
from jgan.data.sounds import faults, open_sounds

soundfile = pytest.importorskip("soundfile", reason="the extra `audio` is not installed")
SINE = 0.5 * np.sin(np.arange(4000) / 9)


def encoded(sound, kind, subtype=None, rate=8000):
    content = io.BytesIO()
    soundfile.write(content, sound, rate, format=kind, subtype=subtype)
    return content.getvalue()


@pytest.mark.parametrize(
    ("kind", "subtype", "bound"),
    [("FLAC", "PCM_16", 0), ("AIFF", "PCM_16", 0), ("AIFF", "FLOAT", 0), ("OGG", "VORBIS", 0.05), ("MP3", None, 0.05)],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_kinds(kind, subtype, bound, channels):
    sound = np.round(np.stack([SINE] * channels, axis=1) * 2**15) / 2**15
    data = encoded(sound, kind, subtype)
    numbers, rate = decode(data)
    assert numbers.dtype == np.float32 and numbers.shape == sound.shape and rate == 8000
    assert header(data) == (8000, 4000, int(subtype == "FLOAT"))
    np.testing.assert_allclose(numbers[200:-200], sound[200:-200], atol=bound)


def test_a_set_of_several_kinds(tmp_path):
    files = {"train/no/a.flac": encoded(RAMP / 2**15, "FLAC"), "train/yes/b.wav": ints(RAMP)}
    source = open_sounds(written(tmp_path, files), window=400, labels=True)
    assert source.names == {"label": ("no", "yes")} and source.rates == {"audio": 8000}
    np.testing.assert_array_equal(source.read(0)["audio"], source.read(1)["audio"])


def test_what_is_wrong_is_found(tmp_path):
    files = {"a.aiff": encoded(np.full(400, np.nan), "AIFF", "FLOAT"), "b.flac": encoded(np.zeros(400), "FLAC")}
    written(tmp_path, files)
    expected = {"NaN or infinity": [str(tmp_path / "a.aiff")], "silent": [str(tmp_path / "b.flac")]}
    assert {name: found for name, found in faults(tmp_path).items() if found} == expected
    with pytest.raises(ValueError, match=r"expected numbers in .*a\.aiff, found NaN or infinity in 400"):
        open_sounds(tmp_path, window=400)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ID3", "damaged, or a kind of sound that is not known: .* convert it, as with ffmpeg"),
        (encoded(SINE, "FLAC")[:60], "damaged, or a kind|would unpack|holds no sound"),
    ],
    ids=["no sound", "cut short"],
)
def test_damage(tmp_path, data, message):
    with pytest.raises(ValueError, match=message):
        open_sounds(written(tmp_path, {"a.flac": data}), window=300)


def test_what_unpacks_to_much_more_is_refused(tmp_path):
    data = encoded(np.zeros(100_000), "FLAC")
    with pytest.raises(ValueError, match="a recording of 100000 samples of 1 channels would unpack to 0.4 MB"):
        header(data, max_unpacked=1000)
    with pytest.raises(ValueError, match="a recording of 100000 samples"):
        open_sounds(written(tmp_path, {"a.flac": data}), window=300, max_unpacked=len(data) + 1000)


def test_without_the_package_the_message_names_it(tmp_path, monkeypatch):
    data = encoded(SINE, "FLAC")
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(ValueError, match=r"a\.flac: not a WAV file, and others need the package soundfile: pip install 'jgan\[audio\]'"):
        open_sounds(written(tmp_path, {"a.flac": data}), window=300)
