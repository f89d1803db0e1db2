"""Evaluation after a run: numbers with all that they depend on, one JSON object each."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jgan.data.content import data_hash
from jgan.data.source import Source, read_rows
from jgan.evaluation import gather, named
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import Metric
from jgan.evaluation.provenance import provenance
from jgan.metrics.neighbours import nearest
from jgan.models.pretrained import inception, load_weights, squeezenet
from jgan.outputs.files import append_whole
from jgan.sharding import data_mesh
from jgan.types import Features

METRICS: dict[str, Callable[[], Metric]] = {
    "frechet_distance": named.frechet_metric,
    "intra_class_frechet": named.intra_class_metric,
    "kernel_distance": named.kernel_metric,
    "kernel_distance_subsets": named.kernel_subsets_metric,
    "prdc": named.prdc_metric,
    "classes": named.classes_metric,
    "inception_score": named.inception_score_metric,
    "sliced_wasserstein": named.sliced_wasserstein_metric,
    "ms_ssim": named.ms_ssim_metric,
}
SHOWN = 10  # classes in a message
Space = Literal["classifier", "inception", "squeezenet"]


def feature_space(space: Space, source: Source, folder: str | Path, weights: str | Path | None = None) -> Features:
    """Returns a feature network: a classifier trained on the source, or Inception or SqueezeNet, whose weights are read from a file or
    downloaded once.

    Raises:
      OSError: if weights are neither given nor in the cache and cannot be downloaded; the message says which file to bring.
    """
    if space == "classifier":
        return classifier_features(source, folder)
    if space == "squeezenet":
        return squeezenet(load_weights("squeezenet-1.1", weights))
    return inception(load_weights("inception-2015-12-05", weights))


def chosen_metrics(names: Sequence[str]) -> list[Metric]:
    """Returns metrics by their names; raises ValueError for an unknown name, or for none.

    >>> [metric.name for metric in chosen_metrics(["frechet_distance", "prdc"])]
    ['frechet_distance', 'prdc']
    """
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise ValueError(f"unknown metrics {', '.join(unknown) or '(none given)'}: expected some of {', '.join(METRICS)}")
    return [METRICS[name]() for name in names]


def check_counts(metrics: Sequence[Metric], real: int, other: int) -> None:
    """Raises ValueError for metrics that need more images than there are: before anything is drawn or learned."""
    for metric in metrics:
        if min(real, other) < metric.least:
            found = f"{real} real and {other} others"
            raise ValueError(f"{metric.name} needs {metric.least} images of each kind, found {found}; take more, or leave this metric out")


def check_comparable(metrics: Sequence[Metric], real: Source, other: Source) -> None:
    """Checks that two sets of images can be compared, before anything is learned.

    Raises:
      ValueError: if their images are not of one shape, are too few for a metric, or their classes differ where a metric compares classes.
    """
    shapes = [source.spec.shape("image") for source in (real, other)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"expected images of one shape, found {shapes[0]} and {shapes[1]}: give a --resolution and --channels")
    check_counts(metrics, real.size, other.size)
    if any("label" in metric.statistics.name.split("-") for metric in metrics):
        _check_classes(real, other)


def _check_classes(real, other):
    classes = [source.names.get("label", ()) for source in (real, other)]
    if set(classes[0]) != set(classes[1]) or not classes[0]:
        only = [[name for name in names if name not in others] for names, others in (classes, reversed(classes))]
        found = " and ".join(
            f"{', '.join(names[:20]) or 'none'} in {source.name}" for names, source in zip(only, (real, other), strict=True)
        )
        raise ValueError(f"expected the same classes in both sets, found in one only: {found}; rename them or leave some out")


def evaluate_generator(
    generated: Callable[[int], Iterable[Mapping[str, Any]]],
    source: Source,
    metrics: Sequence[Metric],
    features: Features,
    *,
    samples: int,
    seeds: Sequence[int] = (0,),
    real_samples: int = 10_000,
    batch: int = 64,
    cache: str | Path | None = None,
    protocol: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Returns results of `jgan.evaluation.evaluate` over one or more seeds, as JSON-ready objects, one per number.

    Each has the metric's name, its value (the mean over the seeds, with their standard deviation where there are several) and the
    protocol: feature network, data, counts, seeds, machine, versions, commit.

    Args:
      generated: seed -> batches of generated images, `samples` or more.

    Raises:
      ValueError: if there are too few images for a metric.
    """
    check_counts(metrics, min(real_samples, source.size), samples)
    extract = gather.extractor(features, data_mesh())
    settings: dict[str, Any] = dict(features=features, real_n=real_samples, batch=batch, cache=cache)
    runs = [gather.measure(extract, generated(seed), source, metrics, samples, **settings) for seed in seeds]
    counts = {"samples": samples, "real_samples": min(real_samples, source.size), "seeds": list(seeds)}
    return results(runs, metrics, features, describe(source) | counts | dict(protocol or {}))


