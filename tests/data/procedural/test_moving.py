import numpy as np
import pytest

from jgan.data.content import data_hash
from jgan.data.procedural.moving import KINDS, MOTIONS, PATH, draw, moving, open_moving, path
from jgan.data.procedural.shapes import COLOURS, HALF

CLIPS = {motion: next(moving(i) for i in range(200) if moving(i).motion == motion) for motion in MOTIONS}
CHANGES = {"left-right": "x", "up-down": "y", "circle": "xy", "bounce": "xy", "spin": ("angle",), "pulse": ("scale",)}


@pytest.mark.parametrize("motion", MOTIONS)
def test_only_what_belongs_to_a_motion_changes(motion):
    found = path(CLIPS[motion], 64)
    changing = {name for name, values in zip(PATH, found.T, strict=True) if np.ptp(values) > 1e-3}
    assert changing == set(CHANGES[motion])
    reach = np.abs(found[:, :2]).max(axis=1) + CLIPS[motion].shape.diameter * found[:, 3] / 2
    assert reach.max() <= HALF + 1e-5


def test_motions_have_their_form():
    x, y, _, _ = path(CLIPS["circle"], 64).T
    np.testing.assert_allclose(np.hypot(x, y), np.hypot(x, y)[0], rtol=1e-4)
    x, y, _, _ = path(CLIPS["bounce"], 64).T
    np.testing.assert_allclose(np.abs(x), np.abs(y), atol=1e-5)
    clip = CLIPS["spin"]
    np.testing.assert_allclose(np.diff(path(clip, 8)[:, 2]), clip.sign * 2 * np.pi * clip.speed / 16, atol=1e-5)
    np.testing.assert_allclose(path(clip, 8, 32.0)[::2], path(clip, 4), atol=1e-6)  # the same motion at another rate


def test_the_shape_is_where_the_path_says():
    clip = CLIPS["circle"]
    where = path(clip)
    frames = draw(clip, where, 64).astype(int)
    covered = np.abs(frames - frames[0, 0, 0]).sum(axis=3) > 60
    centres = np.stack([np.argwhere(one).mean(axis=0)[::-1] for one in covered]) / 64 - 0.5
    moved, expected = centres - centres.mean(axis=0), where[:, :2] - where[:, :2].mean(axis=0)
    np.testing.assert_allclose(moved, expected, atol=0.02)


def test_a_set():
    source = open_moving(limit=300, frames=4, resolution=(16, 24))
    example = source.read(5)
    assert example["video"].shape == (4, 16, 24, 3) and example["video"].dtype == np.uint8
    clip = moving(5)
    assert MOTIONS[example["label"]] == clip.motion and KINDS[example["attributes"][0]] == clip.shape.kind
    assert tuple(COLOURS)[example["attributes"][1]] == clip.shape.colour
    np.testing.assert_array_equal(example["path"], path(clip, 4))
    counts = np.bincount(source.columns["label"])
    assert len(counts) == len(MOTIONS) and counts.min() > 25
    assert data_hash(source) == data_hash(open_moving(limit=300, frames=4, resolution=(16, 24)))
    assert not np.array_equal(open_moving("test", limit=2).read(0)["path"], open_moving(limit=2).read(0)["path"])
    with pytest.raises(ValueError, match="moving has no split 'dev': expected train, test, val"):
        open_moving("dev")
    with pytest.raises(IndexError):
        source.read(300)
