"""Sounds: WAV, and pictures of their spectrograms."""

import io
import math
import wave
from functools import partial

import numpy as np

from jgan.ops.spectrogram import from_mel, to_mel
from jgan.outputs.images import grid, png
from jgan.outputs.kind import Kind, examples, floats

CHANNELS = 8  # at most; more are a sign of exchanged axes
PAUSE = 0.25  # seconds between the examples of one file
PICTURES = 16  # at most, on the picture of spectrograms
SECONDS = 0.032  # of a window, about
WIDTH, HEIGHT, BORDER = 256, 128, 2  # pixels of a spectrogram
DECIBELS = 80  # below a full-scale sine, where the picture is black
COLOURS = ((0, 0, 0), (70, 20, 120), (185, 50, 95), (245, 140, 40), (255, 250, 200))  # from quiet to loud


def audio(rate: int) -> Kind:
    """Returns the kind of sounds [N, S] or [N, S, channels], floating-point in [-1, 1] (clipped): 16-bit WAV files, one per example, and a
    picture of their spectrograms.

    A single .wav that a user asks for holds the examples one after the other, with pauses.

    Args:
      rate: samples per second.

    Raises:
      ValueError: if the rate is not a positive integer.
    """
    if rate != int(rate) or rate < 1:
        raise ValueError(f"expected a positive integer of samples per second, found {rate}")
    return Kind(_check, {".wav": lambda values, columns: wav(_one_after_the_other(values, rate), rate)}, partial(_files, int(rate)))


def wav(sound: np.ndarray, rate: int) -> bytes:
    """Returns a sound [S, channels] in [-1, 1] as the content of a 16-bit WAV file.

    >>> len(wav(np.zeros((100, 2), np.float32), 16_000))
    444
    """
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(sound.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(sound * 32767).astype("<i2").tobytes())
    return content.getvalue()


def spectrogram(sound: np.ndarray, rate: int) -> np.ndarray:
    """Draws the log-mel spectrogram of a sound [S] in [-1, 1]: uint8 RGB [128, 256, 3].

    Time goes to the right, frequency up, from 0 to rate / 2, evenly on the mel scale. Magnitudes are those of a short-time
    Fourier transform with a Hann window of about 32 ms, in decibels relative to a full-scale sine; the power within a pixel is averaged.
    """
    from PIL import Image

    size = 2 ** max(6, round(math.log2(SECONDS * rate)))
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    step = max(size // 4, len(sound) // (4 * WIDTH))  # long sounds are looked at in places
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, size // 2), size)[::step]
    magnitudes = np.abs(np.fft.rfft(frames * window, axis=-1)[:, :-1]) / (window.sum() / 2)
    power = np.square(magnitudes.T).astype(np.float32)
    over_time = np.asarray(Image.fromarray(power).resize((WIDTH, len(power)), Image.Resampling.BOX))
    places = _on_mel_scale(over_time, rate)[::-1]
    loudness = np.clip(1 + 10 * np.log10(np.maximum(places, 1e-18)) / DECIBELS, 0, 1)
    stops = np.linspace(0, 1, len(COLOURS))
    return np.stack([np.interp(loudness, stops, channel) for channel in zip(*COLOURS, strict=True)], axis=-1).round().astype(np.uint8)


def _on_mel_scale(power, rate):
    """The mean power [HEIGHT, T] in bands that are evenly spaced on the mel scale, of power [F, T] at 0, ..., rate / 2 without the last."""
    hertz = from_mel(np.linspace(0, float(to_mel(np.asarray(rate / 2))), HEIGHT + 1))
    edges = hertz * (2 * len(power) / rate) + 0.5  # a band reaches half its width to either side of its frequency
    below = np.concatenate([np.zeros_like(power[:1]), np.cumsum(power, axis=0, dtype=np.float64)])
    first = np.minimum(edges.astype(int), len(power) - 1)
    up_to = below[first] + (edges - first)[:, None] * power[first]
    return np.diff(up_to, axis=0) / np.diff(edges)[:, None]


def _check(name, values):
    values = examples(name, values, "sounds [N, S] or [N, S, channels]", (2, 3))
    values = floats(name, values, "floating-point numbers in [-1, 1]")
    values = values if values.ndim == 3 else values[..., None]
    if values.shape[-1] > CHANNELS:
        raise ValueError(f"{name}: expected sounds [N, S] or [N, S, channels] with at most {CHANNELS} channels, found shape {values.shape}")
    return np.clip(values, -1, 1)


def _files(rate, sounds, columns):
    pictures = np.stack([spectrogram(sound.mean(axis=-1), rate) for sound in sounds[:PICTURES]])
    pictures = np.pad(pictures, ((0, 0), (BORDER, BORDER), (BORDER, BORDER), (0, 0)), constant_values=255)
    players = {f"/{i:04d}.wav": wav(sound, rate) for i, sound in enumerate(sounds)}
    return players | {".png": png(grid(pictures, columns))}


def _one_after_the_other(sounds, rate):
    pause = round(PAUSE * rate)
    padded = np.pad(sounds, ((0, 0), (0, pause), (0, 0)))
    return padded.reshape(-1, sounds.shape[-1])[: -pause or None]
