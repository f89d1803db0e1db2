"""R3GAN in miniature."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of
from tests.systems.steps import moved, play

from jgan.systems import r3gan
from jgan.systems.r3gan import SYSTEM, Config

TINY = Config(resolution=8, channel_base=64, channel_max=8, blocks=1, latent_size=4, batch=8, limit=24, ramp_kimg=0.016, flip=True)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


def test_system(tmp_path):
    """Without the score, for whose classifier the images are too small."""
    check_system(SYSTEM._replace(score=None), dataclasses.replace(TINY, conditional=True), tmp_path)


@pytest.mark.parametrize(
    ("changes", "recorded"),
    [
        ({"augment": (0.0, 0.5), "microbatches": 2}, {"r1", "r2"}),
        pytest.param({"penalties": ("r1",), "loss": "non_saturating"}, {"r1"}, marks=pytest.mark.slow),
        pytest.param({"penalties": (), "half_levels": 1, "conditional": True}, set(), marks=pytest.mark.slow),
    ],
    ids=["augmented", "r1", "half"],
)
def test_steps(changes, recorded):
    first, last, metrics = play(SYSTEM, dataclasses.replace(TINY, **changes))
    assert all(np.isfinite(values).all() for values in metrics.values())
    assert moved(first.generator.params, last.generator.params) and moved(first.discriminator.params, last.discriminator.params)
    assert {name.split("/")[1] for name in metrics} & {"r1", "r2"} == recorded


def test_settings_follow_the_images_seen():
    _, last, _ = play(SYSTEM, dataclasses.replace(TINY, augment=(0.0, 0.5), microbatches=2))
    for player in (last.generator, last.discriminator):
        rates = player.optimizer.hyperparams  # those of the third step, when the ramp of two steps is over
        np.testing.assert_allclose([rates["learning_rate"], rates["b2"]], [5e-5, 0.99], rtol=1e-6)
    assert {name: int(seen) for name, seen in last.adaptive.items()} == {"augment": 24, "r1": 24, "r2": 24}


def test_augmentation_mirrors_and_then_transforms():
    images = jax.random.uniform(jax.random.key(0), (16, 8, 8, 3), minval=-1)
    config = dataclasses.replace(TINY, augment=(0.0, 0.9))
    begun, ended = (r3gan.augmentation(config, lambda seen, p=p: jnp.float32(p))(0)(jax.random.key(1), images) for p in (0.0, 0.9))
    same = np.asarray(jnp.abs(begun - images).max((1, 2, 3)) < 1e-4)
    mirrored = np.asarray(jnp.abs(begun - images[:, :, ::-1]).max((1, 2, 3)) < 1e-4)
    assert (same ^ mirrored).all() and 0 < mirrored.sum() < 16
    assert jnp.abs(ended - begun).max() > 0.1
    plain = dataclasses.replace(TINY, flip=False)
    np.testing.assert_array_equal(r3gan.augmentation(plain, lambda seen: jnp.float32(0.0))(0)(jax.random.key(1), images), images)


@pytest.mark.parametrize(
    ("changes", "message"), [({"resolution": 100}, "expected a resolution that halves down"), ({"channel_max": 12}, "multiples of 8")]
)
def test_networks_that_cannot_be(changes, message):
    config = dataclasses.replace(TINY, **changes)
    with pytest.raises(ValueError, match=message):
        SYSTEM.data(config)
