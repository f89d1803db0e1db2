"""Spectrograms, held to their definitions, in float64, and to numbers that librosa 0.11 gave."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.ops.spectrogram import griffin_lim, hann, istft, log_mel, mel_filters, stft

TIMES = np.arange(1000)
SOUND = 0.5 * np.sin(0.05 * TIMES) + 0.3 * np.sin(0.0007 * TIMES**2)


def definition(sound, size, hop):
    """X[t, k] as a sum of products."""
    padded = np.pad(sound, size // 2, mode="reflect")
    turns = np.exp(-2j * np.pi * np.outer(np.arange(size), np.arange(1 + size // 2)) / size)
    return np.stack([(hann(size) * padded[t : t + size]) @ turns for t in range(0, len(sound) + 1, hop)])


@pytest.mark.parametrize(("size", "hop"), [(64, 16), (64, 32), (64, 1), (48, 20), (256, 100)])
def test_transform_and_back(double_precision, size, hop):
    found = stft(jnp.asarray(SOUND), size, hop)
    np.testing.assert_allclose(found, definition(SOUND, size, hop), atol=1e-12)
    np.testing.assert_allclose(istft(found, size, hop, 1000), SOUND, atol=1e-10 if hop <= size // 4 else 1e-6)


def test_transforms_of_many_sounds():
    sounds = np.stack([SOUND, SOUND[::-1]]).reshape(2, 1, 1000).astype(np.float32)
    found = stft(jnp.asarray(sounds), 64, 16)
    assert found.shape == (2, 1, 63, 33) and found.dtype == jnp.complex64
    np.testing.assert_allclose(found[1, 0], definition(SOUND[::-1], 64, 16), atol=1e-4)
    np.testing.assert_allclose(istft(found, 64, 16, 1000), sounds, atol=1e-5)


def test_the_inverse_is_the_nearest_sound(double_precision):
    """Of a spectrum of no sound: its gradient in the sound is 0."""
    spectrum = definition(SOUND, 64, 16) * np.linspace(0.5, 1.5, 63)[:, None]
    nearest = istft(jnp.asarray(spectrum), 64, 16, 1000)[100:900]  # away from the ends, which are mirrored
    outside = jnp.asarray(SOUND)

    def distance(inside):
        difference = stft(jnp.concatenate([outside[:100], inside, outside[900:]]), 64, 16) - spectrum
        full = jnp.asarray([1.0] + [2.0] * 31 + [1.0])[None]  # frequencies below 0 are as those above
        return jnp.sum(full * jnp.abs(difference)[20:40] ** 2)

    assert np.abs(jax.grad(distance)(nearest)[300:500]).max() < 1e-9
    assert np.abs(jax.grad(distance)(outside[100:900])[300:500]).max() > 1


def test_parity_of_transforms():
    found = stft(jnp.asarray(SOUND, jnp.float32), 64, 16)
    expected = [-1.317682617010317, -0.04714713241619278 - 0.055299599689787586j, 0.00047982742255100325 - 0.0006383834828398265j]
    np.testing.assert_allclose([found[0, 1], found[10, 5], found[40, 20]], expected, atol=2e-6)


def test_parity_of_mel_filters():
    found = mel_filters(8000, 512, 32)
    np.testing.assert_allclose([found[2, 0], found[240, 31]], [0.006192553788423538, 0.003245849395170808], rtol=1e-6)
    np.testing.assert_allclose(found.sum(), 2.0476105, rtol=1e-6)
    assert found.argmax(axis=0)[::5].tolist() == [5, 27, 50, 74, 106, 153, 221]
    other = mel_filters(22_050, 1024, 80, high=8000)
    np.testing.assert_allclose([other.sum(), other.max()], [3.7136884, 0.026492536067962646], rtol=1e-6)
    assert other.argmax(axis=0)[::10].tolist() == [2, 19, 36, 54, 80, 117, 172, 253]


def test_triangles_have_the_area_1():
    filters = mel_filters(8000, 2**16, 20, low=100)
    np.testing.assert_allclose(filters.sum(axis=0) * 8000 / 2**16, 1, rtol=1e-3)
    corners = filters.argmax(axis=0)  # a triangle ends where the next but one begins
    assert all(filters[corners[i], i - 1] < 1e-4 and filters[corners[i], i + 1] < 1e-4 for i in range(1, 19))


def test_mel_of_silence_and_of_tones():
    quiet = log_mel(jnp.zeros((2, 2048)), 8000)
    np.testing.assert_allclose(quiet, np.log(1e-5), rtol=1e-6)
    tones = jnp.stack([jnp.sin(2 * jnp.pi * f * jnp.arange(4096.0) / 8000) for f in (300.0, 1000.0, 3000.0)])
    loudest = log_mel(tones, 8000, size=512, count=32)[:, 10].argmax(axis=1)
    assert loudest.tolist() == [mel_filters(8000, 512, 32)[round(f * 512 / 8000)].argmax() for f in (300, 1000, 3000)]


def test_parity_of_griffin_lim(double_precision):
    magnitudes = jnp.asarray(np.abs(definition(SOUND, 64, 16)))
    found = griffin_lim(magnitudes, None, hop=16, samples=1000, iterations=20)
    expected = [0.25490187847782636, 0.4948626212728393, -0.19726769341388775, 0.5142416790889988, 0.6130426555440469]
    np.testing.assert_allclose(found[jnp.asarray([10, 100, 500, 777, 990])], expected, rtol=1e-9)


def inconsistency(found, magnitudes):
    return float(jnp.linalg.norm(jnp.abs(stft(found, 64, 16)) - magnitudes) / jnp.linalg.norm(magnitudes))


def test_griffin_lim_comes_nearer_and_momentum_helps():
    magnitudes = jnp.abs(stft(jnp.asarray(SOUND, jnp.float32), 64, 16))
    settings = {"hop": 16, "samples": 1000}
    errors = [
        inconsistency(griffin_lim(magnitudes, jax.random.key(0), iterations=n, momentum=momentum, **settings), magnitudes)
        for n, momentum in ((0, 0.0), (10, 0.0), (60, 0.0), (60, 0.99))
    ]
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.9 * errors[-2] < 0.5 * errors[0]
    assert np.isfinite(griffin_lim(0 * magnitudes, None, **settings)).all()


ERRORS = {
    "odd size": (lambda: stft(jnp.zeros(100), 63, 16), "an even size and a hop from 1 to half of it, found 63 and 16"),
    "no hop": (lambda: stft(jnp.zeros(100), 64, 0), "found 64 and 0"),
    "long hop": (lambda: stft(jnp.zeros(100), 64, 33), "found 64 and 33"),
    "short sound": (lambda: stft(jnp.zeros((2, 32)), 64, 16), r"more than 32 samples for frames of 64, found \(2, 32\)"),
    "another shape": (lambda: istft(jnp.zeros((5, 33), jnp.complex64), 64, 16, 100), r"\[..., 7, 33\] of 100 samples, found \(5, 33\)"),
    "narrow triangles": (lambda: mel_filters(8000, 64, 60), "found 60 for frames of 64 samples; take fewer"),
}


@pytest.mark.parametrize(("call", "message"), ERRORS.values(), ids=ERRORS)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
