"""The first GAN in miniature."""

import dataclasses

import jax
import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of
from tests.systems.steps import moved, play

from jgan.systems.gan import SYSTEM, Config

TINY = Config(resolution=16, batch=16, latent_size=6, hidden=12, units=5, pieces=3, learning_rate=1e-2, limit=40)
MOMENTUM = dataclasses.replace(TINY, optimizer="momentum", loss="minimax", learning_rate=0.1)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


def test_system(tmp_path):
    check_system(SYSTEM, TINY, tmp_path, skip=())


@pytest.mark.parametrize("config", [dataclasses.replace(TINY, half=True), MOMENTUM], ids=["half", "momentum"])
def test_steps(config):
    first, last, metrics = play(SYSTEM, config)
    assert all(np.isfinite(values).all() for values in metrics.values())
    assert moved(first.generator.params, last.generator.params) and moved(first.discriminator.params, last.discriminator.params)
    jax.tree.map(np.testing.assert_array_equal, last.average, last.generator.params)  # without an average
    if config.optimizer == "momentum":
        last = last.generator.optimizer.hyperparams
        np.testing.assert_allclose(last["momentum"], 0.5 + 0.2 * 2 / 150_000, rtol=1e-6)
        np.testing.assert_allclose(last["learning_rate"], 0.1 / 1.000004**2, rtol=1e-6)
