import itertools
import json
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.run.stripes import source_of, stripes

from jgan.evaluation import score as scores
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.score import Snapshot, frechet_score, image_score
from jgan.types import Features


def drawing(images, batch=32, output="image", asked=None):
    """A snapshot of a generator that draws from stored images. What it is asked for is appended to `asked`."""

    def outputs(source, n, seed=0):
        if asked is not None:
            asked.append((source, n, seed))
        for number in range(-(-n // batch)):
            rows = np.random.default_rng((seed, number)).integers(0, len(images), batch)
            yield {output: jnp.asarray(images[rows], jnp.float32) / 127.5 - 1.0}

    return Snapshot(None, outputs)


def always(images):
    return Snapshot(None, lambda source, n, seed=0: itertools.repeat({"image": images}))


def distance(score, snapshot):
    return score.compute(snapshot)[score.criterion]


def train(source, folder, **settings):
    with jax.numpy_dtype_promotion("standard"):  # optax promotes implicitly
        return classifier_features(source, folder, **settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("score")


@pytest.fixture(scope="module")
def labelled():
    images, labels = stripes(200)
    return source_of(images, labels)


@pytest.fixture(scope="module")
def features(labelled, folder):
    return train(labelled, folder, steps=12, batch=32)


def test_score_is_repeatable_and_depends_on_images(labelled, features, folder):
    score = frechet_score(features, labelled, folder, samples=150, batch=64)
    good, again = (distance(score, drawing(stripes(200, seed=3)[0])) for _ in range(2))
    noise = np.random.default_rng(0).integers(0, 256, (200, 16, 16, 3), dtype=np.uint8)
    assert good == again
    assert distance(score, drawing(noise)) > 10 * good
    assert score.criterion == f"score/frechet_distance/{features.name}" and score.lower_is_better
    assert json.loads(json.dumps(score.protocol))["real_samples"] == 200


def test_the_criterion_and_what_is_watched_are_among_the_numbers(labelled, features, folder):
    score = frechet_score(features, labelled, folder, samples=150, batch=64)
    found = score.compute(drawing(stripes(200, seed=3)[0]))
    assert score.criterion in found and set(score.watched) <= set(found)
    assert found["variety/classes"] == 2 and 0.5 < found["variety/recall"] <= 1
    assert all(type(number) is float for number in found.values())


def test_exactly_so_many_samples_are_scored_whatever_the_batch(labelled, features, folder):
    images = stripes(150, seed=3)[0]

    def in_order(batch):
        parts = np.split(np.concatenate([images, images]), range(batch, 300, batch))
        return Snapshot(None, lambda source, n, seed=0: ({"image": jnp.asarray(part, jnp.float32) / 127.5 - 1.0} for part in parts))

    score = frechet_score(features, labelled, folder, samples=150, batch=64)
    assert distance(score, in_order(150)) == pytest.approx(distance(score, in_order(40)), rel=1e-3)


def test_every_evaluation_asks_for_the_same(labelled, features, folder):
    asked = []
    for _ in range(2):
        distance(frechet_score(features, labelled, folder, samples=150, batch=64, seed=9), drawing(labelled_images(), asked=asked))
    assert asked == [(labelled, 150, 9)] * 2


def labelled_images():
    return stripes(200)[0]


def test_conditions_and_outputs_by_name(labelled, features, folder):
    conditions, asked = source_of(stripes(30, seed=5)[0]), []
    score = frechet_score(features, labelled, folder, conditions=conditions, output="fake_b", samples=150, batch=64)
    found = distance(score, drawing(stripes(200, seed=3)[0], output="fake_b", asked=asked))
    plain = distance(frechet_score(features, labelled, folder, samples=150, batch=64), drawing(stripes(200, seed=3)[0]))
    assert found == plain and asked == [(conditions, 150, 0)]


def colours(protocol=None):
    """Mean colours as features, and logits by what is brighter."""

    def apply(params, images):
        features = images.astype(jnp.float32).mean((1, 2))
        return {"features": features * params, "logits": features[:, :2]}

    return Features("colours", apply, jnp.ones(()), protocol or {})


def test_the_features_are_compiled_once_for_all_scores_of_a_run(tmp_path):
    traced, network = [], colours()
    counted = network._replace(apply=lambda *given: (traced.append(1), network.apply(*given))[1])
    score = frechet_score(counted, source_of(stripes(20)[0]), tmp_path, samples=20, batch=20)
    for _ in range(3):
        score.compute(drawing(labelled_images(), batch=20))
    assert len(traced) == 2  # real images are uint8, generated ones are not


@pytest.mark.parametrize(
    ("samples", "protocol", "expected"),
    [
        (5, {}, set()),
        (20, {}, {"precision", "recall", "density", "coverage"}),
        (5, {"task": "labels"}, {"classes", "class_distance", "class_00/share", "class_01/share"}),
        (5, {"task": "rotations"}, set()),
    ],
)
def test_variety_is_told_as_far_as_it_can_be(tmp_path, samples, protocol, expected):
    score = frechet_score(colours(protocol), source_of(stripes(20)[0]), tmp_path, samples=samples)
    found = score.compute(drawing(labelled_images()))
    assert set(found) - {score.criterion} == {f"variety/{name}" for name in expected}


def test_the_score_of_images(tmp_path, monkeypatch):
    asked, used = [], []
    monkeypatch.setattr(scores, "classifier_features", lambda *given, most, batch: (used.append((*given, most)), colours())[1])
    source = source_of(stripes(20)[0])
    score = image_score(SimpleNamespace(score_samples=40, kimg=640), source, folder=tmp_path)
    assert score.criterion in score.compute(drawing(labelled_images(), asked=asked))
    assert used == [(source, tmp_path, 500)] and asked == [(source, 40, 0)]


def test_few_samples_are_warned_about(labelled, features, folder):
    score = frechet_score(features, labelled, folder, samples=100, batch=64)
    with pytest.warns(UserWarning, match="100 samples for 128 features"):
        distance(score, drawing(labelled_images()))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (jnp.zeros((32, 16, 16, 1)), r"expected images of shape \(B, 16, 16, 3\), found \(32, 16, 16, 1\)"),
        (jnp.zeros((0, 16, 16, 3)), "expected images of shape"),
        (jnp.full((32, 16, 16, 3), jnp.nan), "NaN"),
    ],
)
def test_images_that_cannot_be_scored_are_refused(labelled, features, folder, images, message):
    score = frechet_score(features, labelled, folder, samples=150, batch=64)
    with pytest.raises(ValueError, match=message):
        distance(score, always(images))


def test_a_snapshot_that_makes_too_few_is_refused(tmp_path):
    score = frechet_score(colours(), source_of(stripes(20)[0]), tmp_path, samples=50)
    short = Snapshot(None, lambda source, n, seed=0: [{"image": jnp.zeros((32, 16, 16, 3))}])
    with pytest.raises(ValueError, match="expected 50 generated images, found 32"):
        score.compute(short)
