"""What DAGAN adds to a classifier, in miniature."""

import dataclasses
import json

import jax
import numpy as np
import pytest
from experiments import dagan
from PIL import Image
from tests.systems.test_dagan import TINY
from tests.systems.untrained import random_run

from jgan.run.trained import load
from jgan.systems.dagan import open_letters

SEEN = dataclasses.replace(TINY, limit=160)


def test_parts_share_no_image_and_have_all_classes():
    source = open_letters(SEEN, "test")
    parts = dagan.parts_of(source)
    sizes = [np.bincount(part["label"]) for part in parts]
    assert sum(map(sum, sizes)) == source.size and all(len(size) == 2 and size.all() for size in sizes)
    assert (sizes[0] >= sizes[2]).all() and (sizes[2] > sizes[1]).all()
    pixels = [{image.tobytes() for image in part["image"]} for part in parts]
    assert not pixels[0] & pixels[1] and not pixels[0] & pixels[2] and not pixels[1] & pixels[2]


def test_what_is_made_of_a_subset():
    made = np.arange(3 * 2).reshape(3, 2, 1, 1, 1)
    pool = dagan.pool_of(made, np.asarray([7, 8, 9]), np.asarray([[0, 2], [1, 2]]))
    assert pool["image"].reshape(2, 4).tolist() == [[0, 1, 4, 5], [2, 3, 4, 5]]
    assert pool["label"].tolist() == [[7, 7, 9, 9], [8, 8, 9, 9]]


@pytest.fixture
def run(tmp_path):
    return random_run(dagan.SYSTEM, SEEN, tmp_path / "run")


def test_variants_are_of_their_images(run):
    trained = load(run)
    images = open_letters(SEEN, "test").read(0)["image"][None].repeat(2, axis=0)
    images[1] = 255 - images[1]
    found = dagan.variants(trained, images, 3)
    assert found.shape == (2, 3, 16, 16, 1)
    np.testing.assert_allclose(found[1, 2], trained([5], input=images[1:])[0], atol=1)


@pytest.mark.slow
def test_the_table_and_the_picture(run, tmp_path):
    with jax.numpy_dtype_promotion("standard"):
        dagan.few(dagan.SYSTEM, run, per_class=2, subsets=2, seeds=1, made=2, steps=2)
    numbers = json.loads((run / "few.json").read_text())
    assert {"none", "classic", "classic + mixup", "classic + DAGAN", "protocol"} == numbers.keys()
    assert np.shape(numbers["classic + DAGAN"]["test"]) == (2, 1)
    dagan.picture(dagan.SYSTEM, run, count=2, made=3, out=tmp_path / "letters.png")
    with Image.open(tmp_path / "letters.png") as drawn:
        assert drawn.height > 2 * 16
