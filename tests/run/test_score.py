import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.run.stripes import source_of, stripes

from jgan.run.features import classifier_features
from jgan.run.score import frechet_score


def sampler(images, batch=32):
    """A generator that draws from stored images."""
    return lambda key: jnp.asarray(images[np.asarray(jax.random.randint(key, (batch,), 0, len(images)))], jnp.float32) / 127.5 - 1.0


def distance(score, sample):
    return score.compute(sample)[score.name]


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
    good, again = (distance(score, sampler(stripes(200, seed=3)[0])) for _ in range(2))
    noise = np.random.default_rng(0).integers(0, 256, (200, 16, 16, 3), dtype=np.uint8)
    assert good == again
    assert distance(score, sampler(noise)) > 10 * good
    assert score.name == f"score/frechet_distance/{features.name}"
    assert json.loads(json.dumps(score.protocol))["real_samples"] == 200


def test_exactly_so_many_samples_are_scored_whatever_the_batch(labelled, features, folder):
    images = stripes(150, seed=3)[0]

    def in_order(batch):
        parts = iter(np.split(np.concatenate([images, images]), range(batch, 300, batch)))
        return lambda key: jnp.asarray(next(parts), jnp.float32) / 127.5 - 1.0

    score = frechet_score(features, labelled, folder, samples=150, batch=64)
    assert distance(score, in_order(150)) == pytest.approx(distance(score, in_order(40)), rel=1e-3)


def test_every_batch_has_latents_of_its_own_and_every_evaluation_the_same(labelled, features, folder):
    keys, draw = [], sampler(stripes(200, seed=3)[0])
    score = frechet_score(features, labelled, folder, samples=150, batch=64)
    for _ in range(2):
        distance(score, lambda key: (keys.append(jax.random.key_data(key).tobytes()), draw(key))[1])
    assert len(keys) == 10 and len(set(keys)) == 5 and keys[:5] == keys[5:]


def test_few_samples_are_warned_about(labelled, features, folder):
    score = frechet_score(features, labelled, folder, samples=100, batch=64)
    with pytest.warns(UserWarning, match="100 samples for 128 features"):
        distance(score, sampler(stripes(200)[0]))


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
        distance(score, lambda key: images)
