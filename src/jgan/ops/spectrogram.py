"""Short-time Fourier transforms, mel scales, and sound out of magnitudes alone.

Conventions are those of librosa (McFee et al. 2015, https://doi.org/10.25080/Majora-7b98e3ed-003), to which tests hold them.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jgan.types import Array, Key

SMALLEST = 1e-5  # amplitude of which logarithms are taken, as HiFi-GAN has it (Kong et al. 2020, https://arxiv.org/abs/2010.05646)
LINEAR = 1000.0  # hertz, below which the mel scale is linear
PER_MEL = 200.0 / 3.0  # hertz per mel there
LOG_STEP = np.log(6.4) / 27.0  # of the logarithm of the frequency, per mel, above


def hann(size: int) -> np.ndarray:
    """Computes the periodic Hann window 1/2 - 1/2 cos(2 pi t / size), float64 [size]; copies of it half its size apart sum to 1.

    >>> hann(4).round(9).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)


def stft(sound: Array, size: int, hop: int) -> Array:
    """Computes the short-time Fourier transform X[t, k] = sum_n hann[n] x[hop t + n - size / 2] exp(-2 pi i k n / size).

    The sound is mirrored at its ends, so that frame t is around sample hop t.

    Args:
      sound: [..., S] floating-point, S > size / 2.
      size: samples of a frame, even.
      hop: samples from one frame to the next.

    Returns:
      complex [..., 1 + S // hop, 1 + size / 2].

    Raises:
      ValueError: for an odd size, a hop of none, or a sound that is too short to be mirrored.

    >>> stft(jnp.ones((2, 1024)), 256, 128).shape
    (2, 9, 129)
    """
    _check(size, hop)
    if sound.shape[-1] <= size // 2:
        raise ValueError(
            f"expected a sound of more than {size // 2} samples for frames of {size}, found {sound.shape}; take smaller frames"
        )
    padded = jnp.pad(sound, [(0, 0)] * (sound.ndim - 1) + [(size // 2, size // 2)], mode="reflect")
    frames = _frames(padded, size, hop, 1 + sound.shape[-1] // hop)
    return jnp.fft.rfft(frames * _last(hann(size), frames), axis=-1)


def istft(spectrum: Array, size: int, hop: int, samples: int) -> Array:
    """Computes the sound whose transform is nearest to a spectrum in the least squares: the inverse of `stft`, if it is of a sound.

    x[n] = sum_t hann[n - t] x_t[n - t] / sum_t hann[n - t]^2, with x_t the inverse transform of frame t (Griffin and Lim 1984, equation 6,
    https://doi.org/10.1109/TASSP.1984.1164317).

    Args:
      spectrum: complex [..., T, 1 + size / 2].
      size, hop: as of `stft`.
      samples: of the sound.

    Returns:
      [..., samples].

    Raises:
      ValueError: if the spectrum does not have the shape that `stft` gives for this number of samples.

    >>> sound = jnp.sin(jnp.arange(1000.0))
    >>> bool(jnp.allclose(istft(stft(sound, 64, 16), 64, 16, 1000), sound, atol=1e-5))
    True
    """
    _check(size, hop)
    count = 1 + samples // hop
    if spectrum.shape[-2:] != (count, 1 + size // 2):
        raise ValueError(f"expected a spectrum [..., {count}, {1 + size // 2}] of {samples} samples, found {spectrum.shape}")
    frames = jnp.fft.irfft(spectrum, size, axis=-1)
    sums = _added(frames * _last(hann(size), frames), hop)[..., size // 2 : size // 2 + samples]
    weights = np.zeros(size + hop * (count - 1))
    for start in range(0, hop * count, hop):
        weights[start : start + size] += hann(size) ** 2
    return sums / _last(weights[size // 2 : size // 2 + samples], sums)


def to_mel(hertz: np.ndarray) -> np.ndarray:
    """Computes where frequencies are on the mel scale: 3 f / 200 below 1,000 Hz, 15 + 27 log(f / 1000) / log(6.4) above (Slaney 1998,
    "Auditory Toolbox", version 2).

    >>> to_mel(np.asarray([0.0, 1000.0, 6400.0])).round(6).tolist()
    [0.0, 15.0, 42.0]
    """
    return np.where(hertz < LINEAR, hertz / PER_MEL, LINEAR / PER_MEL + np.log(np.maximum(hertz, LINEAR) / LINEAR) / LOG_STEP)


def from_mel(mel: np.ndarray) -> np.ndarray:
    """Computes frequencies, hertz: the inverse of `to_mel`.

    >>> from_mel(np.asarray([15.0, 42.0])).round(6).tolist()
    [1000.0, 6400.0]
    """
    return np.where(mel < LINEAR / PER_MEL, mel * PER_MEL, LINEAR * np.exp(LOG_STEP * (mel - LINEAR / PER_MEL)))


def mel_filters(rate: float, size: int, count: int, low: float = 0.0, high: float | None = None) -> np.ndarray:
    """Computes triangles whose corners are evenly spaced on the mel scale, each with the area 1 in hertz, float32 [1 + size / 2, count].

    Args:
      rate: samples per second.
      size: of a frame of `stft`.
      count: number of triangles.
      low, high: hertz, of the outer ends of the first and the last; by default from 0 to rate / 2.

    Raises:
      ValueError: for a triangle without a frequency of the transform in it.

    >>> mel_filters(8000, 512, 32).shape
    (257, 32)
    """
    top = rate / 2 if high is None else high
    edges = from_mel(np.linspace(*to_mel(np.asarray([low, top])), count + 2))
    frequencies = np.arange(1 + size // 2)[:, None] * rate / size
    rising = (frequencies - edges[None, :-2]) / (edges[1:-1] - edges[:-2])[None]
    falling = (edges[None, 2:] - frequencies) / (edges[2:] - edges[1:-1])[None]
    filters = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[None]
    if not filters.any(axis=0).all():
        found = f"{count} for frames of {size} samples"
        raise ValueError(f"expected triangles with frequencies in them, found {found}; take fewer, or larger frames")
    return filters.astype(np.float32)


def log_mel(sound: Array, rate: float, size: int = 256, hop: int = 128, count: int = 64) -> Array:
    """Computes the logarithm of mel magnitudes, log(max(|stft| filters, 1e-5)), [..., 1 + S // hop, count].

    Args:
      sound: [..., S] in [-1, 1].
      rate, size, hop, count: as of `mel_filters` and `stft`.

    >>> log_mel(jnp.zeros((3, 1024)), 8000, count=32).shape
    (3, 9, 32)
    """
    magnitudes = jnp.abs(stft(sound, size, hop))
    return jnp.log(jnp.maximum(magnitudes @ jnp.asarray(mel_filters(rate, size, count), magnitudes.dtype), SMALLEST))


@functools.partial(jax.jit, static_argnames=("hop", "samples", "iterations", "momentum"))
def griffin_lim(magnitudes: Array, key: Key | None, *, hop: int, samples: int, iterations: int = 32, momentum: float = 0.99) -> Array:
    """Computes a sound of given magnitudes, by finding phases that go together.

    From phases at random, or 0 without a key, c <- stft(istft(|X| e^(i phase))), phase <- angle(c + momentum (c - c of before)): Griffin
    and Lim 1984 (https://doi.org/10.1109/TASSP.1984.1164317), with the acceleration of Perraudin, Balazs and Sondergaard 2013
    (https://doi.org/10.1109/WASPAA.2013.6701851). Momentum 0 is the first.

    Args:
      magnitudes: [..., T, 1 + size / 2], absolute values of `stft` of a sound of `samples` samples.
      key: of the phases.
      hop, samples: as of `istft`.
      iterations: number of them.
      momentum: from 0 to 1.

    Returns:
      [..., samples].
    """
    size = 2 * (magnitudes.shape[-1] - 1)
    phases = jnp.zeros_like(magnitudes) if key is None else jax.random.uniform(key, magnitudes.shape, magnitudes.dtype, maxval=2 * np.pi)
    turns = jax.lax.complex(jnp.cos(phases), jnp.sin(phases))
    amplitudes = magnitudes.astype(turns.dtype)

    def refine(_, carried):
        turns, before = carried
        consistent = stft(istft(amplitudes * turns, size, hop, samples), size, hop)
        moved = consistent + momentum * (consistent - before)
        return moved / jnp.maximum(jnp.abs(moved), 1e-16).astype(moved.dtype), consistent

    turns, _ = jax.lax.fori_loop(0, iterations, refine, (turns, jnp.zeros_like(turns)))
    return istft(amplitudes * turns, size, hop, samples)


def _check(size, hop):
    if size < 2 or size % 2 or not 1 <= hop <= size // 2:
        raise ValueError(f"expected an even size and a hop from 1 to half of it, found {size} and {hop}")


def _frames(x, size, hop, count):
    """Frames [..., count, size] of x [..., S], each `hop` after the one before. Blocks side by side, where a gather would be slow."""
    parts = -(-size // hop)
    needed = hop * (count - 1 + parts)
    x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, max(0, needed - x.shape[-1]))])[..., :needed]
    blocks = x.reshape(*x.shape[:-1], -1, hop)
    return jnp.concatenate([blocks[..., part : part + count, :] for part in range(parts)], axis=-1)[..., :size]


def _added(frames, hop):
    """The sum of frames [..., T, size], each `hop` after the one before: the transpose of `_frames`."""
    parts, before = -(-frames.shape[-1] // hop), [(0, 0)] * (frames.ndim - 2)
    blocks = jnp.pad(frames, [*before, (0, 0), (0, parts * hop - frames.shape[-1])]).reshape(*frames.shape[:-1], parts, hop)
    moved = [jnp.pad(blocks[..., part, :], [*before, (part, parts - 1 - part), (0, 0)]) for part in range(parts)]
    return functools.reduce(jnp.add, moved).reshape(*frames.shape[:-2], -1)


def _last(values, x):
    """A constant [S] as an array of the dtype of x that multiplies its last axis."""
    return jnp.asarray(values, x.dtype).reshape((1,) * (x.ndim - 1) + (-1,))
