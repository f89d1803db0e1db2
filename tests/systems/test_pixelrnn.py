"""The pixel networks in miniature."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from tests.systems.check import check_presets, check_system, presets_of, records
from tests.systems.steps import assert_nearly_same, moved, play

from jgan.data.source import read_rows
from jgan.systems import pixelrnn
from jgan.systems.pixelrnn import SYSTEM, Config

TINY = Config(
    resolution=16,
    channels=1,
    levels=2,
    layers=1,
    features=4,
    head_features=4,
    batch=16,
    limit=48,
    architecture="gated_pixelcnn",
    conditional=True,
)
SMALL = dataclasses.replace(TINY, resolution=8)
FAST = ("demo", "fashion_mnist")


@pytest.mark.parametrize("name", presets_of(SYSTEM, FAST))
def test_preset(name):
    check_presets(SYSTEM, [name])


def test_steps_learn():
    first, last, metrics = play(SYSTEM, SMALL)
    assert all(np.isfinite(values).all() for values in metrics.values())
    np.testing.assert_allclose(metrics["generator/nats"], metrics["generator/loss"] * np.log(2) * 64, rtol=1e-5)
    assert metrics["generator/loss"][0] < 1.5  # bits per dimension of a network that knows nothing: about 1
    jax.tree.map(np.testing.assert_array_equal, first.average, first.player.params)
    assert moved(first.average, last.average) and moved(last.player.params, last.average)


ARCHITECTURES = [*pixelrnn.BLOCKS, "gated_pixelcnn"]


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_parts_and_devices_change_nothing(architecture):
    config = dataclasses.replace(SMALL, architecture=architecture, conditional=architecture == "gated_pixelcnn")
    one = play(SYSTEM, config)
    assert_nearly_same(one, play(SYSTEM, config, 8))
    assert_nearly_same(one, play(SYSTEM, dataclasses.replace(config, microbatches=2), 8, start=config))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_half_precision(architecture):
    config = dataclasses.replace(SMALL, architecture=architecture, conditional=False, half=True)
    _, last, metrics = play(SYSTEM, config)
    assert all(np.isfinite(values).all() for values in metrics.values()) and last.player.guard.skipped == 0
    assert {p.dtype for p in jax.tree.leaves(last.player.params)} == {np.dtype(np.float32)}


def test_only_the_gated_network_learns_classes():
    config = dataclasses.replace(SMALL, architecture="row_lstm")
    with pytest.raises(ValueError, match="expected the architecture gated_pixelcnn for a conditional model, found row_lstm"):
        SYSTEM.build(config, SYSTEM.data(config).spec)


def test_system(tmp_path):
    trained = check_system(SYSTEM, TINY, tmp_path, skip=())
    scored = records(tmp_path / "whole")[-1]["score/nats/test"]
    source = trained.open_data("test")
    rows = read_rows(source, np.arange(16), ("image", "label"))  # the 16 that were scored
    nats = np.asarray(trained.run(jax.tree.map(jnp.asarray, rows))["nats"])
    np.testing.assert_allclose(nats.mean(), scored, rtol=1e-5)
    images = trained(range(4))
    assert images.shape == (4, 16, 16, 1)
    assert trained([3, 3], label=2).std(0).max() == 0
    completed = np.asarray(Image.open(tmp_path / "complete.png").convert("L"))
    assert completed.shape[1] > 3 * 16  # known, drawn, truth
    known = np.zeros((2, 16, 16), bool)
    known[:, :8] = True
    given = np.full((2, 16, 16, 1), 255, np.uint8)
    drawn = trained([0, 1], given=given, known=known)
    assert (drawn[:, :8] == 255).all() and (drawn[:, 8:] != 255).any()
