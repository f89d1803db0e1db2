"""What a metric must say of real photographs that were spoilt on purpose."""

import io
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image, ImageFilter

from jgan.data import open_source
from jgan.data.source import read_rows, spread
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import extractor
from jgan.metrics import frechet, prdc

FASHION = Path(__file__).parents[2] / ".." / "shared" / "data" / "fashion_mnist"
pytestmark = pytest.mark.slow


def read(source, count):
    return read_rows(source, spread(source.size, count), ("image",))["image"]


@pytest.fixture(scope="module")
def seen():
    if not FASHION.exists():
        pytest.skip(f"Fashion-MNIST is not at {FASHION}")
    return open_source(FASHION, split="train", limit=3000, labels=True)


@pytest.fixture(scope="module")
def unseen(seen):
    """Images and labels."""
    source = open_source(FASHION, split="test", limit=1500, labels=True)
    return read(source, 1500), source.columns["label"]


@pytest.fixture(scope="module")
def rows(seen, tmp_path_factory):
    """images -> features, of a classifier that is trained for a few seconds."""
    with jax.numpy_dtype_promotion("standard"):  # optax promotes implicitly
        extract = extractor(classifier_features(seen, tmp_path_factory.mktemp("sanity"), steps=100, batch=32))
    return lambda images: np.concatenate([extract(images[start : start + 100])["features"] for start in range(0, len(images), 100)])


@pytest.fixture(scope="module")
def real(seen, rows):
    return rows(read(seen, 1500))


def each(images, change):
    """`change` of every image as a PIL image."""
    return np.stack([np.asarray(change(Image.fromarray(image[..., 0])))[..., None] for image in images])


def jpeg(image, quality):
    file = io.BytesIO()
    image.save(file, format="jpeg", quality=quality)
    return Image.open(file)


def noisy(images, deviation):
    noise = np.random.default_rng(0).normal(0, deviation, images.shape)
    return np.clip(np.round(images + noise), 0, 255).astype(np.uint8)


SPOILT = {  # how: (images, labels, how much) -> images; how much, from little to much
    "jpeg": (lambda images, labels, quality: each(images, lambda image: jpeg(image, quality)), (90, 40, 15, 5)),
    "blur": (
        lambda images, labels, radius: each(images, lambda image: image.filter(ImageFilter.GaussianBlur(radius))),
        (0.3, 0.8, 1.5, 3.0),
    ),
    "noise": (lambda images, labels, deviation: noisy(images, deviation), (8, 20, 40, 90)),
    "dropped classes": (lambda images, labels, dropped: np.resize(images[labels >= dropped], images.shape), (1, 3, 6, 9)),
}


@pytest.mark.parametrize("how", SPOILT)
def test_the_distance_rises_with_the_damage(real, rows, unseen, how):
    spoil, amounts = SPOILT[how]
    distances = [frechet(real, rows(unseen[0]))] + [frechet(real, rows(spoil(*unseen, amount))) for amount in amounts]
    assert distances == sorted(distances)
    assert distances[-1] > 1.3 * distances[0]  # the small classifier hardly sees JPEG's blocks; it sees all else much better


def test_other_data_is_farther_than_unseen_images_of_the_same(real, rows, unseen):
    other = read(open_source("shapes", split="test", resolution=28, channels=1, limit=1500), 1500)
    assert frechet(real, rows(other)) > 10 * frechet(real, rows(unseen[0]))


def test_noise_costs_precision_and_dropped_classes_recall(real, rows, unseen):
    images, labels = unseen
    clean, noise = (prdc(real, rows(kind)) for kind in (images, noisy(images, 60)))
    assert noise.precision < 0.7 * clean.precision
    fewer = [clean] + [prdc(real, rows(np.resize(images[labels >= dropped], images.shape))) for dropped in (3, 6, 9)]
    for name in ("recall", "coverage"):
        values = [getattr(numbers, name) for numbers in fewer]
        assert values == sorted(values, reverse=True) and values[-1] < 0.5 * values[0]
    assert min(numbers.precision for numbers in fewer) > 0.9 * clean.precision
