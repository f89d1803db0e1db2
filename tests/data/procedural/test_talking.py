import dataclasses

import numpy as np
import pytest

from jgan.data.procedural.face import STATE, attributes, face
from jgan.data.procedural.face_geometry import LANDMARKS
from jgan.data.procedural.faces import draw
from jgan.data.procedural.shapes import FIRST
from jgan.data.procedural.talking import RANGES, in_states, open_reenacted, open_talking, states

LONG = np.stack([states(index, 160) for index in range(20)])  # ten seconds each


def of(name):
    return LONG[:, :, STATE.index(name)]


@pytest.mark.parametrize("name", RANGES)
def test_paths_are_smooth_and_within_their_ranges(name):
    low, high = RANGES[name]
    assert low <= of(name).min() and of(name).max() <= high
    steps = np.abs(np.diff(of(name), axis=1)) / (high - low)
    assert 0.05 < steps.max() < 0.25 and np.ptp(of(name), axis=1).min() > 0.2 * (high - low)


def test_eyes_blink_and_the_mouth_talks():
    shut = of("openness") < 0.1
    blinks = (shut[:, 1:] & ~shut[:, :-1]).sum(axis=1)
    assert 2 <= blinks.min() and blinks.max() <= 9 and np.median(of("openness")) > 0.65
    mouth = of("mouth_openness")
    assert mouth.min() >= 0 and mouth.max() <= 1 and (np.ptp(mouth, axis=1) > 0.7).all()
    turns = (np.diff(np.sign(np.diff(mouth, axis=1)), axis=1) < 0).sum(axis=1)  # times that it begins to close
    assert 20 <= turns.min() and turns.max() <= 60


def test_the_path_does_not_depend_on_how_long_or_how_fast_it_is_looked_at():
    np.testing.assert_array_equal(states(3, 8), states(3, 16)[:8])
    np.testing.assert_allclose(states(3, 8, 32.0)[::2], states(3, 4, 16.0), atol=1e-6)


def test_a_set():
    source = open_talking(limit=3, frames=4, resolution=(32, 32))
    example = source.read(2)
    assert example["video"].shape == (4, 32, 32, 3) and example["landmarks"].shape == (4, len(LANDMARKS), 2)
    faces = in_states(face(2), example["state"])
    np.testing.assert_array_equal(example["video"], [draw(one, 32).image for one in faces])
    assert {(one.skin, one.hair_style, one.hat, one.width) for one in faces} == {
        (face(2).skin, face(2).hair_style, face(2).hat, face(2).width)
    }
    np.testing.assert_array_equal(example["state"], states(2, 4))
    with pytest.raises(ValueError, match="talking has no split 'dev'"):
        open_talking("dev")


@pytest.mark.parametrize("style", ["flat", "painting"])
def test_reenacted_faces_are_one_face_in_the_states_of_another(style):
    example = open_reenacted(style, frames=3, resolution=(32, 32), limit=2).read(1)
    mover, other = (dataclasses.replace(face(FIRST["test"] + number), style=one) for number, one in ((1, style), (3, "flat")))
    path = states(FIRST["test"] + 3, 3)
    np.testing.assert_array_equal(example["target"], [draw(one, 32).image for one in in_states(mover, path)])
    np.testing.assert_array_equal(example["video"], [draw(one, 32).image for one in in_states(other, path)])
    np.testing.assert_array_equal(example["source"], example["target"][0])
    assert (example["attributes"][:, :8] == attributes(mover)[:8]).all() and example["visible"].shape == (3, 10)


@pytest.mark.parametrize("choice", [{"style": "cubist"}, {"split": "dev"}])
def test_reenacted_faces_that_are_not_known(choice):
    with pytest.raises(ValueError, match="expected a style of flat, painting and a split of"):
        open_reenacted(**choice)
