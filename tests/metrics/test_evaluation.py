from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.metrics import frechet, prdc
from jgan.metrics.evaluation import evaluate, fingerprint, kept
from jgan.metrics.features import Features
from jgan.metrics.standard import classes_metric, frechet_metric, inception_score_metric, kernel_metric, prdc_metric
from jgan.sharding import data_mesh

SHAPE, SIZE = (4, 6, 3), 5


def features(name="linear-1", scale=1.0):
    """A linear map of the pixels, and the same values as logits."""
    matrix = jax.random.normal(jax.random.key(3), (np.prod(SHAPE), SIZE)) * 0.05

    def apply(params, images):
        values = (images.astype(jnp.float32) / 127.5 - 1.0).reshape(len(images), -1) @ params
        return {"features": values, "logits": values}

    return Features(name, apply, matrix * scale, {})


def source(count=50, seed=0, top=256, reads=None):
    images = np.random.default_rng(seed).integers(0, top, (count, *SHAPE)).astype(np.uint8)

    def read(i):
        if reads is not None:
            reads.append(i)
        return images[i]

    return SimpleNamespace(name="noise", shape=SHAPE, size=count, labels=None, read=read, images=images)


def sample(key, batch=16):
    return {"image": jax.random.uniform(key, (batch, *SHAPE), minval=-1.0, maxval=0.9)}


def numbers(metrics=None, n=40, key=7, **settings):
    metrics = [frechet_metric(), prdc_metric(k=3), kernel_metric(), classes_metric()] if metrics is None else metrics
    settings = {"features": features(), "real_n": 50, "batch": 16} | settings
    return evaluate(settings.pop("sample", sample), settings.pop("data", source()), metrics, n, jax.random.key(key), **settings)


def uint8(images):
    return np.clip(np.round((np.asarray(images) + 1) * 127.5), 0, 255)


def test_numbers_are_those_of_the_metrics_on_all_features_at_once():
    drawn = [sample(jax.random.fold_in(jax.random.key(7), i))["image"] for i in range(3)]
    network = features()
    real, fake = (
        np.asarray(network.apply(network.params, jnp.asarray(images))["features"])
        for images in (source().images, uint8(np.concatenate(drawn)[:40]))
    )
    found = numbers()
    assert found["frechet_distance"] == pytest.approx(frechet(real, fake), rel=1e-4)
    assert {name: found[name] for name in ("precision", "recall", "density", "coverage")} == pytest.approx(prdc(real, fake, 3)._asdict())
    assert found["classes"] == len(set(fake.argmax(axis=1)))
    assert sum(found[f"class_{i:02d}/share"] for i in range(SIZE)) == pytest.approx(1)


def test_one_key_gives_the_same_bits_and_another_key_other_ones():
    assert numbers() == numbers()
    assert numbers()["frechet_distance"] != numbers(key=8)["frechet_distance"]


@pytest.mark.parametrize("batch", [16, 12])  # one that divides over the devices, and one that does not
def test_devices_change_nothing(batch):
    alone, together = (numbers(mesh=mesh, batch=batch) for mesh in (None, data_mesh()))
    assert alone == pytest.approx(together, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("batch", [1, 7, 50])
def test_batches_change_nothing(batch):
    assert numbers(batch=batch) == pytest.approx(numbers(), rel=1e-5, abs=1e-8)


def test_generated_images_are_rounded_as_saving_them_would():
    def shifted(by):
        return numbers(sample=lambda key: {"image": jnp.round((sample(key)["image"] + 1) * 127.5) / 127.5 - 1 + by / 127.5})

    assert shifted(0.3) == shifted(0.0)
    assert shifted(0.7) != shifted(0.0)


def test_what_was_gathered_of_real_images_is_kept_and_found_again(tmp_path):
    first, reads = numbers(cache=tmp_path), []
    again = numbers(cache=tmp_path, data=source(reads=reads))
    assert first == again and len(reads) == 50  # those of the fingerprint
    assert numbers(cache=tmp_path, real_n=30)["frechet_distance"] != first["frechet_distance"]


@pytest.mark.parametrize(
    "change",
    [
        dict(data=source(seed=1)),
        dict(data=source(count=51)),
        dict(features=features("linear-2")),
        dict(n=49),
    ],
)
def test_a_fingerprint_is_of_data_features_and_count(change):
    plain = dict(data=source(), features=features(), n=50)
    assert fingerprint(**plain) == fingerprint(**plain) != fingerprint(**plain | change)


def test_labels_go_with_the_images():
    from jgan.metrics.evaluation import Metric

    def compare(real, fake):
        return {"labels": fake["label"].sum()}

    data = source()
    data.labels = np.arange(50, dtype=np.int32)
    metric = Metric("labels", kept("label"), compare, {})
    found = numbers([metric], n=20, data=data, sample=lambda key: sample(key) | {"label": jnp.ones((16,), jnp.int32)})
    assert found == {"labels": 20.0}


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (jnp.zeros((8, 4, 6, 1)), r"expected images of shape \(B, 4, 6, 3\), found \(8, 4, 6, 1\)"),
        (jnp.zeros((0, *SHAPE)), "expected images of shape"),
        (jnp.full((8, *SHAPE), jnp.nan), "NaN"),
    ],
)
def test_images_that_cannot_be_compared_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        numbers(sample=lambda key: {"image": images})


def test_images_of_another_range_are_warned_about():
    with pytest.warns(UserWarning, match="found values from 0 to 255, which are clipped"):
        numbers([frechet_metric()], sample=lambda key: {"image": jnp.linspace(0.0, 255.0, 16 * np.prod(SHAPE)).reshape(16, *SHAPE)})


def test_few_samples_are_warned_about():
    with pytest.warns(UserWarning, match="4 samples for 5 features"):
        numbers([frechet_metric()], n=4)


def test_the_inception_score_is_of_generated_images_alone():
    found, other = (numbers([inception_score_metric(splits=2)], data=data) for data in (source(), source(seed=1)))
    assert found == other and 1.0 <= found["inception_score"] <= SIZE
