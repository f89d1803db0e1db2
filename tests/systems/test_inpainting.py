"""Inpainting in miniature."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from tests.systems.check import check_presets, check_system, presets_of
from tests.systems.steps import moved, play

from jgan import outputs
from jgan.data.source import read_rows
from jgan.systems import inpainting
from jgan.systems.inpainting import SYSTEM, Config

TINY = Config(resolution=16, batch=4, features=2, levels=1, dilations=(2,), discriminator_features=2, discriminator_layers=2, limit=40)
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 21, 18, 3), np.uint8)
MASKS = np.zeros((3, 21, 18, 1), np.uint8)
MASKS[:, 5:12, 4:9] = 255


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inpainting")
    for name, images in (("images", PICTURES), ("masks", MASKS)):
        (folder / name).mkdir()
        outputs.save(folder / name, {"image": images}, {"image": outputs.image()})
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    arguments = {
        "inpaint": [str(folder / "images"), str(folder / "masks"), str(folder / "out")],
        "evaluate": ["--samples", "16"],
    }
    return check_system(SYSTEM, TINY, folder, arguments, skip=())


@pytest.mark.slow
def test_what_is_known_stays_as_it_is(trained, folder):
    found = np.stack([np.asarray(Image.open(file)) for file in sorted((folder / "out").iterdir())])
    hole = np.broadcast_to(MASKS > 0, PICTURES.shape)
    np.testing.assert_array_equal(found[~hole], PICTURES[~hole])
    assert (found[hole] != PICTURES[hole]).mean() > 0.9
    np.testing.assert_array_equal(found, trained(image=PICTURES, mask=MASKS))


@pytest.mark.slow
def test_what_is_hidden_is_not_seen(trained):
    other = np.where(MASKS > 0, 255 - PICTURES, PICTURES)
    np.testing.assert_array_equal(trained(image=other, mask=MASKS), trained(image=PICTURES, mask=MASKS))


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_no_hole_and_nothing_else(trained, share):
    found = trained.outputs(image=PICTURES, mask=np.full_like(MASKS, 255 * share))
    for output in ("image", "coarse"):
        assert (found[output] == PICTURES).all() == (share == 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        ((20, 16, 3), (16, 20, 1), "expected a mask of the size of the image, 20 x 16, found 16 x 20"),
        ((3, 16, 3), (3, 16, 1), "expected images of at least 4 x 4 pixels, found 3 x 16"),
        ((16, 16, 1), (16, 16, 1), "expected image as"),
    ],
)
def test_wrong_inputs(trained, image, mask, message):
    with pytest.raises(ValueError, match=message):
        trained(image=np.zeros(image, np.uint8), mask=np.full(mask, 255, np.uint8))


@pytest.mark.slow
def test_without_adversary_the_discriminator_rests():
    config = dataclasses.replace(TINY, adversarial_weight=0.0)
    played = play(SYSTEM, config, steps=2)
    assert moved(played.first.generator.params, played.last.generator.params)
    assert not moved(played.first.discriminator, played.last.discriminator)
    assert not any("adversarial" in name or "discriminator" in name for name in played.metrics)


def test_masks_are_drawn_anew_in_every_step():
    key = jax.random.key(0)
    first, second = (inpainting.holes(TINY, jax.random.fold_in(key, step), (3, 16, 24, 3)) for step in (0, 1))
    assert first.shape == (3, 16, 24, 1) and first.dtype == jnp.bool
    assert (first != second).any(axis=(1, 2, 3)).all()
    shares = np.asarray(first).mean(axis=(1, 2, 3))
    assert (shares > TINY.least_hole - 0.01).all() and (shares < TINY.largest_hole + 0.01).all()


def test_data_has_images_with_their_masks():
    rows = read_rows(SYSTEM.data(TINY), np.arange(3), ("image", "mask"))
    assert rows["image"].shape == (3, 16, 16, 3) and rows["mask"].shape == (3, 16, 16, 1)
    assert set(np.unique(rows["mask"])) == {0, 255}
    assert "mask" not in SYSTEM.training_data(TINY).fields


def test_shares_of_the_area_are_checked():
    with pytest.raises(ValueError, match="expected two shares of the area between 0 and 1"):
        SYSTEM.data(dataclasses.replace(TINY, least_hole=0.5))
