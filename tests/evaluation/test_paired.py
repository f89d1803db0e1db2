"""Numbers of translations, in a feature space that is simple enough to be known."""

import jax.numpy as jnp
import numpy as np
import pytest
from tests.data.sources import source_of

from jgan.data.combine import select, unpaired
from jgan.evaluation import paired
from jgan.evaluation.paired import domain_numbers, domain_score, features_of, pair_numbers, paired_score, take
from jgan.evaluation.score import Snapshot
from jgan.ops.images import to_float
from jgan.types import Features


def colours(images):
    """Mean colours as features; brighter images are taken for domain B."""
    features = images.astype(np.float32).mean((1, 2))
    brightness = features.mean(1, keepdims=True) - 127
    return {"features": features, "logits": np.concatenate([-brightness, brightness], axis=1), "image": images}


def noise(n, low, high, seed=0, size=16):
    return np.random.default_rng(seed).integers(low, high, (n, size, size, 3), np.uint8)


def test_pairs():
    targets = noise(70, 20, 200)
    same = pair_numbers(targets, targets, colours)
    assert same["feature_distance"] == same["l1"] == 0 and same["ssim"] == pytest.approx(1)
    found = pair_numbers(targets + np.uint8(10), targets, colours)
    assert found["feature_distance"] == pytest.approx(10, rel=1e-4) and found["l1"] == pytest.approx(20 / 255, rel=1e-4)
    assert found["psnr"] == pytest.approx(20 * np.log10(255 / 10), rel=1e-4) and 0 < found["ssim"] < 1
    assert "ssim" not in pair_numbers(targets[:, :8], targets[:, :8], colours)


def test_domains():
    dark, bright = noise(40, 0, 100), noise(80, 150, 250, seed=1)
    as_it_is, arrived = (domain_numbers(images, bright, colours) for images in (dark, noise(40, 150, 250, seed=2)))
    assert (as_it_is["share_a"], as_it_is["share_b"]) == (1, 0) and (arrived["share_a"], arrived["share_b"]) == (0, 1)
    assert arrived["frechet_distance"] < 10 < 1e4 < as_it_is["frechet_distance"]


def test_few_images_are_taken_evenly_spaced():
    source = source_of({"target": noise(10, 0, 255)})
    np.testing.assert_array_equal(take(source, 4, "target"), noise(10, 0, 255)[[0, 2, 5, 7]])
    assert len(take(source, 20, "target")) == 10


@pytest.mark.parametrize("count", [1, 63, 64, 65])
def test_batches_of_features_are_filled_up(count):
    sizes, images = [], noise(count, 0, 255)
    found = features_of(lambda batch: (sizes.append(len(batch)), colours(batch))[1], images)
    np.testing.assert_allclose(found["features"], colours(images)["features"], rtol=1e-6)
    assert set(sizes) == {64} and len(found["logits"]) == count


@pytest.fixture
def trained_on(monkeypatch):
    """The sources on which classifiers were to be trained; in their place stand mean colours."""
    sources = []

    def apply(params, images):
        features = images.astype(jnp.float32).mean((1, 2)) * params
        return {"features": features, "logits": features[:, :2]}

    def stand_in(source, folder):
        sources.append(source)
        return Features("colours", apply, jnp.ones(()), {"task": "none"})

    monkeypatch.setattr(paired, "classifier_features", stand_in)
    return sources


def translator(function, output="image", condition="input", batch=16):
    """A snapshot whose output is a function of a condition; like those of a run, it fills up the last batch."""

    def outputs(source, n, seed=0):
        rows = np.resize(np.arange(source.size) if n >= source.size else np.arange(n) * source.size // n, -(-n // batch) * batch)
        for start in range(0, len(rows), batch):
            given = np.stack([source.read(i)[condition] for i in rows[start : start + batch]])
            yield {condition: given, output: function(given)}

    return Snapshot(None, outputs)


def pairs(n=40):
    images = noise(n, 20, 200)
    return source_of({"input": images, "target": images + np.uint8(10)}, name="pairs")


@pytest.mark.parametrize("samples", [10, 40, 100])
@pytest.mark.parametrize("in_range", [to_float, lambda images: images])
def test_the_score_of_pairs(tmp_path, trained_on, samples, in_range):
    score = paired_score(pairs(), samples, tmp_path)
    assert score.criterion == "score/feature_distance/colours" and score.lower_is_better
    assert (score.protocol["pairs"], score.protocol["source"]) == (min(samples, 40), "pairs")
    right = score.compute(translator(lambda images: in_range(images + np.uint8(10))))
    assert right.keys() == {score.criterion, "pairs/psnr", "pairs/l1", "pairs/ssim"}
    assert right[score.criterion] == pytest.approx(0, abs=1e-4) and right["pairs/l1"] == pytest.approx(0, abs=1e-6)
    assert score.compute(translator(in_range))[score.criterion] == pytest.approx(10, rel=1e-3)
    (source,) = trained_on
    np.testing.assert_array_equal(source.read(3)["image"], pairs().read(3)["target"])


def test_pairs_of_other_names(tmp_path, trained_on):
    source = select(pairs(), small="input", large="target")
    score = paired_score(source, 20, tmp_path, output="fake", truth="large")
    found = score.compute(translator(lambda images: images + np.uint8(10), output="fake", condition="small"))
    assert found[score.criterion] == 0


def test_translations_that_are_no_numbers_are_refused(tmp_path, trained_on):
    score = paired_score(pairs(), 20, tmp_path)
    with pytest.raises(ValueError, match="NaN"):
        score.compute(translator(lambda images: np.full(images.shape, np.nan, np.float32)))


def test_the_score_of_domains(tmp_path, trained_on):
    dark, bright = noise(40, 0, 100), noise(30, 150, 250, seed=1)
    domains = unpaired(source_of({"input": dark}, name="dark"), source_of({"target": bright}, name="bright"))
    score = domain_score(domains, 100, tmp_path, output="fake_b")
    assert score.protocol["samples"] == 40 and score.protocol["source"] == "bright"
    brighter = (translator(lambda images, by=by: to_float(images + np.uint8(by)), output="fake_b") for by in (0, 150))
    as_it_is, arrived = (score.compute(snapshot)[score.criterion] for snapshot in brighter)
    assert arrived < 100 < as_it_is
    (source,) = trained_on
    assert source.columns["label"].tolist() == [0] * 40 + [1] * 30


def test_pairs_are_no_domains(tmp_path):
    with pytest.raises(ValueError, match="expected two unpaired sets, found 0"):
        domain_score(pairs(), 10, tmp_path)
