"""Evaluation after a run: numbers with all that they depend on, one JSON object each."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from jgan.data import Source
from jgan.metrics import evaluation as evaluating
from jgan.metrics import standard
from jgan.metrics.evaluation import Metric
from jgan.metrics.features import Features
from jgan.metrics.inception import inception
from jgan.metrics.neighbours import nearest
from jgan.metrics.weights import load_weights
from jgan.run.circumstances import circumstances
from jgan.run.features import classifier_features
from jgan.sharding import data_mesh

METRICS: dict[str, Callable[[], Metric]] = {
    "frechet_distance": standard.frechet_metric,
    "intra_class_frechet": standard.intra_class_metric,
    "kernel_distance": standard.kernel_metric,
    "kernel_distance_subsets": standard.kernel_subsets_metric,
    "prdc": standard.prdc_metric,
    "classes": standard.classes_metric,
    "inception_score": standard.inception_score_metric,
    "sliced_wasserstein": standard.sliced_wasserstein_metric,
    "ms_ssim": standard.ms_ssim_metric,
}
OF_INCEPTION = {"frechet_distance": "fid", "kernel_distance_subsets": "kid", "kernel_distance_subsets_std": "kid_std"}  # names of their own
Space = Literal["classifier", "inception"]


def feature_space(space: Space, source: Source, folder: str | Path, weights: str | Path | None = None) -> Features:
    """A feature network: a classifier trained on the source, or Inception, whose weights are read from a file or downloaded once.

    Raises:
      OSError: if Inception's weights are neither given nor in the cache and cannot be downloaded; the message says which file to bring.
    """
    if space == "classifier":
        return classifier_features(source, folder)
    return inception(load_weights("inception-2015-12-05", weights))


def chosen_metrics(names: Sequence[str]) -> list[Metric]:
    """
    >>> [metric.name for metric in chosen_metrics(["frechet_distance", "prdc"])]
    ['frechet_distance', 'prdc']
    """
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise ValueError(f"unknown metrics {', '.join(unknown) or '(none given)'}: expected some of {', '.join(METRICS)}")
    return [METRICS[name]() for name in names]


def evaluate_generator(
    sample: Callable,
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
    """Results of `jgan.metrics.evaluate` over one or more seeds of the generated images, as JSON-ready objects, one per number.

    Each has the metric's name, its value (the mean over the seeds, with their standard deviation where there are several) and the
    protocol: feature network, data, counts, seeds, machine, versions, commit.
    """
    settings = dict(features=features, mesh=data_mesh(), real_n=real_samples, batch=batch, cache=cache)
    runs = [evaluating.evaluate(sample, source, metrics, samples, jax.random.key(seed), **settings) for seed in seeds]
    counts = {"samples": samples, "real_samples": min(real_samples, source.size), "seeds": list(seeds)}
    return results(runs, metrics, features, describe(source) | counts | (protocol or {}))


def compare_sources(real: Source, other: Source, metrics: Sequence[Metric], features: Features, *, batch: int = 64) -> list[dict[str, Any]]:
    """Results of metrics between two sets of images, all of them, as `evaluate_generator` gives them.

    Raises:
      ValueError: if the images are not of one shape.
    """
    if real.shape != other.shape:
        raise ValueError(f"expected images of one shape, found {real.shape} and {other.shape}: give a --resolution and --channels")
    extract = evaluating.extractor(features, data_mesh())
    kinds = [metric.statistics for metric in metrics]
    gathered = [evaluating.real_statistics(extract, s, kinds, features, s.size, batch, None) for s in (real, other)]
    numbers = evaluating.compare(metrics, *gathered)
    return results(
        [numbers], metrics, features, describe(real) | {"samples_from": describe(other), "samples": other.size, "real_samples": real.size}
    )


def nearest_images(images: np.ndarray, source: Source, features: Features, count: int, batch: int = 64) -> np.ndarray:
    """uint8 [N, count, H, W, C]: of each of the images uint8 [N, H, W, C] the nearest ones of the source, nearest first."""
    extract, rows = evaluating.extractor(features, data_mesh()), evaluating.kept("features")
    real = evaluating.real_statistics(extract, source, [rows], features, source.size, batch, None)["features"]["features"]
    indices, _ = nearest(real, extract(images)["features"], count)
    return np.stack([np.stack([source.read(int(i)) for i in row]) for row in indices])


def results(runs: Sequence[Mapping[str, float]], metrics: Sequence[Metric], features: Features, protocol: Mapping[str, Any]) -> list[dict]:
    """One JSON-ready object per number."""
    settings = {metric.name: metric.settings for metric in metrics if metric.settings}
    about = {**protocol, "settings": settings, "precision": "float32", **circumstances()}
    network = {"features": features.name, "feature_network": features.protocol}
    of_pixels = tuple(metric.name for metric in metrics if metric.statistics.name == "image")  # their numbers' names begin so
    found = []
    for name in runs[0]:
        values = [run[name] for run in runs]
        spread = {"std": float(np.std(values, ddof=1)), "values": values} if len(values) > 1 else {}
        judge = {"features": "pixels"} if name.startswith(of_pixels) else network
        found.append({"metric": _published(name, features), "value": float(np.mean(values)), **spread, **judge, **about})
    return found


def plain_results(found: Mapping[str, float], judge: str, source: Source, settings: Mapping[str, Any]) -> list[dict]:
    """One JSON-ready object per number that comes of something else than `evaluate`, in the form of `results`.

    Args:
      found: the numbers by name.
      judge: the network by which they were found.
      source: the real images.
      settings: what else they depend on.
    """
    about = {"features": judge, **describe(source), **settings, "precision": "float32", **circumstances()}
    return [{"metric": name, "value": value, **about} for name, value in found.items()]


def describe(source: Source) -> dict[str, Any]:
    """What a number depends on of a source."""
    return {"source": source.name, "shape": list(source.shape), "data": evaluating.data_hash(source)}


def line(result: Mapping[str, Any]) -> str:
    """A result for people.

    >>> line({"metric": "fid", "value": 12.345, "std": 0.1, "features": "inception-x"})
    'fid = 12.35 +- 0.1   in inception-x'
    """
    spread = f" +- {result['std']:.2g}" if "std" in result else ""
    return f"{result['metric']} = {result['value']:.4g}{spread}   in {result['features']}"


def keep(path: Path, found: Sequence[Mapping[str, Any]]) -> None:
    """Appends results to a file of JSON lines, and prints them."""
    with path.open("a") as file:
        file.writelines(json.dumps(result) + "\n" for result in found)
    for result in found:
        print(line(result))


def _published(name, features):
    return OF_INCEPTION.get(name, name) if features.name.startswith("inception-") else name
