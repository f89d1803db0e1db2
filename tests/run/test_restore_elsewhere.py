"""A checkpoint of eight devices goes on elsewhere, with the same losses."""

import itertools

import jax
import numpy as np
import pytest
from tests.tiny_game import feed, game

from jgan import sharding
from jgan.run.checkpoints import Checkpoints


def continued(training, devices, checkpoints, steps, fsdp=False):
    """Losses of some steps from the latest checkpoint on, or from the beginning; and the last state."""
    mesh, source = sharding.data_mesh(jax.devices()[:devices]), feed()
    key, compiled = sharding.run_key(0, mesh), sharding.compile(training, mesh, source, fsdp=fsdp)
    step, state = checkpoints.restore_latest(lambda step: compiled.abstract) or (0, compiled.init(key))
    losses = []
    for item in itertools.islice(source.items(step, 1), steps):
        state, metrics = compiled.step(state, compiled.constants, compiled.put(item), key)
        losses.append([float(metrics[f"{player}/loss"][0]) for player in ("generator", "discriminator")])
    return losses, state


@pytest.mark.parametrize("fsdp", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_next_losses_are_those_of_the_devices_that_saved(tmp_path, adam, fsdp):
    training = game(adam(1e-2))
    with Checkpoints(tmp_path) as checkpoints:
        _, state = continued(training, 8, checkpoints, 3, fsdp)
        checkpoints.save(3, state)
        checkpoints.wait()
        expected, _ = continued(training, 8, checkpoints, 3, fsdp)
        for devices in (1, 2):
            found, _ = continued(training, devices, checkpoints, 3, fsdp)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
