import dataclasses
import hashlib

import numpy as np
import pytest

from jgan.data import open_source
from jgan.data.procedural.face import CHOICES, attributes, face, visible, without
from jgan.data.procedural.face_geometry import LANDMARKS, landmarks
from jgan.data.procedural.face_parts import PARTS
from jgan.data.procedural.faces import SETS, draw, open_edits
from jgan.data.procedural.shapes import FIRST

FACES = [face(index) for index in range(300)]


def test_a_face_depends_on_seed_and_index_alone():
    assert face(7, seed=3) == face(7, seed=3)
    assert face(7, seed=3) != face(8, seed=3) and face(7, seed=3) != face(7, seed=4)


@pytest.mark.parametrize(("name", "digest"), [("faces", "fdbd919d"), ("faces:painting", "b55b84ef")])
def test_known_pictures(name, digest):  # a change here changes the data that every published score was measured on
    images = np.stack([draw(SETS[name](index), 32).image for index in range(20)])
    assert hashlib.sha256(images.tobytes()).hexdigest()[:8] == digest


def test_attributes_are_balanced_and_independent():
    values = np.stack([attributes(face(index)) for index in range(3000)])
    for number, (name, known) in enumerate(CHOICES.items()):
        shares = np.bincount(values[:, number], minlength=len(known)) / len(values)
        assert shares.min() > 0.6 / len(known) - (0.05 if len(known) == 4 else 0), name
    for name in ("glasses", "hat", "moustache", "smile", "mouth"):
        assert abs((values[:, list(CHOICES).index(name)] > 0).mean() - 0.5) < 0.03
    assert np.abs(np.corrcoef((values > 0).T) - np.eye(len(CHOICES))).max() < 0.08


def test_hats_come_with_glasses_in_the_correlated_set():
    faces = [SETS["faces:correlated"](index) for index in range(1000)]
    hats, glasses = (np.asarray([getattr(one, name) != "none" for one in faces]) for name in ("hat", "glasses"))
    assert abs(hats[glasses].mean() - 0.9) < 0.04 and abs(hats[~glasses].mean() - 0.1) < 0.04
    assert dataclasses.replace(faces[5], hat=FACES[5].hat) == FACES[5]  # nothing else depends on it


@pytest.mark.parametrize("style", ["flat", "painting"])
@pytest.mark.parametrize("size", [(64, 64), (24, 40), (40, 24)])
def test_without_glasses_a_face_differs_inside_the_mask_alone(size, style):
    worn = [dataclasses.replace(one, style=style) for one in FACES[:60] if one.glasses != "none"]
    excess = []
    for one in worn:
        drawing, bare = draw(one, *size), draw(without(one, "glasses"), *size)
        changed = (drawing.image != bare.image).any(axis=-1)
        assert not (changed & ~drawing.glasses).any()
        assert changed.sum() > 0.015 * changed.size
        assert not bare.glasses.any() and PARTS.index("glasses") not in bare.parts
        excess.append((drawing.glasses & ~changed).sum() / changed.sum())
    assert np.mean(excess) < 0.15


@pytest.mark.parametrize("name", ["glasses", "hat", "moustache"])
def test_every_kind_of_accessory_is_seen(name):
    for one in FACES[:10]:
        images = [draw(dataclasses.replace(one, **{name: kind}), 64) for kind in CHOICES[name]]
        for first in range(len(images)):
            for second in range(first):
                differs = np.abs(images[first].image.astype(int) - images[second].image).max(axis=-1) > 40
                assert differs.sum() > 15, (one, CHOICES[name][first], CHOICES[name][second])
        assert all((drawing.parts == PARTS.index(name)).sum() > 15 for drawing in images[1:])


def test_landmarks_lie_on_their_parts():
    expected = {"left_brow": "brow", "right_brow": "brow", "nose_tip": "nose", "mouth_top": "mouth"}
    hits = []
    for one in FACES[:60]:
        drawing = draw(without(one, "glasses", "hat", "moustache"), 128)
        found = dict(zip(LANDMARKS, landmarks(one), strict=True))
        assert max(map(np.abs, found.values()), key=np.max).max() < 0.5
        for name, part in expected.items():
            column, row = np.floor((found[name] + 0.5) * 128).astype(int)
            hits.append(drawing.parts[row, column] == PARTS.index(part))
        assert found["left_eye_outer"][0] < found["left_eye_inner"][0] < found["right_eye_inner"][0] < found["right_eye_outer"][0]
        assert found["mouth_left"][0] < found["mouth_right"][0] and found["mouth_bottom"][1] < found["chin"][1]
    assert np.mean(hits) > 0.97


