"""Colorization in miniature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from tests.systems.check import check_presets, check_system, presets_of

from jgan.ops.colour import rgb_to_lab
from jgan.ops.images import to_float
from jgan.systems.colorization import SYSTEM, Config, lightness, open_data, training_data

TINY = Config(data="shapes:equal-luma", resolution=16, jitter=2, batch=4, features=2, patch_layers=2, limit=40)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("colorization")
    (folder / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (20, 28, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "images" / "colour.png")
    Image.fromarray(pixels[:17, :9, 0]).save(folder / "images" / "grey.png")
    found = check_system(SYSTEM, TINY, folder, {"translate": [str(folder / "images"), str(folder / "out")], "evaluate": []}, skip=())
    shapes = {p.name: np.asarray(Image.open(p)).shape for p in (folder / "out").iterdir()}
    assert shapes == {"colour.png": (20, 28, 3), "grey.png": (17, 9, 3)}
    return found


@pytest.mark.slow
def test_the_lightness_of_the_input_is_put_back(trained):
    grey = np.random.default_rng(1).integers(60, 190, (1, 21, 34, 1), np.uint8)
    found = trained(input=grey)
    light, expected = (np.asarray(rgb_to_lab(to_float(images)))[..., 0] for images in (found, grey.repeat(3, axis=3)))
    np.testing.assert_allclose(light, expected, atol=0.5)  # rounding to bytes
    assert (found.std(axis=3) > 0).any()


def test_what_the_networks_see():
    batch = {name: jnp.asarray(values)[None] for name, values in training_data(TINY).read(0).items() if name != "label"}
    assert batch["input"].shape == (1, 18, 18, 1) and batch["target"].shape == (1, 18, 18, 3)
    found = jax.jit(lambda x: lightness(to_float(x)))(batch["input"])
    np.testing.assert_allclose(found, rgb_to_lab(to_float(batch["target"]))[..., :1], atol=0.3)


@pytest.mark.parametrize("channels", [1, None, 3])
def test_grey_images_are_refused(channels, tmp_path):
    for number in range(3):
        Image.fromarray(np.full((20, 20), number, np.uint8)).save(tmp_path / f"{number}.png")
    with pytest.raises(ValueError, match=r"expected images in colour, of 3 channels, found [13] channels, stored as \[1\]"):
        open_data(Config(data=str(tmp_path), resolution=16, channels=channels))
