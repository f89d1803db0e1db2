import itertools
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.data.sources import numbers as numbered
from tests.data.sources import source_of

from jgan.evaluation.gather import Metric, check_range, data_hash, evaluate, fingerprint, kept
from jgan.evaluation.named import classes_metric, frechet_metric, inception_score_metric, kernel_metric, prdc_metric
from jgan.metrics import frechet, prdc
from jgan.sharding import data_mesh
from jgan.types import Features

SHAPE, SIZE = (4, 6, 3), 5


def features(name="linear-1", scale=1.0):
    """A linear map of the pixels, and the same values as logits."""
    matrix = jax.random.normal(jax.random.key(3), (np.prod(SHAPE), SIZE)) * 0.05

    def apply(params, images):
        values = (images.astype(jnp.float32) / 127.5 - 1.0).reshape(len(images), -1) @ params
        return {"features": values, "logits": values}

    return Features(name, apply, matrix * scale, {})


def noise(count=50, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *SHAPE)).astype(np.uint8)


def source(count=50, seed=0, **settings):
    return source_of({"image": noise(count, seed)}, **settings)


def sample(key, batch=16):
    return {"image": jax.random.uniform(key, (batch, *SHAPE), minval=-1.0, maxval=0.9)}


def generated(key=7, draw=sample):
    """Endless batches."""
    for number in itertools.count():
        yield draw(jax.random.fold_in(jax.random.key(key), number))


def numbers(metrics=None, n=40, key=7, draw=sample, **settings):
    metrics = [frechet_metric(), prdc_metric(k=3), kernel_metric(), classes_metric()] if metrics is None else metrics
    settings = {"features": features(), "real_n": 50, "batch": 16} | settings
    return evaluate(settings.pop("generated", generated(key, draw)), settings.pop("source", source()), metrics, n, **settings)


def uint8(images):
    return np.clip(np.round((np.asarray(images) + 1) * 127.5), 0, 255)


def test_numbers_are_those_of_the_metrics_on_all_features_at_once():
    drawn = [sample(jax.random.fold_in(jax.random.key(7), i))["image"] for i in range(3)]
    network = features()
    real, fake = (
        np.asarray(network.apply(network.params, jnp.asarray(images))["features"])
        for images in (noise(), uint8(np.concatenate(drawn)[:40]))
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
        return numbers(draw=lambda key: {"image": jnp.round((sample(key)["image"] + 1) * 127.5) / 127.5 - 1 + by / 127.5})

    assert shifted(0.3) == shifted(0.0)
    assert shifted(0.7) != shifted(0.0)


def test_what_was_gathered_of_real_images_is_kept_and_found_again(tmp_path):
    first, reads = numbers(cache=tmp_path), []
    again = numbers(cache=tmp_path, source=source(reads=reads))
    assert first == again and len(reads) == 50  # those of the fingerprint
    assert numbers(cache=tmp_path, real_n=30)["frechet_distance"] != first["frechet_distance"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", None], ids=["empty", "cut", "claims much"])
def test_what_was_gathered_and_is_damaged_is_gathered_anew(tmp_path, content):
    first = numbers(cache=tmp_path)
    for path in tmp_path.glob("*.npz"):
        if content is None:
            header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }\n"
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("features.npy", b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header)
        else:
            path.write_bytes(content)
    with pytest.warns(UserWarning, match=r"gathered of the real images is gathered anew: .*real-.*\.npz is not a readable"):
        assert numbers(cache=tmp_path) == first
    assert numbers(cache=tmp_path) == first  # without a warning


def test_what_cannot_be_kept_is_used(tmp_path):
    (tmp_path / "file").write_text("where a folder should be")
    with pytest.warns(UserWarning, match="gathered of the real images is not kept: .*file"):
        assert numbers(cache=tmp_path / "file") == numbers()


@pytest.mark.parametrize(
    "change",
    [
        dict(source=source(seed=1)),
        dict(source=source(count=51)),
        dict(features=features("linear-2")),
        dict(n=49),
    ],
)
def test_a_fingerprint_is_of_data_features_and_count(change):
    plain = dict(source=source(), features=features(), n=50)
    assert fingerprint(**plain) == fingerprint(**plain) != fingerprint(**plain | change)


def test_labels_go_with_the_images():
    def compare(real, fake):
        return {"labels": fake["label"].sum(), "real": real["label"].sum()}

    data = source_of({"image": noise(), "label": np.arange(50, dtype=np.int32)}, ("label",))
    metric = Metric("labels", kept("label"), compare, {})
    found = numbers([metric], n=20, source=data, draw=lambda key: sample(key) | {"label": jnp.ones((16,), jnp.int32)})
    assert found == {"labels": 20.0, "real": 49 * 25.0}


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
        numbers(draw=lambda key: {"image": images})


def test_images_of_another_range_are_warned_about():
    with pytest.warns(UserWarning, match="found values from 0 to 255, which are clipped"):
        numbers([frechet_metric()], draw=lambda key: {"image": jnp.linspace(0.0, 255.0, 16 * np.prod(SHAPE)).reshape(16, *SHAPE)})


def test_few_samples_are_warned_about():
    with pytest.warns(UserWarning, match="4 samples for 5 features"):
        numbers([frechet_metric()], n=4)


@pytest.mark.parametrize("batches", [0, 2])
def test_too_few_generated_images_are_refused(batches):
    with pytest.raises(ValueError, match=f"expected 40 generated images, found {16 * batches}"):
        numbers(generated=itertools.islice(generated(), batches))


def test_no_more_is_generated_than_is_needed():
    batches = generated()
    numbers([frechet_metric()], n=40, generated=batches)
    np.testing.assert_array_equal(next(batches)["image"], next(itertools.islice(generated(), 3, None))["image"])


@pytest.mark.parametrize("library", [np, jnp])
def test_uint8_images_are_always_in_range(library):
    check_range(library.full((2, *SHAPE), 255, np.uint8))
    with pytest.raises(ValueError, match="NaN"):
        check_range(library.full((2, *SHAPE), np.inf, np.float32))


def test_the_hash_of_data_is_of_all_fields():
    fields = numbered(10)
    changed = [fields | {name: np.roll(values, 1, axis=0)} for name, values in fields.items()]
    sets = [fields, *changed, {name: values[:9] for name, values in fields.items()}, {"image": fields["image"]}]
    sets += [fields | {"audio": fields["audio"].astype(np.float16)}, {"picture": fields["image"]}]
    hashes = [data_hash(source_of(one)) for one in sets]
    assert len(set(hashes)) == len(sets) and hashes[0] == data_hash(source_of(numbered(10), name="elsewhere"))


def test_every_label_counts_in_the_hash_of_data():  # images of a large set are looked at here and there
    fields = {"image": np.zeros((1000, 2, 2, 1), np.uint8), "label": np.zeros(1000, np.int32)}
    other = fields | {"label": np.eye(1, 1000, 501, dtype=np.int32)[0]}
    assert data_hash(source_of(fields, ("label",))) != data_hash(source_of(other, ("label",)))


def test_the_inception_score_is_of_generated_images_alone():
    found, other = (numbers([inception_score_metric(splits=2)], source=data) for data in (source(), source(seed=1)))
    assert found == other and 1.0 <= found["inception_score"] <= SIZE
