"""SpecGAN in miniature, on embedded words."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of
from tests.systems.steps import play

from jgan.data.procedural.words import word
from jgan.systems.specgan import SYSTEM, Config, to_picture, to_sound

TINY = Config(
    window=2048, frame=64, batch=8, features=2, latent_size=4, limit=40, loss="non_saturating", discriminator_steps=1, iterations=2
)
ARGUMENTS = {"evaluate": ["--samples", "24"]}


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


def test_pictures_say_how_loud_a_tone_is():
    times = jnp.arange(2048.0)
    for peak, decibels in ((1.0, 0), (0.1, -20), (0.01, -40)):
        found = to_picture(peak * jnp.sin(2 * jnp.pi * times / 8)[None], 64, 80.0)
        assert found.shape == (1, 64, 32, 1)
        np.testing.assert_allclose(found[0, 5:-5, 8, 0], 1 + decibels / 40, atol=0.01)
    assert (to_picture(jnp.zeros((1, 2048)), 64, 80.0) == -1).all()


def test_sound_of_pictures():
    sounds = jnp.asarray(np.stack([word(index, 4096)[0] for index in range(4)]))
    pictures = to_picture(sounds, 256, 80.0)
    again = to_picture(to_sound(pictures, 4096, 80.0, 32), 256, 80.0)
    loud = pictures > 0.25  # less than 30 dB below a full-scale sine
    assert loud.mean() > 0.05 and jnp.abs(again - pictures)[loud].mean() < 3 / 40
    assert (to_sound(jnp.full((1, 32, 128, 1), -1.0), 4096, 80.0, 4) == 0).all()


@pytest.mark.parametrize(
    ("settings", "message"), [({"frame": 100}, "a frame whose half divides 2048 samples, found 100"), ({"frame": 63}, "found 63")]
)
def test_frames_that_do_not_fit(settings, message):
    with pytest.raises(ValueError, match=message):
        play(SYSTEM, dataclasses.replace(TINY, **settings))


def test_system(tmp_path):
    trained = check_system(SYSTEM, TINY, tmp_path, ARGUMENTS, skip=())
    sounds = trained(range(3), label="up-a")
    assert sounds.shape == (3, 2048) and np.abs(sounds).max() <= 1
