"""Images of any size, and masks that do not fit them, through an inpainter."""

import numpy as np
import pytest
from PIL import Image
from tests.systems.untrained import random_run

from jgan.run.main import main
from jgan.systems.inpainting import SYSTEM, Config

CONFIG = Config(resolution=16, batch=2, features=2, levels=1, dilations=(2,), discriminator_features=2, discriminator_layers=2, limit=8)


def picture(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def mask(*shape, hole=slice(3, 7)):
    result = np.zeros(shape, np.uint8)
    result[hole, hole] = 255
    return result


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, lossless=True)
    return str(path)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return str(random_run(SYSTEM, CONFIG, tmp_path_factory.mktemp("inpaint") / "run", scale=0.3))


def test_folders(run, tmp_path, capsys):
    images = {"a.png": picture(20, 13, 3), "more/b.webp": picture(9, 30, 3, seed=1)}
    for name, image in images.items():
        save(tmp_path / "images" / name, image)
        save((tmp_path / "masks" / name).with_suffix(".png"), mask(*image.shape[:2]))
    out = tmp_path / "out"
    main(SYSTEM, ["inpaint", run, str(tmp_path / "images"), str(tmp_path / "masks"), str(out)])
    assert capsys.readouterr().out.endswith(f"{out}\n")
    for name, image in images.items():
        found = np.asarray(Image.open((out / name).with_suffix(".png")))
        hole = mask(*image.shape[:2]) > 0
        np.testing.assert_array_equal(found[~hole], image[~hole])
        assert (found[hole] != image[hole]).mean() > 0.9


def test_one_image_and_one_mask_of_another_name(run, tmp_path):
    image, hole = save(tmp_path / "photo.png", picture(16, 16, 3)), save(tmp_path / "hole.png", mask(16, 16))
    main(SYSTEM, ["inpaint", run, image, hole, str(tmp_path / "out")])
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["photo.png"]


@pytest.mark.parametrize(
    ("image", "hole", "message"),
    [
        (picture(16, 16, 3), mask(16, 20), "expected a mask of the size of the image, found 16 x 16 of"),
        (picture(16, 16, 3), mask(16, 16, hole=slice(0, 0)), "found no hole in"),
        (picture(16, 16, 3), mask(16, 16, hole=slice(0, 16)), "found nothing but hole in"),
        (picture(16, 16), mask(16, 16), "expected an image of three channels of colour, found"),
        (picture(16, 16, 4), mask(16, 16), "of colour and alpha; convert it"),
        (picture(3, 16, 3), mask(3, 16, hole=slice(0, 2)), "expected images of at least 4 x 4 pixels, found 3 x 16"),
        (picture(300, 300, 3)[:, :1].repeat(1400, axis=1), mask(300, 1400), "expected at most 16384 patches"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(run, tmp_path, capsys, image, hole, message):
    """A good pair comes first: it is not computed either."""
    for name, pair in {"a": (picture(16, 16, 3), mask(16, 16)), "b": (image, hole)}.items():
        save(tmp_path / "images" / f"{name}.png", pair[0])
        save(tmp_path / "masks" / f"{name}.png", pair[1])
    with pytest.raises(SystemExit) as stopped:
        main(SYSTEM, ["inpaint", run, str(tmp_path / "images"), str(tmp_path / "masks"), str(tmp_path / "out")])
    assert stopped.value.code == 2 and message in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "out").exists()


def test_names_that_do_not_match(run, tmp_path, capsys):
    for name in ("a", "b"):
        save(tmp_path / "images" / f"{name}.png", picture(16, 16, 3))
    for name in ("a", "c"):
        save(tmp_path / "masks" / f"{name}.png", mask(16, 16))
    with pytest.raises(SystemExit):
        main(SYSTEM, ["inpaint", run, str(tmp_path / "images"), str(tmp_path / "masks"), str(tmp_path / "out")])
    assert "found the image b.png without mask" in capsys.readouterr().err
