"""Images of any size and kind through a translator."""

import dataclasses
import os

import numpy as np
import pytest
from PIL import Image
from tests.systems.untrained import random_run

from jgan.commands.translate import read_images
from jgan.data.reading import Reading
from jgan.run.main import main
from jgan.run.trained import load
from jgan.systems.cyclegan import SYSTEM, Config

CONFIG = Config(resolution=16, jitter=0, batch=2, features=2, blocks=1, patch_layers=2, pool=3, limit=8)


def picture(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return random_run(SYSTEM, CONFIG, tmp_path_factory.mktemp("translate") / "run", scale=0.3)


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


def test_a_folder_in_and_a_folder_out(run, album, tmp_path, capsys):
    main(SYSTEM, ["translate", str(run), str(album), str(tmp_path / "out"), "--direction", "backward"])
    found = {p.relative_to(tmp_path / "out").as_posix(): np.asarray(Image.open(p)) for p in (tmp_path / "out").rglob("*.png")}
    assert {name: image.shape for name, image in found.items()} == {
        "a.png": (20, 12, 3),
        "more/grey.png": (9, 30, 3),
        "more/photo.png": (8, 8, 3),
    }
    np.testing.assert_array_equal(found["a.png"], load(run)(target=picture(20, 12, 3), noise=0))
    printed = capsys.readouterr().out
    assert "b.png was left out: damaged" in printed and printed.endswith(f"{tmp_path / 'out'}\n")


def test_one_image(album):
    ((name, image),) = read_images(album / "a.png", 1)
    assert name == "a.png" and image.shape == (20, 12, 1)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n damaged", None])
def test_one_damaged_image_is_named(tmp_path, content):
    os.mkfifo(tmp_path / "a.png") if content is None else (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.png"):
        list(read_images(tmp_path / "a.png", 3))


def test_images_that_differ_in_their_endings_alone(tmp_path):
    for name, size in (("photo.jpg", (40, 30)), ("photo.png", (50, 20)), ("photo.webp", (20, 20))):
        Image.new("RGB", size, "red").save(tmp_path / name)
    found = {name: image.shape[1::-1] for name, image in read_images(tmp_path, 3)}
    assert found == {"photo.jpg.png": (40, 30), "photo.png.png": (50, 20), "photo.webp.png": (20, 20)}


def test_greys_are_read_as_those_of_the_training(tmp_path):
    Image.fromarray(np.full((8, 8), 4095, np.uint16)).save(tmp_path / "0.png")
    for path in (tmp_path, tmp_path / "0.png"):
        assert [image.max() for _, image in read_images(path, 1, reading=Reading(bit_depth=12))] == [255]


@pytest.mark.parametrize("images", [np.zeros((4, 4, 1), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((1, 4, 4, 3), np.int32)])
def test_other_images_are_refused(run, images):
    with pytest.raises(ValueError, match="expected input as"):
        load(run)(input=images)


def test_mistakes_are_one_line(run, album, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(SYSTEM, ["translate", str(run), str(album), str(tmp_path / "out"), "--direction", "sideways"])
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and "expected a direction of cyclegan, forward, backward, found 'sideways'" in error
    with pytest.raises(SystemExit):
        main(
            SYSTEM,
            ["evaluate_pairs", str(random_run(SYSTEM, dataclasses.replace(CONFIG, data="pairs:shapes"), tmp_path / "x")), "--split", "no"],
        )
    assert "no split 'no'" in capsys.readouterr().err
