import functools
import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.run.stripes import source_of, stripes

from jgan.console.main import main as console
from jgan.data.content import data_hash
from jgan.evaluation import results
from jgan.evaluation.named import frechet_metric, prdc_metric
from jgan.evaluation.results import (
    chosen_metrics,
    compare_sources,
    describe,
    evaluate_generator,
    feature_space,
    keep,
    nearest_images,
    plain_results,
)
from jgan.models.pretrained.inception import PUBLISHED
from jgan.types import Features


def brightness(name="brightness-1"):
    """Mean colours of three bands as features."""

    def apply(params, images):
        bands = jnp.stack(jnp.split(images[:, :15].astype(jnp.float32) / 255.0, 3, axis=1), axis=1)
        return {"features": bands.mean(axis=(2, 3)).reshape(len(images), 9) * params}

    return Features(name, apply, jnp.ones(()), {"sha256": "00"})


@pytest.fixture
def source():
    return source_of(*stripes(60))


def generated(seed):
    """Endless batches."""
    for number in itertools.count():
        yield {"image": jax.random.uniform(jax.random.fold_in(jax.random.key(seed), number), (16, 16, 16, 3), minval=-1.0)}


def evaluated(source, **settings):
    settings = {"samples": 40, "protocol": {"truncation": 0.7}} | settings
    return evaluate_generator(generated, source, [frechet_metric(), prdc_metric()], brightness(), **settings)


def test_a_result_carries_its_protocol(source):
    found = {result["metric"]: result for result in json.loads(json.dumps(evaluated(source)))}
    assert found.keys() == {"frechet_distance", "precision", "recall", "density", "coverage"}
    result = found["frechet_distance"]
    expected = {"features": "brightness-1", "samples": 40, "real_samples": 60, "seeds": [0], "truncation": 0.7, "source": source.name}
    assert expected.items() <= result.items() and result["settings"] == {"prdc": {"k": 5, "limit": None}}
    assert {"machine", "versions", "commit", "precision", "shape", "data", "feature_network"} <= result.keys()
    assert result["value"] > 0 and "std" not in result


def test_several_seeds_have_a_mean_and_a_deviation(source):
    single = [evaluated(source, seeds=[seed])[0]["value"] for seed in (3, 4, 5)]
    together = evaluated(source, seeds=[3, 4, 5])[0]
    assert together["values"] == single
    assert (together["value"], together["std"]) == pytest.approx((np.mean(single), np.std(single, ddof=1)))


def test_results_are_appended_and_printed(source, tmp_path, capsys):
    for _ in range(2):
        keep(tmp_path / "evaluations.jsonl", evaluated(source))
    lines = (tmp_path / "evaluations.jsonl").read_text().splitlines()
    assert [json.loads(line)["metric"] for line in lines] == 2 * ["frechet_distance", "precision", "recall", "density", "coverage"]
    assert "frechet_distance = " in capsys.readouterr().out


@pytest.mark.parametrize(("names", "published"), [(PUBLISHED, "fid"), (None, "frechet_distance")])
def test_a_distance_has_the_name_that_its_features_give_it(source, names, published):
    features = brightness()
    protocol = features.protocol | ({} if names is None else {"published_names": names})
    (result,) = evaluate_generator(generated, source, [frechet_metric()], features._replace(protocol=protocol), samples=40)
    assert result["metric"] == published


def test_what_is_measured_on_pixels_names_no_network(source):
    results = evaluate_generator(generated, source, chosen_metrics(["sliced_wasserstein", "frechet_distance"]), brightness(), samples=40)
    assert {r["metric"]: r["features"] for r in results} == {
        "sliced_wasserstein/16": "pixels",
        "sliced_wasserstein": "pixels",
        "frechet_distance": "brightness-1",
    }
    assert all(("feature_network" in r) == (r["features"] != "pixels") for r in results)


@pytest.mark.parametrize("names", [[], ["fid"], ["prdc", "frechet"]])
def test_unknown_metrics(names):
    with pytest.raises(ValueError, match="expected some of frechet_distance, intra_class_frechet"):
        chosen_metrics(names)


def test_the_nearest_image_of_a_copy_is_the_original(source):
    images = np.stack([source.read(i)["image"] for i in (5, 40)])
    found = nearest_images(images, source, brightness(), 3)
    assert found.shape == (2, 3, 16, 16, 3)
    np.testing.assert_array_equal(found[:, 0], images)


def test_sets_of_images_are_compared(source):
    same, other = (
        compare_sources(source, s, [frechet_metric()], brightness())[0] for s in (source, source_of(*stripes(30, seed=1), name="others"))
    )
    assert same["value"] == pytest.approx(0, abs=1e-6) and other["value"] > 1e-5
    assert other["samples"] == 30 and other["samples_from"]["source"] == "others"


