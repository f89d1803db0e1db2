"""Equivariance of analytic generators: sums of plane waves, which move and turn exactly, and pictures that do not."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.metrics import equivariance

KEY = jax.random.key(0)
HEIGHT, WIDTH = 48, 56


def waves(key, offsets, angles, highest):
    """Pictures of six plane waves of up to `highest` cycles per pixel, moved (down, right) and turned counter-clockwise."""
    cycles, direction, phase = jax.random.uniform(key, (3, len(offsets), 6, 2))
    cycles = highest * jnp.sqrt(cycles[..., 0])
    direction = 2 * np.pi * direction[..., 0] + angles[:, None]
    down, right = -jnp.sin(direction), jnp.cos(direction)
    rows = jnp.arange(float(HEIGHT))[None] - (HEIGHT - 1) / 2 - offsets[:, :1]
    columns = jnp.arange(float(WIDTH))[None] - (WIDTH - 1) / 2 - offsets[:, 1:]
    place = down[:, :, None, None] * rows[:, None, :, None] + right[:, :, None, None] * columns[:, None, None, :]
    picture = jnp.sin(2 * np.pi * (cycles[:, :, None, None] * place + phase[..., 0][:, :, None, None])).mean(axis=1)
    return jnp.stack([picture, -picture], axis=-1)


@functools.partial(jax.jit, static_argnames="highest")
def moving(key, offsets, highest=0.25):
    return waves(key, offsets, jnp.zeros(len(offsets)), highest)


@functools.partial(jax.jit, static_argnames="highest")
def turning(key, angles, highest=0.25):
    return waves(key, jnp.zeros((len(angles), 2)), angles, highest)


def test_whole_pixels():
    assert equivariance.translation_equivariance(KEY, moving, 8, batch=4) > 90
    assert equivariance.translation_equivariance(KEY, lambda key, offsets: moving(key, -offsets), 8, batch=4) < 20


@pytest.mark.parametrize(("highest", "lobes", "least"), [(0.1, 3, 55), (0.25, 8, 65), (0.25, 3, 48)])
def test_fractions_of_pixels(highest, lobes, least):
    value = equivariance.subpixel_equivariance(KEY, lambda key, by: moving(key, by, highest), 8, batch=4, lobes=lobes)
    assert value > least


def test_pictures_stuck_to_the_pixels():
    for measure in (equivariance.translation_equivariance, equivariance.subpixel_equivariance):
        assert measure(KEY, lambda key, offsets: moving(key, 0.0 * offsets), 8, batch=4) < 20
    assert equivariance.rotation_equivariance(KEY, lambda key, angles: turning(key, 0.0 * angles), 4, batch=4) < 20


@pytest.mark.parametrize("measure", ["translation_equivariance", "subpixel_equivariance", "rotation_equivariance"])
def test_numbers_of_64_bits(measure, double_precision):
    def flat(key, movements):
        return jnp.zeros((4, HEIGHT, WIDTH, 1)) + 0.0 * movements.sum().astype(jnp.float64)

    assert getattr(equivariance, measure)(KEY, flat, 4, batch=4) == np.inf


def test_rounded_movements_lose_decibels_only_between_pixels():
    def rounded(key, offsets):
        return moving(key, jnp.round(offsets))

    assert equivariance.translation_equivariance(KEY, rounded, 8, batch=4) > 90
    assert equivariance.subpixel_equivariance(KEY, rounded, 8, batch=4, lobes=8) < 30


@pytest.mark.parametrize(("highest", "least"), [(0.1, 65), (0.25, 65), (0.4, 65)])
def test_turning(highest, least):
    assert equivariance.rotation_equivariance(KEY, lambda key, angles: turning(key, angles, highest), 4, batch=4) > least


def test_turning_the_wrong_way():
    assert equivariance.rotation_equivariance(KEY, lambda key, angles: turning(key, -angles), 4, batch=4) < 20


def test_error_in_decibels():
    """A picture off by 0.02 everywhere is 100 times below the peak of 2: 40 dB."""

    def off(key, offsets):
        return moving(key, offsets) + jnp.where((offsets != 0).any(axis=1), 0.02, 0.0)[:, None, None, None]

    assert equivariance.translation_equivariance(KEY, off, 8, batch=4) == pytest.approx(40.0, abs=0.1)


def test_equal_pictures_are_infinitely_equivariant():
    assert equivariance.translation_equivariance(KEY, lambda key, offsets: jnp.zeros((4, 16, 16, 1)), 4, batch=4) == float("inf")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: equivariance.translation_equivariance(KEY, moving, 4, largest=0.5), "less than half"),
        (lambda: equivariance.translation_equivariance(KEY, moving, 0), "positive n"),
        (lambda: equivariance.translation_equivariance(KEY, lambda key, by: moving(key, by)[:1], 4, batch=4), r"\[4, H, W, C\]"),
        (lambda: equivariance.rotation_equivariance(KEY, turning, 4, lobes=12), r"larger than 48 pixels .*\(48, 56\)"),
    ],
)
def test_mistakes(call, message):
    with pytest.raises(ValueError, match=message):
        call()
