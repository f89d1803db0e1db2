import jax.numpy as jnp
import numpy as np
import pytest
from tests.data.sources import source_of

from jgan.data.sounds import open_sounds
from jgan.evaluation.classified import Classified
from jgan.evaluation.gather import extractor
from jgan.evaluation.sounds import as_pictures, hear, hear_source, nearest_ratio, shaped_noise
from jgan.ops.spectrogram import stft
from jgan.types import Features

WORDS = open_sounds("words", window=2048, limit=60, labels=True)
NETWORK = Features("means", lambda params, images: {"features": images.astype("float32").mean((1, 3)), "logits": _logits(images)}, {}, {})


def _logits(images):
    return images.astype("float32").mean((1, 3))[:, :10]


def rows(count):
    return np.stack([WORDS.read(index)["audio"] for index in range(count)])


def test_pictures():
    pictures = as_pictures(WORDS)
    assert pictures.fields["image"].shape == (17, 32, 1) and pictures.size == 60
    image = pictures.read(3)["image"]
    assert image.dtype == np.uint8 and image.min() < 80 and 180 < image.max() < 255 and pictures.read(3)["label"] == WORDS.read(3)["label"]
    assert pictures.names == WORDS.names and pictures.columns["label"] is WORDS.columns["label"]
    tone = np.sin(2 * np.pi * 1000 * np.arange(2048) / 8000).astype(np.float32)
    source = source_of({"audio": np.stack([tone, 0 * tone])})._replace(rates={"audio": 8000})
    found = np.stack([as_pictures(source).read(index)["image"] for index in range(2)])
    assert (found[1] == 0).all() and found[0, 8].argmax() in range(9, 15)
    with pytest.raises(ValueError, match="at least 1920 samples for the classifier of the score, found 500"):
        as_pictures(open_sounds("words", window=500, limit=4))


def test_hearing():
    extract = extractor(NETWORK)
    real = hear_source(extract, WORDS, 50)
    assert real.features.shape == (50, 32) and real.label is not None and real.label.shape == (50,)
    batches = [{"audio": rows(8)}, {"audio": rows(8)[::-1]}]
    fake = hear(extract, batches, 8000, 11)
    assert fake.label is None and fake.features.shape == (11, 32)
    np.testing.assert_array_equal(fake.features[8], fake.features[7])
    with pytest.raises(ValueError, match="expected 20 sounds, found 16"):
        hear(extract, batches, 8000, 20)
    with pytest.raises(ValueError, match="found NaN or infinity"):
        hear(extract, [{"audio": np.full((2, 2048), np.nan, np.float32)}], 8000, 2)


def test_copies_are_found_out():
    draw = np.random.default_rng(0).normal
    known, other = (Classified(draw(size=(100, 3)), draw(size=(100, 2)), None) for _ in range(2))
    assert (
        nearest_ratio(known, known, other) == 0
        and 0.7 < nearest_ratio(Classified(draw(size=(100, 3)), known.logits, None), known, other) < 1.4
    )


def test_noise_has_the_spectrum_and_the_power_of_its_class():
    sounds, label = rows(60), WORDS.columns["label"]
    wanted = np.repeat([0, 6], 40)
    noise = shaped_noise(sounds, label, wanted, 256, 128)
    assert noise.shape == (80, 2048) and noise.dtype == np.float32

    def mean(values):
        return np.abs(np.asarray(stft(jnp.asarray(values), 256, 128))).mean(axis=0).ravel()

    alike = [[np.corrcoef(mean(noise[wanted == one]), mean(sounds[label == other]))[0, 1] for other in (0, 6)] for one in (0, 6)]
    assert alike[0][0] > 0.8 > alike[0][1] and alike[1][1] > 0.8 > alike[1][0]
    np.testing.assert_allclose(np.square(noise[:40]).mean(), np.square(sounds[label == 0]).mean(), rtol=0.1)