def compare_sources(real: Source, other: Source, metrics: Sequence[Metric], features: Features, *, batch: int = 64) -> list[dict[str, Any]]:
    """Returns results of metrics between two sets of images, all of them, as `evaluate_generator` gives them. Classes are matched by name.

    Raises:
      ValueError: as `check_comparable`.
    """
    check_comparable(metrics, real, other)
    extract = gather.extractor(features, data_mesh())
    kinds = [metric.statistics for metric in metrics]
    gathered = [gather.real_statistics(extract, s, kinds, features, s.size, batch, None) for s in (real, _numbered_as(real, other))]
    numbers = gather.compare(metrics, *gathered)
    return results(
        [numbers], metrics, features, describe(real) | {"samples_from": describe(other), "samples": other.size, "real_samples": real.size}
    )


def _numbered_as(real, other):
    """The other set, its classes numbered as those of the same names in the first."""
    classes, own = (source.names.get("label", ()) for source in (real, other))
    if set(classes) != set(own) or classes == own:
        return other
    table = np.asarray([classes.index(name) for name in own], other.fields["label"].dtype)

    def read(index):
        example = other.read(index)
        return example | {"label": table[example["label"]]}

    columns = {name: table[values] if name == "label" else values for name, values in other.columns.items()}
    return other._replace(read=read, columns=columns, names={**other.names, "label": classes})


def nearest_images(images: np.ndarray, source: Source, features: Features, count: int, batch: int = 64) -> np.ndarray:
    """Returns uint8 [N, count, H, W, C]: of each of the images uint8 [N, H, W, C] the nearest ones of the source, nearest first."""
    extract, rows = gather.extractor(features, data_mesh()), gather.kept("features")
    real = gather.real_statistics(extract, source, [rows], features, source.size, batch, None)["features"]["features"]
    indices, _ = nearest(real, extract(images)["features"], count)
    return np.stack([read_rows(source, np.asarray(row), ("image",))["image"] for row in indices])


def results(
    runs: Sequence[Mapping[str, Mapping[str, float]]], metrics: Sequence[Metric], features: Features, protocol: Mapping[str, Any]
) -> list[dict]:
    """Returns one JSON-ready object per number.

    Args:
      runs: of each seed the numbers by name, by metric.
      metrics: whose settings are kept beside the numbers.
      features: the feature network.
      protocol: what else the numbers depend on.
    """
    settings = {metric.name: metric.settings for metric in metrics if metric.settings}
    about = {**protocol, "settings": settings, "precision": "float32", **provenance()}
    network = {"features": features.name, "feature_network": features.protocol}
    of_pixels = [metric.name for metric in metrics if metric.statistics.name == "image"]
    published = features.protocol.get("published_names", {})
    found = []
    for metric, numbers in runs[0].items():
        space = {"features": "pixels"} if metric in of_pixels else network
        for name in numbers:
            values = [run[metric][name] for run in runs]
            spread = {"std": float(np.std(values, ddof=1)), "values": values} if len(values) > 1 else {}
            found.append({"metric": published.get(name, name), "value": float(np.mean(values)), **spread, **space, **about})
    return found


def plain_results(found: Mapping[str, float], network: str, source: Source, settings: Mapping[str, Any]) -> list[dict]:
    """Returns one JSON-ready object per number that comes of something else than `evaluate`, in the form of `results`.

    Args:
      found: the numbers by name.
      network: the one by which they were found.
      source: the real images.
      settings: what else they depend on.
    """
    about = {"features": network, **describe(source), **settings, "precision": "float32", **provenance()}
    return [{"metric": name, "value": value, **about} for name, value in found.items()]


def describe(source: Source) -> dict[str, Any]:
    """Returns what a number depends on of a source."""
    shapes = {name: list(field.shape) for name, field in source.fields.items()}
    return {"source": source.name, "shape": shapes.get("image", shapes), "data": data_hash(source)}


def line(result: Mapping[str, Any]) -> str:
    """Returns a result for people.

    >>> line({"metric": "fid", "value": 12.345, "std": 0.1, "features": "inception-x"})
    'fid = 12.35 +- 0.1   in inception-x'
    """
    spread = f" +- {result['std']:.2g}" if "std" in result else ""
    return f"{result['metric']} = {result['value']:.4g}{spread}   in {result['features']}"


def keep(path: Path, found: Sequence[Mapping[str, Any]]) -> None:
    """Appends results to a file of JSON lines, all or none, and prints them."""
    append_whole(path, "".join(json.dumps(result) + "\n" for result in found))
    for result in found:
        print(line(result))
