"""Attributes put on and taken off, from the command line."""

import re

import numpy as np
import pytest
from PIL import Image
from tests.systems.untrained import random_run

from jgan.run.main import main
from jgan.run.trained import load
from jgan.systems.stargan import SYSTEM, Config

CONFIG = Config(attributes=("glasses", "hat", "smile"), resolution=16, batch=2, features=2, blocks=1, layers=3, limit=8)
PICTURE = np.random.default_rng(0).integers(0, 256, (20, 13, 3), np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return random_run(SYSTEM, CONFIG, tmp_path_factory.mktemp("edit") / "run", scale=0.3)


@pytest.fixture
def album(tmp_path):
    (tmp_path / "album" / "more").mkdir(parents=True)
    Image.fromarray(PICTURE).save(tmp_path / "album" / "a.png")
    Image.fromarray(PICTURE[:16]).save(tmp_path / "album" / "more" / "b.jpg")
    return tmp_path / "album"


def edit(run, images, *options):
    main(SYSTEM, ["edit", str(run), str(images), str(images.parent / "out"), *options])


def test_a_folder_in_and_a_folder_out(run, album, tmp_path):
    edit(run, album, "--remove", "glasses", "--add", "hat", "smile")
    found = {p.relative_to(tmp_path / "out").as_posix(): np.asarray(Image.open(p)) for p in (tmp_path / "out").rglob("*.png")}
    assert {name: image.shape for name, image in found.items()} == {"a.png": (20, 13, 3), "more/b.png": (16, 13, 3)}
    np.testing.assert_array_equal(found["a.png"], load(run)(image=PICTURE, change=np.asarray([-1, 1, 1], np.float32)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--remove", "beard"), "attributes that the run has learned, glasses, hat, smile, found beard"),
        (("--remove", "hat", "--add", "hat"), "either to add or to remove, found hat in both; leave one out"),
        ((), "an attribute to add or to remove, found none; give --add or --remove and some of glasses, hat, smile"),
    ],
)
def test_options_that_cannot_be_meant(run, album, options, message, capsys):
    with pytest.raises(SystemExit):
        edit(run, album, *options)
    assert message in capsys.readouterr().err and not (album.parent / "out").exists()


@pytest.mark.parametrize(
    ("picture", "message"),
    [(PICTURE[..., 0], "images in colour, as the run was trained on, found .*grey.png in grey"), (PICTURE[:5], "8 x 8 pixels or more")],
)
def test_images_that_are_refused_before_any_is_edited(run, album, picture, message, capsys):
    Image.fromarray(picture).save(album / "more" / "grey.png")
    with pytest.raises(SystemExit):
        edit(run, album, "--add", "hat")
    assert not (album.parent / "out").exists()
    assert re.search(message, capsys.readouterr().err)
