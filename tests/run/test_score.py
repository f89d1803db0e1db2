import gzip
import json
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.run.score import classifier_features, frechet_score

FASHION = Path(__file__).parents[2] / ".." / "shared" / "data" / "fashion_mnist"


def source_of(images, labels=None, name="folder/stripes.zip"):
    return SimpleNamespace(name=name, shape=images.shape[1:], size=len(images), read=lambda i: images[i], labels=labels)


def stripes(count, height=16, width=16, seed=0):
    """Images brighter to one side, 0 for the left and 1 for the top: classes and quarter turns that are easily told apart."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, count).astype(np.int32)
    ramps = np.stack([np.tile(np.linspace(200, 0, width), (height, 1)), np.tile(np.linspace(200, 0, height)[:, None], (1, width))])
    images = ramps[labels][..., None] + generator.uniform(0, 55, (count, height, width, 3))
    return images.astype(np.uint8), labels


def sampler(images, batch=32):
    """A generator that draws from stored images."""
    return lambda key: jnp.asarray(images[np.asarray(jax.random.randint(key, (batch,), 0, len(images)))], jnp.float32) / 127.5 - 1.0


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


def test_features_are_trained_once_and_named_by_their_weights(labelled, features, folder, monkeypatch, capsys):
    assert features.protocol["held_out_accuracy"] > 0.9
    assert features.name.startswith("classifier-stripes-16px-")
    monkeypatch.setattr("jgan.run.score._train", lambda *args, **settings: pytest.fail("trained again"))
    again = classifier_features(labelled, folder, steps=12, batch=32)
    assert again.name == features.name and again.protocol == features.protocol
    jax.tree.map(np.testing.assert_array_equal, again.params, features.params)
    assert "of held-out labels right (chance 50.0%)" in capsys.readouterr().out


@pytest.mark.parametrize("change", ["seed", "image", "labels"])
def test_other_settings_or_data_are_another_training(labelled, folder, features, monkeypatch, change):
    images, labels = stripes(200, seed=1 if change == "image" else 0)
    source = source_of(images, labels if change != "labels" else 1 - labels)
    monkeypatch.setattr("jgan.run.score._train", lambda *args, **settings: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        classifier_features(source, folder, steps=12, batch=32, seed=1 if change == "seed" else 0)


@pytest.mark.parametrize("labels", [None, "one class"])
def test_without_labels_to_tell_apart_rotations_are_learnt(tmp_path, labels):
    images, _ = stripes(160, height=16, width=20)
    images[:, :8] //= 4  # upright images are dark above
    features = train(source_of(images, labels and np.zeros(160, np.int32)), tmp_path, steps=20, batch=32)
    assert features.protocol["task"] == "rotations" and features.protocol["classes"] == 4
    assert features.protocol["held_out_accuracy"] > 0.9
    assert "16x20px" in features.name


def test_features_that_only_guess_are_warned_about(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (400, 16, 16, 3), dtype=np.uint8)
    with pytest.warns(UserWarning, match="close to guessing rotations"):
        train(source_of(noise), tmp_path, steps=2, batch=32)


def test_score_is_repeatable_and_depends_on_images(labelled, features, folder):
    score = frechet_score(features, labelled, folder, samples=150, batch=64)
    good, again = (score.compute(sampler(stripes(200, seed=3)[0])) for _ in range(2))
    noise = np.random.default_rng(0).integers(0, 256, (200, 16, 16, 3), dtype=np.uint8)
    assert good == again
    assert score.compute(sampler(noise)) > 10 * good
    assert score.name == f"frechet_distance/{features.name}"
    assert json.loads(json.dumps(score.protocol))["real_samples"] == 200


def test_exactly_so_many_samples_are_scored_whatever_the_batch(labelled, features, folder):
    images = stripes(150, seed=3)[0]

    def in_order(batch):
        parts = iter(np.split(np.concatenate([images, images]), range(batch, 300, batch)))
        return lambda key: jnp.asarray(next(parts), jnp.float32) / 127.5 - 1.0

    score = frechet_score(features, labelled, folder, samples=150, batch=64)
    assert score.compute(in_order(150)) == pytest.approx(score.compute(in_order(40)), rel=1e-3)


def test_every_batch_has_latents_of_its_own_and_every_evaluation_the_same(labelled, features, folder):
    keys, draw = [], sampler(stripes(200, seed=3)[0])
    score = frechet_score(features, labelled, folder, samples=150, batch=64)
    for _ in range(2):
        score.compute(lambda key: (keys.append(jax.random.key_data(key).tobytes()), draw(key))[1])
    assert len(keys) == 10 and len(set(keys)) == 5 and keys[:5] == keys[5:]


def test_moments_of_real_images_are_kept(labelled, features, folder):
    first = frechet_score(features, labelled, folder, samples=150, real_samples=180, batch=64)
    identifying = set(np.linspace(0, 199, 64).astype(int).tolist())
    unreadable = SimpleNamespace(**{**vars(labelled), "read": lambda i: labelled.read(i) if i in identifying else 1 / 0})
    second = frechet_score(features, unreadable, folder, samples=150, real_samples=180, batch=64)
    fakes = sampler(stripes(200, seed=3)[0])
    assert first.compute(fakes) == second.compute(fakes)
    with pytest.raises(ZeroDivisionError):
        frechet_score(features, unreadable, folder, samples=150, real_samples=170, batch=64)


def test_generated_images_are_rounded_as_saving_them_would(labelled, features, folder):
    score = frechet_score(features, labelled, folder, samples=150, batch=64)
    draw = sampler(stripes(200, seed=3)[0])
    assert score.compute(draw) == score.compute(lambda key: draw(key) + 0.3 / 127.5)
    assert score.compute(draw) != score.compute(lambda key: draw(key) + 0.7 / 127.5)


def test_few_samples_are_warned_about(labelled, features, folder):
    score = frechet_score(features, labelled, folder, samples=100, batch=64)
    with pytest.warns(UserWarning, match="100 samples for 128 features"):
        score.compute(sampler(stripes(200)[0]))


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
        score.compute(lambda key: images)


@pytest.mark.parametrize(("count", "batch"), [(9, 32), (20, 30)])
def test_too_few_images_or_an_odd_batch_are_refused(tmp_path, count, batch):
    with pytest.raises(ValueError, match=f"found {count} and {batch}"):
        classifier_features(source_of(*stripes(count)), tmp_path, batch=batch)


@pytest.fixture(scope="module")
def fashion():
    if not FASHION.exists():
        pytest.skip(f"Fashion-MNIST is not at {FASHION}")
    images = np.frombuffer(gzip.decompress((FASHION / "t10k-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress((FASHION / "t10k-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    return images.reshape(-1, 28, 28, 1), labels.astype(np.int32)


def test_unseen_photographs_are_near_and_spoilt_ones_far(fashion, tmp_path):
    images, labels = fashion
    seen, unseen = images[:3000], images[8000:]
    source = source_of(seen, labels[:3000], name="fashion_mnist")
    score = frechet_score(train(source, tmp_path, steps=60, batch=32), source, tmp_path, samples=1000)
    near = score.compute(sampler(unseen))
    blurred = np.mean([np.roll(unseen, (i, j), axis=(1, 2)) for i in (-1, 0, 1) for j in (-1, 0, 1)], axis=0)
    noise = np.random.default_rng(0).integers(0, 256, unseen.shape, dtype=np.uint8)
    assert score.compute(sampler(blurred)) > 3 * near
    assert score.compute(sampler(noise)) > 10 * near
    assert score.compute(sampler(unseen[labels[8000:] == 0])) > 10 * near
