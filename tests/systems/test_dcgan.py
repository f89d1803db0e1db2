"""DCGAN in miniature."""

import dataclasses

import jax
import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of
from tests.systems.steps import moved, play

from jgan.systems.dcgan import SYSTEM, Config

TINY = Config(resolution=16, batch=16, features=4, latent_size=6, learning_rate=1e-2, limit=40)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes", [{"network": "tutorial", "uniform": False}, {"half": True, "microbatches": 2}], ids=["tutorial", "half"]
)
def test_steps(changes):
    first, last, metrics = play(SYSTEM, dataclasses.replace(TINY, **changes))
    assert all(np.isfinite(values).all() for values in metrics.values())
    assert moved(first.generator.params, last.generator.params) and moved(first.discriminator.params, last.discriminator.params)
    jax.tree.map(np.testing.assert_array_equal, last.average, last.generator.params)


@pytest.mark.slow
def test_every_command(tmp_path):
    check_system(SYSTEM, TINY, tmp_path, skip=())