def test_sets_of_other_sizes_are_refused(source):
    with pytest.raises(ValueError, match=r"expected images of one shape, found \(16, 16, 3\) and \(20, 16, 3\)"):
        compare_sources(source, source_of(*stripes(30, height=20)), [frechet_metric()], brightness())


def test_classes_are_matched_by_name(source):
    images, labels = stripes(60)
    turned = source_of(images, 1 - labels)._replace(names={"label": ("1", "0")})
    metrics = chosen_metrics(["intra_class_frechet"])
    (same,) = compare_sources(source, turned, metrics, brightness())
    assert same["value"] == pytest.approx(0, abs=1e-6)
    (apart,) = compare_sources(source, turned._replace(names=source.names), metrics, brightness())
    assert apart["value"] > 0.01
    for names, message in ((("0", "cat"), "found in one only: 1 in folder/stripes.zip and cat in"), ((), "found in one only: 0, 1 in")):
        with pytest.raises(ValueError, match=message):
            compare_sources(source, turned._replace(names={"label": names}), metrics, brightness())


@pytest.mark.parametrize(("metric", "needed"), [("kernel_distance_subsets", 1000), ("inception_score", 20), ("prdc", 6)])
def test_too_few_images_for_a_metric(source, metric, needed):
    with pytest.raises(ValueError, match=f"{metric} needs {needed} images of each kind, found 60 real and 5 others"):
        evaluate_generator(None, source, chosen_metrics([metric]), brightness(), samples=5)


@pytest.mark.parametrize(
    ("fields", "shape"),
    [(("image", "label"), [16, 16, 3]), (("label",), {"label": []})],
)
def test_sources_are_described(source, fields, shape):
    source = source._replace(fields={name: source.fields[name] for name in fields})
    assert describe(source) == {"source": "folder/stripes.zip", "shape": shape, "data": data_hash(source)}


def test_numbers_of_another_origin(source):
    (result,) = plain_results({"accuracy": 0.5}, "a classifier", source, {"split": "test"})
    expected = {"metric": "accuracy", "value": 0.5, "features": "a classifier", "split": "test", "precision": "float32"}
    assert expected.items() <= json.loads(json.dumps(result)).items()
    assert describe(source).items() <= result.items() and {"machine", "versions", "commit"} <= result.keys()


def test_feature_spaces(source, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "classifier_features", lambda *given: given)
    assert feature_space("classifier", source, tmp_path) == (source, tmp_path)
    monkeypatch.setattr(results, "load_weights", lambda name, path: (name, path))
    monkeypatch.setattr(results, "inception", lambda weights: weights)
    assert feature_space("inception", source, tmp_path, "weights.pth") == ("inception-2015-12-05", "weights.pth")


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two files of images, and a classifier that is trained for a moment only."""
    for name, seed in (("a", 0), ("b", 1)):
        images, labels = stripes(120, seed=seed)
        np.savez(tmp_path / f"{name}.npz", images=images, labels=labels)
    monkeypatch.setenv("JGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(results, "classifier_features", functools.partial(results.classifier_features, steps=12, batch=32))
    return tmp_path


def call(*arguments):
    with jax.numpy_dtype_promotion("standard"):  # optax promotes implicitly
        console(list(map(str, arguments)))


def test_the_command(folders, capsys):
    call("compare", "prdc", folders / "a.npz", folders / "b.npz", "--out", folders / "results.jsonl")
    found = [json.loads(line) for line in (folders / "results.jsonl").read_text().splitlines()]
    assert [result["metric"] for result in found] == ["precision", "recall", "density", "coverage"]
    assert capsys.readouterr().out.count(" in classifier-a-16px-") == 4


MISTAKES = {  # arguments, what the message says
    "metric": (["compare", "fidd", "a.npz", "b.npz"], "unknown metrics fidd: expected some of"),
    "path": (["compare", "prdc", "a.npz", "c.npz"], "no source"),
    "sizes": (["compare", "frechet_distance", "a.npz", "larger.npz"], "expected images of one shape, found (16, 16, 3) and (20, 16, 3)"),
    "few": (["compare", "kernel_distance_subsets", "a.npz", "b.npz"], "kernel_distance_subsets needs 1000 images of each kind, found 120"),
    "ending": (["fid", "a.npz", "b.npz", "--out", "x.png"], "expected a path that ends in .jsonl, found x.png"),
    "weights": (["fid", "a.npz", "b.npz", "--weights", "nothing.pth"], "nothing.pth"),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_on_the_command_line(folders, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(folders)
    np.savez("larger.npz", images=stripes(30, height=20)[0])
    monkeypatch.setattr(results, "classifier_features", None)  # refused before one is trained
    with pytest.raises(SystemExit) as stopped:
        call(*arguments)
    assert stopped.value.code == 2 and message in capsys.readouterr().err
