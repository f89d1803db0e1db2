"""The comparison of images of captions, in miniature."""

import dataclasses

import jax
import numpy as np
import pytest
from experiments import gan_int_cls
from PIL import Image
from tests.systems.check import quick_classifiers
from tests.systems.test_gan_int_cls import TINY
from tests.systems.untrained import random_run

from jgan.data.captions import open_captions
from jgan.data.procedural import grammar
from jgan.data.vocabulary import decode
from jgan.evaluation import captions
from jgan.run.arms import Arm
from jgan.run.trained import load


def test_captions_of_the_picture_are_sentences_and_the_last_three_are_held_out():
    assert grammar.numbers_of(gan_int_cls.CAPTIONS).min() >= 0
    assert [grammar.says_held_out(text) for text in gan_int_cls.CAPTIONS] == [False] * 5 + [True] * 3


def test_arms_lack_one_part_each():
    full, *others = (dataclasses.asdict(arm.config) for arm in gan_int_cls.ARMS.values())
    assert [[name for name in full if full[name] != other[name]] for other in others] == [["wrong_captions"]]


def test_classes_are_the_captions_of_one_shape_that_are_trained_on():
    source = gan_int_cls.by_class(dataclasses.replace(gan_int_cls.BY_CLASS.config, resolution=16, limit=40))
    assert len(gan_int_cls.CLASSES) == 64 - len(grammar.HELD_OUT) and source.spec.classes == len(gan_int_cls.CLASSES)
    images = open_captions("shapes", resolution=16, channels=3, limit=40)
    texts = decode(images.columns["caption"], images.names["caption"])
    kept = [index for index, text in enumerate(texts) if text in gan_int_cls.CLASSES]
    assert [gan_int_cls.CLASSES[label] for label in source.columns["label"]] == [texts[index] for index in kept]
    assert 0 < source.size == len(kept) < 40 and source.read(1).keys() == source.fields.keys()
    np.testing.assert_array_equal(source.read(1)["image"], images.read(kept[1])["image"])
    assert gan_int_cls.one_shape(images).size >= source.size


def test_the_nearest_training_image_is_the_one_of_the_caption(tmp_path):
    """Of untrained encoders, which tell captions apart all the same."""
    trained = load(random_run(gan_int_cls.SYSTEM, TINY, tmp_path / "run"))
    source = trained.open_data()
    captions_of = decode(source.columns["caption"], source.names["caption"])
    first = [captions_of.index(text) for text in captions_of[:4]]
    found = gan_int_cls.nearest(trained, captions_of[:4])
    np.testing.assert_array_equal(found, [source.read(index)["image"] for index in first])
    (batch,) = gan_int_cls.answering(lambda texts: np.asarray([len(text) for text in texts]))(source, 3)
    assert len(batch["image"]) == 3 and batch["caption"].shape == (3, 11)


@pytest.mark.slow
def test_compare(tmp_path, monkeypatch):
    monkeypatch.setattr(captions, "UNSEEN", 40)
    monkeypatch.setattr(gan_int_cls, "SAMPLES", 16)
    tiny = {"record_kimg": 0.008, "score_kimg": 0.0, "devices": 1}
    changes = {"INT-CLS": {}, "without": {"wrong_captions": False, "between_weight": 0.0}}
    arms = {name: Arm(gan_int_cls.SYSTEM, dataclasses.replace(TINY, **tiny, **change)) for name, change in changes.items()}
    monkeypatch.setattr(gan_int_cls, "ARMS", arms)
    by_class = dataclasses.replace(
        gan_int_cls.BY_CLASS.config, resolution=16, channel_base=64, latent_size=8, style_size=8, limit=24, kimg=0.016, **tiny
    )
    monkeypatch.setattr(gan_int_cls, "BY_CLASS", gan_int_cls.BY_CLASS._replace(config=by_class))
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"):
        gan_int_cls.compare(gan_int_cls.SYSTEM, tmp_path)
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[0].startswith("| arm | exact | exact/one | exact/two | shuffled |") and len(lines) == 6
    assert np.asarray(Image.open(tmp_path / "picture.png")).ndim == 3
