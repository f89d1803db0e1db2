"""The GAN experiment in miniature."""

import dataclasses

import numpy as np
import pytest
from experiments import gan
from tests.experiments import noise_games

TINY = gan.Config(resolution=8, batch=16, latent_size=6, hidden=12, units=5, pieces=3, learning_rate=1e-2)
MOMENTUM = dataclasses.replace(TINY, optimizer="momentum", game="minimax", learning_rate=0.1)


@pytest.mark.parametrize("name", gan.PRESETS)
def test_every_preset_fits_together(name):
    noise_games.check_preset(gan, gan.PRESETS[name])


def test_a_game():
    noise_games.check_game(gan, TINY)


def test_devices_change_nothing():
    noise_games.check_devices(gan, TINY)


def test_a_run_goes_on_and_is_drawn(tmp_path):
    noise_games.check_run(gan, TINY, tmp_path)


def test_half_precision():
    noise_games.check_game(gan, dataclasses.replace(TINY, half=True))


@pytest.mark.slow
def test_the_momentum_rises_and_the_rate_falls():
    noise_games.check_game(gan, MOMENTUM)
    last = noise_games.play(gan, MOMENTUM).last.generator.optimizer.hyperparams
    np.testing.assert_allclose(last["momentum"], 0.5 + 0.2 * 2 / 150_000, rtol=1e-6)
    np.testing.assert_allclose(last["learning_rate"], 0.1 / 1.000004**2, rtol=1e-6)
