import dataclasses
import itertools

import numpy as np
import pytest

from jgan.data import open_source
from jgan.data.procedural import shapes
from jgan.metrics import delta_e
from jgan.ops.colour import LUMA, rgb_to_lab
from jgan.ops.images import to_float

SCENES = [shapes.scene(index) for index in range(400)]


def test_an_image_depends_on_seed_and_index_alone():
    assert shapes.scene(7, seed=3) == shapes.scene(7, seed=3)
    assert shapes.scene(7, seed=3) != shapes.scene(8, seed=3) and shapes.scene(7, seed=3) != shapes.scene(7, seed=4)


def test_known_scene():  # a change here changes the data that every published score was measured on
    scene = shapes.scene(1)
    assert shapes.caption(scene) == "a large teal heart"
    assert scene.shapes[0].diameter == pytest.approx(0.6966247959954544, abs=1e-12)


def test_everything_lies_inside_and_apart():
    for scene in SCENES:
        for shape in scene.shapes:
            assert max(abs(shape.x), abs(shape.y)) + shape.diameter / 2 < 0.5
        if len(scene.shapes) == 2:
            main, small = scene.shapes
            assert np.hypot(main.x - small.x, main.y - small.y) > (main.diameter + small.diameter) / 2
            assert main.colour != small.colour


def test_captions_say_where_things_are():
    pairs = [scene for scene in SCENES if len(scene.shapes) == 2]
    for scene in pairs:
        main, small = scene.shapes
        x, y = main.x - small.x, main.y - small.y
        assert {"above": y < 0, "below": y > 0, "left of": x < 0, "right of": x > 0}[scene.place]
        assert f"{main.colour} {main.kind} {scene.place} a small {small.colour} {small.kind}" in shapes.caption(scene)
    assert 0.15 < len(pairs) / len(SCENES) < 0.35


def test_all_attributes_occur():
    assert {scene.shapes[0].kind for scene in SCENES} == set(shapes.KINDS)
    assert {scene.shapes[0].colour for scene in SCENES} == set(shapes.COLOURS)
    assert {scene.ground for scene in SCENES} == set(shapes.GROUNDS)
    assert np.bincount([shapes.label(scene) for scene in SCENES]).min() > 400 / 8 / 2


@pytest.mark.parametrize("kind", shapes.KINDS)
def test_shapes_fill_their_circle(kind):
    x, y = np.meshgrid(*[np.linspace(-1.2, 1.2, 241, dtype=np.float32)] * 2)
    distance = shapes.KINDS[kind](x, y)
    assert np.hypot(x, y)[distance < 0].max() == pytest.approx(0.95, abs=0.06)
    slope = np.hypot(*np.gradient(distance, 0.01))[np.abs(distance) < 0.02]
    assert np.median(slope) == pytest.approx(1, abs=0.02)  # a distance grows by one per unit of length


@pytest.mark.parametrize("size", [(32, 32), (24, 40), (40, 24)])
def test_image_mask_and_outline_agree(size):
    for scene in SCENES[:20]:
        image, mask, outline = (draw(scene, *size) for draw in (shapes.render, shapes.mask, shapes.outline))
        assert image.shape == (*size, 3) and mask.shape == outline.shape == size
        assert image.dtype == mask.dtype == outline.dtype == np.uint8
        far = outline == 255  # away from edges every pixel has the colour of what covers it
        colours = [shapes.GROUNDS[scene.ground], *(shapes.COLOURS[shape.colour] for shape in scene.shapes)]
        np.testing.assert_array_equal(image[far], np.array(colours, np.uint8)[mask[far]])
        assert outline.min() < 128


def test_the_same_scene_at_two_resolutions():
    for scene in SCENES[:20]:
        large = shapes.render(scene, 128).reshape(32, 4, 32, 4, 3).mean((1, 3))
        assert np.abs(large - shapes.render(scene, 32)).mean() < 1.5


def test_splits_are_disjoint_and_labels_match():
    sources = [open_source("shapes", split=split, resolution=16, limit=64, labels=True) for split in shapes.FIRST]
    images = {source.read(index)["image"].tobytes() for source in sources for index in range(64)}
    assert len(images) == 3 * 64
    train = sources[0]
    assert train.names["label"] == tuple(shapes.KINDS)
    assert train.columns["label"].tolist() == [shapes.label(scene) for scene in SCENES[:64]]
    np.testing.assert_array_equal(train.read(5)["image"], shapes.render(SCENES[5], 16))


def test_default_sizes_and_channels():
    assert [open_source("shapes", split=split).size for split in ("train", "test")] == [8192, 2048]
    assert open_source("shapes", channels=1, resolution=(16, 24), limit=3).read(2)["image"].shape == (16, 24, 1)
    with pytest.raises(ValueError, match="no split 'dev': expected train, test, val"):
        open_source("shapes", split="dev")
    with pytest.raises(ValueError, match="expected shapes or shapes:equal-luma, found shapes:bright"):
        open_source("shapes:bright")


def test_colours_of_one_grey_value_are_told_apart():
    colours = np.asarray(list(shapes.EQUAL_LUMA.colours.values()), np.uint8)
    lab = np.asarray(rgb_to_lab(to_float(colours)))
    np.testing.assert_allclose(colours @ LUMA, 128, atol=0.1)
    np.testing.assert_allclose(lab[:, 0], 57, atol=0.06)
    assert min(float(delta_e(one, other)) for one, other in itertools.combinations(lab, 2)) > 40
    for colours in shapes.EQUAL_LUMA:
        assert list(colours) in (list(shapes.COLOURS), list(shapes.GROUNDS))


@pytest.mark.parametrize("size", [(16, 16), (40, 24)])
def test_the_grey_picture_of_equal_luma_shapes_is_the_same_in_all_colours(size):
    for scene in SCENES[:20]:
        colours = [list(shapes.COLOURS)[start::4] for start in range(4)]  # two shapes, eight colours
        recoloured = [
            dataclasses.replace(scene, shapes=tuple(map(lambda s, c: dataclasses.replace(s, colour=c), scene.shapes, some)))
            for some in colours
        ]
        images = [shapes.render(scene, *size, shapes.EQUAL_LUMA) for scene in recoloured]
        assert np.ptp([image @ LUMA for image in images], axis=0).max() < 0.15
        assert np.ptp([rgb_to_lab(to_float(image))[..., 0] for image in images], axis=0).max() < 0.11
        assert np.ptp(images, axis=0).max() > 50
        assert np.abs(images[0] @ LUMA - 128).max() > 45  # the shape is seen


def test_equal_luma_shapes_are_opened_by_name():
    plain, equal = (open_source(spec, resolution=16, limit=5, labels=True) for spec in ("shapes", "shapes:equal-luma"))
    np.testing.assert_array_equal(plain.columns["label"], equal.columns["label"])
    np.testing.assert_array_equal(equal.read(3)["image"], shapes.render(SCENES[3], 16, palette=shapes.EQUAL_LUMA))
