"""Images of any size through a translator that only takes some."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jgan.run.export import load_exported
from jgan.run.translation import Translator, commands, read_images, take
from jgan.run.translation import translate as translate_command
from jgan.types import Network


def negate(params, state, images, key=None, train=False):
    """The negative; it refuses sides that are no multiples of 8, and adds noise if asked to."""
    assert images.shape[1] % 8 == images.shape[2] % 8 == 0 and min(images.shape[1:3]) >= 16
    noise = 0.0 if key is None else params["noise"] * jax.random.normal(key, images.shape)
    return -images + noise, state


def translator(noise=0.0):
    return Translator(Network(None, negate), {"noise": jnp.float32(noise)}, {}, (16, 16, 3), multiple=8, smallest=16)


def picture(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("size", [(16, 16), (17, 40), (1, 5)])
def test_any_size(size):
    images = picture(3, *size, 3)
    np.testing.assert_array_equal(translator()(images, batch=2), 255 - images)


def test_one_image_alone():
    image = picture(16, 9, 3)
    np.testing.assert_array_equal(translator()(image), 255 - image)


def test_noise_by_seed():
    image = picture(16, 16, 3)
    one, again, other = (translator(0.5)(image, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).mean() > 0.5


@pytest.mark.parametrize("images", [np.zeros((4, 4, 1), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8)])
def test_other_images_are_refused(images):
    with pytest.raises(ValueError, match=r"expected uint8 images \[N, H, W, 3\] or one of them"):
        translator()(images)


@pytest.fixture
def album(tmp_path):
    """Images of several sizes and kinds, one of them damaged, in folders."""
    folder = tmp_path / "album"
    (folder / "more").mkdir(parents=True)
    Image.fromarray(picture(20, 12, 3)).save(folder / "a.png")
    Image.fromarray(picture(9, 30)).save(folder / "more" / "grey.png")
    Image.fromarray(picture(8, 8, 3)).save(folder / "more" / "photo.jpg")
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes()[:-80])
    return folder


def test_a_folder_in_and_a_folder_out(album, tmp_path, capsys):
    asked = []

    def load(*arguments):
        asked.append(arguments)
        return translator()

    translate_command(load, "run", album, tmp_path / "out", direction="backward", step=3)
    assert asked == [("run", 3, "backward")]
    found = {p.relative_to(tmp_path / "out").as_posix(): np.asarray(Image.open(p)) for p in (tmp_path / "out").rglob("*.png")}
    assert {name: image.shape for name, image in found.items()} == {
        "a.png": (20, 12, 3),
        "more/grey.png": (9, 30, 3),
        "more/photo.png": (8, 8, 3),
    }
    np.testing.assert_array_equal(found["a.png"], 255 - picture(20, 12, 3))
    printed = capsys.readouterr().out
    assert "b.png was left out: damaged" in printed and printed.endswith(f"{tmp_path / 'out'}\n")


def test_one_image(album):
    ((name, image),) = read_images(album / "a.png", 1)
    assert name == "a.png" and image.shape == (20, 12, 1)


def test_export(tmp_path):
    found = commands(lambda *_: translator(), None)
    found["export"]("run", height=24, out=tmp_path / "x.jaxexp")
    images = np.random.default_rng(0).uniform(-1, 1, (3, 24, 16, 3)).astype(np.float32)
    np.testing.assert_allclose(load_exported(tmp_path / "x.jaxexp")(images), -images, rtol=1e-6)
    with pytest.raises(ValueError, match="16 pixels or more that are multiples of 8, found 20"):
        found["export"]("run", height=20, out=tmp_path / "x.jaxexp")


def test_images_evenly_spread():
    class Numbers:
        size = 10

        @staticmethod
        def read(index):
            return np.full((1, 1, 1), index, np.uint8)

    assert take(Numbers, 4).ravel().tolist() == [0, 2, 5, 7] and len(take(Numbers, 99)) == 10
