"""The comparison of generators of clips: its arms, and the walk of a GAN of single frames."""

import dataclasses
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from experiments import mocogan
from tests.systems.check import check_training, quick_classifiers
from tests.systems.test_mocogan import TINY

from jgan.run.arms import Arm, compare


def test_arms():
    given, found, without, _ = (arm.config for arm in mocogan.ARMS.values())
    assert [config.motions for config in (given, found, without)] == ["given", "found", "none"]
    assert given == dataclasses.replace(found, motions="given") == dataclasses.replace(without, motions="given")
    walk = mocogan.ARMS["frames on an arc"].config
    assert walk.kimg == given.frames * given.kimg and (walk.features, walk.limit) == (given.features, given.limit)


def test_frames_are_drawn_and_walked():
    spec = mocogan.WALK.data(TINY).spec
    training, sampling = mocogan.of_frames(TINY, spec), mocogan.walk(TINY, spec)
    with jax.numpy_dtype_promotion("standard"):  # optax promotes dtypes implicitly
        check_training(training, sampling, spec, 4, spec)
    video = jnp.broadcast_to(jnp.arange(10, dtype=jnp.uint8)[None, :, None, None, None], (4, 10, 16, 16, 3))
    state = jax.jit(training.init)(jax.random.key(0), {"video": video})
    z = jax.random.normal(jax.random.key(1), (1, mocogan.latent_size(TINY)))
    still, moving = jnp.concatenate([z, z], axis=1), jnp.concatenate([z, jnp.roll(z, 1, axis=1)], axis=1)
    inputs = {"z": jnp.concatenate([still, moving]), "truncation": jnp.ones(2)}
    clips = np.asarray(jax.jit(training.sample)(state, None, inputs)["video"])
    assert clips.shape == (2, 10, 16, 16, 3)
    assert np.abs(np.diff(clips[0], axis=0)).max() < 1e-5 and (np.abs(np.diff(clips[1], axis=0)).max(axis=(1, 2, 3)) > 1e-5).all()


@pytest.mark.slow
def test_compare(tmp_path):
    short = dataclasses.replace(TINY, score_kimg=0, steps_per_call=1, devices=1)
    arms = {"ours": Arm(mocogan.SYSTEM, dataclasses.replace(short, motions="found")), "walk": Arm(mocogan.WALK, short)}
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*(close to guessing|covariance lacks)")
        compare(arms)(mocogan.SYSTEM, tmp_path, kimg=0.016)
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert len(lines) == 4 and len(list((tmp_path / "1-ours" / "features").glob("*.npz"))) == 2
    names = lines[0].split(" | ")
    for name in ("frechet_distance", "constant/kind", "motion/spin", "same_content/colour", "motion_of_code"):
        assert name in names
    walked = dict(zip(names, lines[3].split(" | "), strict=True))
    assert walked["frechet_distance"] and not walked["same_content/colour"].strip()
