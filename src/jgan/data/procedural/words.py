"""Ten embedded words that nobody has spoken: each is a pair of syllables, chirps and vowels, at 8,000 samples per second.

Word `index` is a function of this number alone: pitch, speed, loudness, noise and the place within the example vary.
"""

import jax
import numpy as np

from jgan.data.procedural.shapes import FIRST, Draws
from jgan.data.source import Source

RATE = 8000  # samples per second
SIZES = {"train": 2000, "test": 500, "val": 2000}
CHIRPS = {"up": (500.0, 2500.0), "down": (2500.0, 500.0)}  # hertz, at the beginning and at the end
# The first three formants, hertz, of vowels of men: Peterson and Barney 1952, https://doi.org/10.1121/1.1906875, table II.
VOWELS = {"a": (730.0, 1090.0, 2440.0), "i": (270.0, 2290.0, 3010.0), "u": (300.0, 870.0, 2240.0)}
WIDTH = 90.0  # hertz, of a formant
WORDS = (
    ("up", "a"),
    ("up", "i"),
    ("up", "u"),
    ("down", "a"),
    ("down", "i"),
    ("down", "u"),
    ("a", "up"),
    ("i", "down"),
    ("a", "i"),
    ("u", "a"),
)
NAMES = tuple("-".join(word) for word in WORDS)


def word(index: int, samples: int) -> tuple[np.ndarray, int]:
    """Speaks word `index`: float32 [samples] in [-1, 1], and its number in NAMES. It fills 60 to 95 % of the samples.

    >>> sound, number = word(0, 4096)
    >>> sound.shape, NAMES[number]
    ((4096,), 'down-a')
    """
    draws = Draws(index, 1)
    number = int(draws.between(0, len(WORDS)))
    length = max(2, int(samples * draws.between(0.6, 0.95)))
    start = int(draws.between(0, samples - length + 1))
    cut = int(length * draws.between(0.4, 0.6))
    pitch, detune, peak, noise = draws.between(90, 180), draws.between(0.9, 1.1), draws.between(0.4, 0.95), draws.between(0, 0.02)
    first, second = (_syllable(name, n, pitch, detune) for name, n in zip(WORDS[number], (cut, length - cut), strict=True))
    sound = np.zeros(samples)
    sound[start : start + length] = np.concatenate([first, second])
    hiss = np.random.Philox(key=np.array([2, index], np.uint64)).random_raw(samples) / 2.0**63 - 1
    quantised = np.round(32767 * np.clip(peak * (sound + noise * hiss), -1, 1))  # as 16 bits hold it: rounding differs between machines
    return (quantised / 32767).astype(np.float32), number


def open_words(split: str, window: int, limit: int | None, labels: bool) -> Source:
    """Returns the embedded words, for `jgan.data.sounds.open_sounds("words")`.

    Raises:
      ValueError: for an unknown split.
    """
    if split not in FIRST:
        raise ValueError(f"words has no split {split!r}: expected {', '.join(FIRST)}")
    size = limit or SIZES[split]
    numbers = np.asarray([int(Draws(FIRST[split] + index, 1).between(0, len(WORDS))) for index in range(size)], np.int32)
    columns = {"label": numbers} if labels else {}
    fields = {"audio": jax.ShapeDtypeStruct((window,), np.float32)} | {name: jax.ShapeDtypeStruct((), np.int32) for name in columns}

    def read(index):
        index = range(size)[index]  # IndexError beyond the end
        return {"audio": word(FIRST[split] + index, window)[0]} | {name: values[index] for name, values in columns.items()}

    return Source("words", size, fields, read, {"label": NAMES} if labels else {}, columns, rates={"audio": RATE})


def _syllable(name, samples, pitch, detune):
    """A chirp or a vowel with soft ends, float64 [samples], whose peak is 1."""
    time = np.arange(samples) / RATE
    if name in CHIRPS:
        low, high = (detune * frequency for frequency in CHIRPS[name])
        seconds = max(samples, 1) / RATE
        sound = np.sin(2 * np.pi * (low * time + (high - low) * time**2 / (2 * seconds)))
    else:
        harmonics = np.arange(1, int(0.45 * RATE / pitch))
        gains = sum(1 / (1 + ((harmonics * pitch - detune * formant) / WIDTH) ** 2) for formant in VOWELS[name])
        turns = np.broadcast_to(np.exp(2j * np.pi * pitch * time), (len(harmonics), samples))
        sound = gains @ np.cumprod(turns, axis=0).imag  # the powers of a turn are quicker than sines
    sound = sound * np.sin(np.pi * (np.arange(samples) + 0.5) / max(samples, 1)) ** 0.5
    return sound / max(np.abs(sound).max(initial=0), 1e-9)
