import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from jgan.data.clips import open_clips
from jgan.data.procedural import moving
from jgan.evaluation.classified import Classified
from jgan.evaluation.clips import (
    Watched,
    Watching,
    clip_numbers,
    content_numbers,
    frames_of,
    frozen,
    mixed_numbers,
    motion_classifier,
    shown_sizes,
    shuffled,
    watch,
    watch_source,
)
from jgan.evaluation.gather import extractor
from jgan.types import Features

CLIPS = open_clips("moving", frames=9, resolution=16, limit=24, labels=True)
MEANS = Features("means", lambda params, clips: {"features": clips.astype("float32").mean((1, 2, 3)), "logits": _logits(clips)}, {}, {})
NETWORKS = Watching(MEANS, extractor(MEANS), None)


def _logits(clips):
    return jnp.abs(jnp.diff(clips.astype("float32"), axis=1)).mean((1, 4))[:, 0, :6]


def test_frames_by_turns():
    frames = frames_of(CLIPS)
    assert frames.size == 24 and frames.fields["image"].shape == (16, 16, 3)
    np.testing.assert_array_equal(frames.read(11)["image"], CLIPS.read(11)["video"][2])
    np.testing.assert_array_equal(frames.read(11)["attributes"], CLIPS.columns["attributes"][11])


def test_watching():
    real = watch_source(NETWORKS, CLIPS, 20)
    assert real.motion.features.shape == (20, 3) and real.motion.label is not None and real.content is None
    with pytest.raises(ValueError, match="expected 30 clips, found 2"):
        watch(NETWORKS, [{"video": np.zeros((2, 9, 16, 16, 3), np.uint8)}], 30)
    with pytest.raises(ValueError, match="found NaN or infinity"):
        watch(NETWORKS, [{"video": np.full((2, 9, 16, 16, 3), np.nan, np.float32)}], 2)


def test_numbers():
    label, kinds = np.arange(24) % 6, len(CLIPS.names["kind"])
    motion = Classified(np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32), 9 * np.eye(6)[label], label)
    content = np.tile((np.arange(24) % kinds)[:, None, None], (1, 9, 2)).astype(np.int8)
    half = motion._replace(logits=9 * np.eye(6)[label // 3 * 3])
    found = clip_numbers(Watched(half, np.zeros_like(content)), Watched(motion, content), CLIPS)
    assert [found[f"motion/{name}"] for name in CLIPS.names["label"]] == [0.5, 0, 0, 0.5, 0, 0]
    assert found["frechet_distance"] == pytest.approx(0, abs=1e-6) and found["classes"] == 2 and found["right"] == pytest.approx(1 / 3)
    assert found["constant/kind"] == 1 and found["content_distance/kind"] == pytest.approx(1 - 1 / kinds, abs=0.05)
    assert content_numbers(np.asarray([[0, 0, 1, 2], [2, 2, 2, 2]]), np.asarray([[0, 0, 0, 0], [2, 2, 2, 2]]), 3)["constant"] == 0.75


def test_motion_of_a_code():
    found = Classified(np.zeros((6, 3), np.float32) + np.arange(6)[:, None], np.eye(6)[[2, 2, 1, 5, 5, 5]], None)
    numbers = clip_numbers(Watched(found, None, np.asarray([0, 0, 0, 1, 1, 1])), Watched(found, None), CLIPS)
    assert numbers["motion_of_code"] == pytest.approx(5 / 6) and "motion_of_code" not in clip_numbers(*[Watched(found, None)] * 2, CLIPS)


def test_contents_in_several_motions():
    """Drawn as they should be, all that should stay does; generated motion by motion, the motion alone does."""
    contents, motions = [moving.moving(index) for index in range(5)], list(moving.MOTIONS)
    clips = [[dataclasses.replace(content, motion=motion) for motion in motions] for content in contents]
    drawn = np.stack([moving.draw(clip, moving.path(clip), 32) for row in clips for clip in row])
    kinds = [moving.KINDS.index(content.shape.kind) for content in contents]
    content = np.repeat(np.asarray(kinds), 6)[:, None, None].repeat(16, axis=1).repeat(2, axis=2)
    logits = np.tile(np.eye(6), (5, 1))
    numbers = mixed_numbers(Watched(Classified(logits, logits, None), content), shown_sizes(drawn), 6, CLIPS)
    assert numbers["same_content/size"] >= 0.9 > numbers["same_motion/size"]
    assert numbers["same_content/kind"] == numbers["same_motion/motion"] == 1 and numbers["same_content/motion"] == pytest.approx(1 / 6)
    assert numbers["same_motion/kind"] == np.bincount(kinds).max() / 5 < 1


def test_clips_without_what_a_score_needs(tmp_path):
    bare = CLIPS._replace(columns={})
    with pytest.raises(ValueError, match="two or more labels for the classifier of the score, found none in moving"):
        motion_classifier(bare, tmp_path)
    short = open_clips("moving", frames=8, resolution=16, limit=2, labels=True)
    with pytest.raises(ValueError, match="at least 9 frames of 16 x 16 pixels for the classifier of the score, found 8 of 16 x 16"):
        motion_classifier(short, tmp_path)


def test_baselines():
    video = np.broadcast_to(np.arange(9)[None, :, None, None, None], (3, 9, 2, 2, 1))
    assert (frozen({"video": video})["video"] == 0).all()
    found = shuffled({"video": video})["video"]
    assert (found == found[:, :, :1, :1]).all() and (np.sort(found[..., 0, 0, 0], axis=1) == np.arange(9)[None]).all()
    assert len(np.unique(found[..., 0, 0, 0], axis=0)) == 3
