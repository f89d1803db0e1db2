"""First Order Motion Model in miniature, on embedded talking faces."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from tests.systems.check import check_presets, check_system, presets_of, quick_classifiers
from tests.systems.steps import moved, play
from tests.systems.untrained import random_run

from jgan.augment import thin_plate
from jgan.evaluation.animation import identity_reader
from jgan.models.keypoints import Keypoints
from jgan.run.main import main
from jgan.systems.first_order_motion import SYSTEM, Config, drawn, jacobian_distance

TINY = Config(
    data="talking", resolution=16, frames=3, batch=4, features=2, levels=1, keypoints=3, blocks=1, discriminator_layers=2, limit=12
)
ADVERSARIAL = dataclasses.replace(TINY, adversarial_weight=0.1)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


def test_a_step():
    first, last, metrics = play(SYSTEM, ADVERSARIAL, steps=1)
    for part in ("points", "motion", "image"):
        assert moved(first.generator.params[part], last.generator.params[part])
    assert moved(first.discriminator.params, last.discriminator.params)
    assert metrics["generator/matching"] > 0 and metrics["generator/jacobian"] < 0.2  # Jacobians begin as the identity


def test_without_the_adversarial_loss_the_discriminator_rests():
    first, last, metrics = play(SYSTEM, TINY, steps=1)
    assert not moved(first.discriminator.params, last.discriminator.params)
    assert "generator/adversarial" not in metrics and moved(first.generator.params["points"], last.generator.params["points"])


def test_frames_are_different_ones_of_a_clip_with_the_same_changes():
    clips = jnp.broadcast_to(jnp.asarray([0, 128, 255], jnp.uint8).reshape(1, 3, 1, 1, 1), (64, 3, 16, 16, 3))
    examples = drawn(dataclasses.replace(TINY, jitter=0.0), jax.random.key(0), clips)
    first, second = (np.asarray(examples[name])[:, 0, 0, 0] for name in ("source", "driver"))
    assert (first != second).all() and len(np.unique(first)) == len(np.unique(second)) == 3
    grey = jnp.full((64, 3, 16, 16, 3), 128, jnp.uint8)
    examples = drawn(TINY, jax.random.key(0), grey)
    np.testing.assert_array_equal(examples["source"], examples["driver"])
    assert examples["source"].std(axis=(0, 1, 2)).min() > 1e-3 and jnp.abs(examples["source"]).max() <= 1


def test_points_that_follow_the_map_are_not_penalised():
    plate = thin_plate.random_plate(jax.random.key(0), 2)
    place = jax.random.uniform(jax.random.key(1), (2, 3, 2), minval=-0.5, maxval=0.5)
    seen = Keypoints(place, jnp.broadcast_to(jnp.eye(2)[None, None], (2, 3, 2, 2)))
    right = Keypoints(thin_plate.moved(plate, place), thin_plate.slopes(plate, place))
    assert jacobian_distance(right, seen, plate) < 1e-5 < 1e-2 < jacobian_distance(seen, seen, plate)


def test_relative_and_absolute_motion():
    """By its own clip both are the same; a driver that stands still moves nothing, relative to its first frame."""
    source = SYSTEM.data(TINY)
    training = SYSTEM.build(TINY, source.spec)
    rows = [source.read(index) for index in range(2)]
    clips, images = (jnp.asarray(np.stack([row[name] for row in rows])) for name in ("video", "source"))
    state = jax.jit(training.init)(jax.random.key(0), {"video": clips})
    sample = jax.jit(lambda given: training.sample(state, None, given)["video"])
    ways = [jnp.ones(2), jnp.zeros(2)]
    own = [sample({"source": images, "video": clips, "relative": way}) for way in ways]
    np.testing.assert_allclose(*own, atol=1e-4)
    still = jnp.broadcast_to(clips[::-1, :1], clips.shape)
    relative, absolute = (sample({"source": images, "video": still, "relative": way}) for way in ways)
    np.testing.assert_allclose(relative, np.broadcast_to(relative[:, :1], relative.shape), atol=1e-5)
    np.testing.assert_allclose(relative[:, 0], own[0][:, 0], atol=1e-4)
    assert np.abs(absolute - relative).max() > 1e-3


def test_frames_that_do_not_fit():
    spec = SYSTEM.data(dataclasses.replace(TINY, resolution=20, limit=2)).spec
    with pytest.raises(ValueError, match="sides are multiples of 8 pixels, found 20 x 20"):
        SYSTEM.build(dataclasses.replace(TINY, resolution=20), spec)


@pytest.mark.slow
def test_system(tmp_path):
    clip = SYSTEM.data(TINY, "test").read(0)["video"]
    first, *others = map(Image.fromarray, clip)
    first.save(tmp_path / "source.png")
    first.save(tmp_path / "driver.webp", save_all=True, append_images=others, duration=100, lossless=True)
    places = [str(tmp_path / name) for name in ("source.png", "driver.webp", "out.gif")]
    arguments = {"animate": places, "sample": ["--seeds", "0-3", "--out", "OUT.gif"]}
    trained = check_system(SYSTEM, TINY, tmp_path, arguments)
    assert trained(source=clip[0], video=clip).shape == clip.shape and (tmp_path / "out.gif").exists()


@pytest.mark.slow
def test_evaluate(tmp_path, monkeypatch):
    monkeypatch.setitem(identity_reader.__kwdefaults__, "faces", 12)
    run = random_run(SYSTEM, TINY, tmp_path / "run", scale=0.3)
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"):
        main(SYSTEM, ["evaluate", str(run), "--samples", "4"])
    found = {line["metric"]: line["value"] for line in map(json.loads, (run / "evaluations.jsonl").read_text().splitlines())}
    assert found["reconstruction"] == pytest.approx(found["l1"] / found["copy/l1"])
    assert found["landmarks"] != found["untrained/landmarks"]
    for style in ("flat", "painting"):
        assert found[f"{style}/gain"] == pytest.approx(found[f"{style}/psnr"] - found[f"{style}/copy/psnr"])
    assert 0 <= found["flat/identity"] <= 1 and 0 <= found["flat/real/identity"] <= 1