def test_the_head_turns():
    plain = dataclasses.replace(without(FACES[0], "glasses", "hat"), yaw=0.0, pitch=0.0, roll=0.0)
    left, right, up = (landmarks(dataclasses.replace(plain, **turned)) for turned in ({"yaw": -0.3}, {"yaw": 0.3}, {"pitch": 0.2}))
    nose, eye, chin = (LANDMARKS.index(name) for name in ("nose_tip", "left_eye_inner", "chin"))
    assert right[nose, 0] - left[nose, 0] > right[eye, 0] - left[eye, 0] > 0.05  # what lies in front moves farther
    assert right[chin, 0] == left[chin, 0] and up[nose, 1] < landmarks(plain)[nose, 1]
    ears = [draw(dataclasses.replace(plain, yaw=yaw, hair_style="short"), 64).parts == PARTS.index("ear") for yaw in (-0.4, 0.0)]
    assert ears[0][:, :32].sum() < 0.4 * ears[1][:, :32].sum()  # one ear vanishes
    assert ears[0][:, 32:].sum() > ears[1][:, 32:].sum()


def test_what_is_covered_is_not_visible():
    names = list(CHOICES)
    for one in FACES:
        seen = dict(zip(names, visible(one), strict=True))
        assert seen.pop("eye_colour") == (one.glasses != "sunglasses")
        hair = one.hat == "none" or one.hair_style in ("curly", "bob", "long")
        assert seen.pop("hair_style") == seen.pop("hair_colour") == hair
        assert all(seen.values())
    shaded = dataclasses.replace(FACES[0], glasses="sunglasses", hat="cap", hair_style="bun")
    same = dataclasses.replace(shaded, eye_colour="green", hair_style="spiky")
    np.testing.assert_array_equal(draw(shaded, 64).image, draw(same, 64).image)


def test_the_same_face_at_two_resolutions():
    for one in FACES[:10]:
        large = draw(one, 128).image.reshape(32, 4, 32, 4, 3).mean((1, 3))
        assert np.abs(large - draw(one, 32).image).mean() < 4


def test_faces_are_opened_by_name():
    sources = [open_source("faces", split=split, resolution=16, limit=20, labels=True) for split in ("train", "testing", "val")]
    assert len({source.read(index)["image"].tobytes() for source in sources for index in range(20)}) == 60
    source, example = sources[0], sources[0].read(3)
    assert {name: (value.shape, value.dtype) for name, value in example.items()} == {
        name: (field.shape, field.dtype) for name, field in source.fields.items()
    }
    np.testing.assert_array_equal(example["image"], draw(FACES[3], 16).image)
    np.testing.assert_array_equal(example["mask"][..., 0], draw(FACES[3], 16).glasses)
    np.testing.assert_array_equal(source.columns["attributes"][3], attributes(FACES[3]))
    assert source.names["label"][example["label"]] == FACES[3].glasses
    assert sources[1].columns["attributes"].tolist() == [attributes(face(FIRST["test"] + index)).tolist() for index in range(20)]


def test_an_edit_comes_with_its_truth():
    source = open_edits(lambda one: dataclasses.replace(one, glasses="round"), resolution=(16, 24), limit=4)
    for index in range(4):
        one, example = face(FIRST["test"] + index), source.read(index)
        worn = draw(dataclasses.replace(one, glasses="round"), 16, 24)
        np.testing.assert_array_equal(example["target"], worn.image)
        np.testing.assert_array_equal(example["mask"][..., 0], worn.glasses | draw(one, 16, 24).glasses)
        assert example["target"].shape == source.fields["target"].shape and example["mask"].any()


def test_default_sizes_and_channels():
    source = open_source("faces", split="test", channels=1)
    assert source.size == 2048 and source.read(2047)["image"].shape == (64, 64, 1) and "label" not in source.fields
    assert open_source("faces:painting", resolution=(16, 24), limit=3).read(2)["image"].shape == (16, 24, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"spec": "faces:sad"}, "expected faces, faces:correlated, faces:painting in the splits .*, found faces:sad"),
        ({"spec": "faces", "split": "dev"}, "in the splits train, test, val, found faces and the split dev"),
        ({"spec": "faces", "resolution": 15}, "expected at least 16 x 16 pixels for a face, found 15 x 15"),
    ],
)
def test_what_cannot_be_drawn_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        open_source(**settings)
