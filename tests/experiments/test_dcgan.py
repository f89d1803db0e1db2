"""The DCGAN experiment in miniature."""

import dataclasses

import pytest
from experiments import dcgan
from tests.experiments import noise_games

TINY = dcgan.Config(resolution=8, batch=16, width=4, latent_size=6, learning_rate=1e-2)
TUTORIAL = dataclasses.replace(TINY, network="tutorial", uniform=False)
HALF = dataclasses.replace(TINY, half=True, microbatches=2)


@pytest.mark.parametrize("name", dcgan.PRESETS)
def test_every_preset_fits_together(name):
    noise_games.check_preset(dcgan, dcgan.PRESETS[name])


def test_a_game():
    noise_games.check_game(dcgan, TINY)


@pytest.mark.slow
@pytest.mark.parametrize("config", [TUTORIAL, HALF], ids=["tutorial", "half"])
def test_other_games(config):
    noise_games.check_game(dcgan, config)


@pytest.mark.slow
def test_devices_change_nothing():
    noise_games.check_devices(dcgan, TUTORIAL)


@pytest.mark.slow
def test_a_run_goes_on_and_is_drawn(tmp_path):
    noise_games.check_run(dcgan, TINY, tmp_path)
