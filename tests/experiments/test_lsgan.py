"""The LSGAN experiment in miniature."""

import dataclasses

import pytest
from experiments import lsgan
from tests.experiments import noise_games

TINY = lsgan.Config(resolution=8, batch=16, width=4, latent_size=6, learning_rate=1e-2)


@pytest.mark.parametrize("name", lsgan.PRESETS)
def test_every_preset_fits_together(name):
    noise_games.check_preset(lsgan, lsgan.PRESETS[name])


@pytest.mark.slow  # its networks and its game are those of test_dcgan.py
@pytest.mark.parametrize("half", [False, True])
def test_a_game(half):
    noise_games.check_game(lsgan, dataclasses.replace(TINY, half=half))


@pytest.mark.slow
def test_devices_change_nothing():
    noise_games.check_devices(lsgan, TINY)


@pytest.mark.slow
def test_a_run_goes_on_and_is_drawn(tmp_path):
    noise_games.check_run(lsgan, TINY, tmp_path)
