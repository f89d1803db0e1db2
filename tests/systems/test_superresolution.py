"""Super-resolution in miniature."""

import dataclasses

import jax
import numpy as np
import pytest
from PIL import Image
from tests.models.pretrained.test_squeezenet import ARRAYS
from tests.systems.check import check_presets, check_system, presets_of

from jgan.data.corrupt import reduced
from jgan.systems.superresolution import PRESETS, RESTORATION, SYSTEM, Config, open_data

TINY = Config(resolution=64, crop=32, batch=4, features=4, blocks=1, discriminator_features=2, limit=24, perceptual_weight=1.0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "squeezenet.npz"
    np.savez(path, **ARRAYS)
    return str(path)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name, weights):
    check_presets(SYSTEM._replace(presets={name: dataclasses.replace(PRESETS[name], weights=weights)}))


@pytest.mark.slow
def test_system(weights, tmp_path):
    (tmp_path / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (41, 50, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "images" / "a.png")
    Image.fromarray(pixels.swapaxes(0, 1)).save(tmp_path / "images" / "b.png")
    arguments = {"translate": [str(tmp_path / "images"), str(tmp_path / "out")], "evaluate": ["--images", str(tmp_path / "images")]}
    config = dataclasses.replace(TINY, weights=weights, adversarial="relativistic")
    trained = check_system(SYSTEM, config, tmp_path, arguments, skip=())
    found = {p.name: np.asarray(Image.open(p)).shape for p in (tmp_path / "out").iterdir()}
    assert found == {"a.png": (164, 200, 3), "b.png": (200, 164, 3)}
    assert trained(input=pixels[:1, :1]).shape == (4, 4, 3)


def test_weights_are_read_where_the_loss_is_computed(tmp_path):
    config = dataclasses.replace(TINY, weights=str(tmp_path / "none.npz"))
    training = SYSTEM.build(config, open_data(config).spec)  # to enlarge images needs none
    batch = {name: np.zeros((4, *field.shape), field.dtype) for name, field in open_data(config).spec.fields.items()}
    with pytest.raises(FileNotFoundError, match="found no file .*none.npz"), jax.numpy_dtype_promotion("standard"):
        state = jax.eval_shape(training.init, jax.random.key(0), batch)
        jax.eval_shape(training.step, state, batch, jax.random.key(0))


def test_a_pair_of_any_size_and_the_baseline():
    image = np.random.default_rng(0).integers(0, 256, (21, 30, 3), np.uint8)
    pair = RESTORATION.pair(TINY, image)
    np.testing.assert_array_equal(pair["target"], image[:20, :28])
    np.testing.assert_array_equal(pair["input"], reduced(image[:20, :28], 4))
    assert RESTORATION.baseline(TINY, pair["input"][None]).shape == (1, 20, 28, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop": 30}, "multiples of the scale 4, found a crop of 30"),
        ({"crop": 68}, "found a crop of 68 of 64 pixels"),
        ({"resolution": 66}, "found a crop of 32 of 66 pixels"),
        ({"crop": 28}, "a crop of 31 pixels or more for the perceptual loss"),
        ({"channels": 1}, "by --channels 3, found 1 channels"),
        ({"width": 32}, "expected square images"),
    ],
)
def test_sizes_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        open_data(dataclasses.replace(TINY, **changes))
