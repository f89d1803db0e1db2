"""LSGAN in miniature; its networks and its training are those of test_dcgan.py."""

import dataclasses

import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of
from tests.systems.steps import play

from jgan.systems.lsgan import SYSTEM, Config

TINY = Config(resolution=16, batch=16, features=4, latent_size=6, learning_rate=1e-2, limit=40)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


@pytest.mark.slow
def test_system(tmp_path):
    check_system(SYSTEM, TINY, tmp_path)


def test_least_squares():
    metrics = play(SYSTEM, dataclasses.replace(TINY, targets=(-1.0, 1.0, 0.0))).metrics
    assert all(np.isfinite(values).all() for values in metrics.values())
    assert metrics["discriminator/loss"][0] == pytest.approx(1.0, abs=0.5)  # logits about 0: (0 - 1)^2 / 2 + (0 + 1)^2 / 2
