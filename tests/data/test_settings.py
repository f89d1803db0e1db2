import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jgan.data.settings import ImageSettings, TextSettings, absolute, open_images, open_sentences, size_of

SMALL = ImageSettings(resolution=16, limit=10)


@pytest.mark.parametrize(("width", "size"), [(None, (16, 16)), (24, (16, 24))])
def test_sizes(width, size):
    config = dataclasses.replace(SMALL, width=width)
    assert size_of(config) == size and open_images(config).spec.shape("image") == (*size, 3)


def test_the_limit_holds_for_what_is_trained_on():
    assert open_images(SMALL).size == open_images(SMALL, "train").size == 10
    assert open_images(SMALL, "test").size == 2048
    assert open_images(dataclasses.replace(SMALL, split="test")).size == 10


def test_sentences(tmp_path):
    (tmp_path / "few.txt").write_text("ab\nabc\nb\n")
    config = TextSettings(data=str(tmp_path / "few.txt"), unit="characters", limit=2, length=4)
    assert open_sentences(config).size == 2 and open_sentences(config).fields["tokens"].shape == (5,)
    assert open_sentences(TextSettings(limit=3), "test").size == 2048
    assert open_sentences(dataclasses.replace(config, min_count=2)).names["tokens"] == ("<end>", "<unknown>", "a", "b")


@pytest.mark.parametrize(("labels", "fields"), [(None, ["image", "label"]), (True, ["image", "label"]), (False, ["image"])])
def test_labels(labels, fields):
    assert list(open_images(SMALL, labels=labels).fields) == fields


def test_channels_are_those_of_the_data_or_as_wanted():
    assert open_images(dataclasses.replace(SMALL, channels=1)).spec.shape("image") == (16, 16, 1)


def test_settings_are_given_by_name():
    with pytest.raises(TypeError):
        ImageSettings("shapes")


def test_what_files_may_be_is_passed_on(tmp_path):
    Image.fromarray(np.full((16, 16), 4095, np.uint16)).save(tmp_path / "0.png")
    config = dataclasses.replace(SMALL, data=str(tmp_path), bit_depth=12)
    assert open_images(config).read(0)["image"].min() == 255
    with pytest.raises(ValueError, match="--max-unpacked"):
        open_images(dataclasses.replace(config, max_unpacked=100))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("shapes", "shapes"),  # though there is a folder of this name
        ("animals", "animals"),
        ("turned", "turned"),
        ("tfds:mnist", "tfds:mnist"),
        ("pairs:shapes", "pairs:shapes"),
        ("pairs:tfds:facades", "pairs:tfds:facades"),
        ("nowhere", "nowhere"),
        ("my photos", "HERE/my photos"),
        ("my photos/../my photos", "HERE/my photos"),
        ("pairs:my photos", "pairs:HERE/my photos"),
        ("set.zip/trainA", "HERE/set.zip/trainA"),
        ("~/photos", "HERE/home/photos"),
        ("link", "HERE/link"),
        ("/", "/"),
        ("", ""),
        ("pairs:", "pairs:"),
    ],
)
def test_paths_are_made_absolute_and_names_stay(tmp_path, monkeypatch, spec, expected):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for folder in ("shapes", "animals", "turned", "my photos", "home/photos"):
        Path(folder).mkdir(parents=True)
    Path("set.zip").touch()
    Path("link").symlink_to("my photos")
    assert absolute(spec, "turned") == expected.replace("HERE", str(tmp_path))
