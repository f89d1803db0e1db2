"""Evaluation: the features of generated images are gathered batch by batch, and metrics compare them with those of real images."""

import io
import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jgan import bounded
from jgan.data.content import data_hash, hash_of
from jgan.data.source import Source, read_rows
from jgan.ops.images import to_uint8
from jgan.outputs.files import write_atomic
from jgan.types import Array, Features

Gathered = Mapping[str, np.ndarray]
Extract = Callable[[Any], dict[str, np.ndarray]]  # (images [B, H, W, C]) -> outputs of a feature network, and "image"


class Statistics(NamedTuple):
    """What is gathered of a set of images; metrics that gather the same share it."""

    name: str
    begin: Callable[[], Any]  # () -> gathered so far
    # (gathered so far, outputs) -> gathered so far; outputs: dict of arrays [B, ...], of the features and "image", "label"
    add: Callable[[Any, Mapping[str, np.ndarray]], Any]
    end: Callable[[Any], Gathered]  # (gathered so far) -> dict of arrays, which can be kept in a file


class Metric(NamedTuple):
    """Numbers that come of comparing what was gathered of real images with what was gathered of generated ones."""

    name: str
    statistics: Statistics
    compare: Callable[[Gathered, Gathered], Mapping[str, Any]]  # (real, fake) -> numbers by name
    settings: dict[str, Any]  # all that the numbers depend on besides the images and the features
    least: int = 2  # images of each kind that it needs


def kept(*outputs: str) -> Statistics:
    """Returns all rows of some outputs of the feature network, or of "image" or "label"."""

    def add(parts, found):
        missing = [output for output in outputs if output not in found]
        if missing:
            raise ValueError(f"expected {' and '.join(missing)} with the images, found none: label the data and train on its classes")
        return (*parts, {output: found[output] for output in outputs})

    def end(parts):
        return {output: np.concatenate([part[output] for part in parts]) for output in outputs}

    return Statistics("-".join(outputs), tuple, add, end)


def evaluate(
    generated: Iterable[Mapping[str, Any]],
    source: Source,
    metrics: Iterable[Metric],
    n: int,
    *,
    features: Features,
    mesh: Mesh | None = None,
    real_n: int = 10_000,
    batch: int = 64,
    cache: str | Path | None = None,
) -> dict[str, float]:
    """Returns all numbers of several metrics of a generator, by name.

    Features are computed on the device, spread over the axis `data` of the mesh. Generated images are rounded to uint8 first, as saving
    them would.

    Args:
      generated: batches of {"image": [B, H, W, C] in [-1, 1], or uint8} and, if a metric needs it, {"label": int [B]}; n images or more.
      source: the real images, of the shape of the generated ones.
      metrics: for instance `frechet_metric()` and `prdc_metric()` of `jgan.evaluation.named`.
      n: number of generated images.
      features: the feature network.
      mesh: of `jgan.sharding.data_mesh`; None: one device.
      real_n: maximum number of real images, drawn at random without replacement; all if there are no more.
      batch: real images per evaluation of the features; generated ones come in the batches in which they are given.
      cache: a folder in which what was gathered of the real images is kept, under a fingerprint of data, features and counts.

    Raises:
      ValueError: if images have not the shape of the source's or hold NaN, or there are fewer than n, or too few for a metric.
    """
    extract = extractor(features, mesh)
    numbers = measure(extract, generated, source, metrics, n, features=features, real_n=real_n, batch=batch, cache=cache)
    return together(numbers)


def measure(
    extract: Extract,
    generated: Iterable[Mapping[str, Any]],
    source: Source,
    metrics: Iterable[Metric],
    n: int,
    *,
    features: Features,
    real_n: int,
    batch: int,
    cache: str | Path | None,
) -> dict[str, dict[str, float]]:
    """Returns `evaluate` by an extractor that was made before, whose compiled program serves many evaluations; the numbers go by metric."""
    metrics = list(metrics)
    kinds = {metric.statistics.name: metric.statistics for metric in metrics}
    real = real_statistics(extract, source, kinds.values(), features, min(real_n, source.size), batch, cache)
    fake = _gather(kinds.values(), _outputs(extract, generated, source.spec.shape("image"), n))
    return compare(metrics, real, fake)


def compare(metrics: Iterable[Metric], real: Mapping[str, Gathered], fake: Mapping[str, Gathered]) -> dict[str, dict[str, float]]:
    """Returns the numbers of each metric from what was gathered, by the name of the statistics, of real and of other images."""
    found = {metric.name: metric.compare(real[metric.statistics.name], fake[metric.statistics.name]) for metric in metrics}
    return {metric: {name: float(value) for name, value in numbers.items()} for metric, numbers in found.items()}


def together(numbers: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Returns the numbers of all metrics by name."""
    return {name: value for of_metric in numbers.values() for name, value in of_metric.items()}


def extractor(features: Features, mesh: Mesh | None = None) -> Extract:
    """Returns images (uint8, or float in [-1, 1]) -> the outputs of the feature network and "image" (uint8), as NumPy arrays."""

    def outputs(params, images):
        images = to_uint8(images)
        return features.apply(params, images) | {"image": images}

    if mesh is None:
        compiled = jax.jit(outputs)
        return lambda images: jax.tree.map(np.asarray, compiled(features.params, images))
    whole, spread = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("data"))
    params, compiled = jax.device_put(features.params, whole), jax.jit(outputs, out_shardings=whole)

    def extract(images):
        divides = len(images) % mesh.shape["data"] == 0
        return jax.tree.map(np.asarray, compiled(params, jax.device_put(images, spread if divides else whole)))

    return extract


def real_statistics(
    extract: Extract, source: Source, kinds: Iterable[Statistics], features: Features, n: int, batch: int, cache: str | Path | None
) -> dict[str, Gathered]:
    """Returns what is gathered of `n` real images, by the name of the statistics; read from the cache as far as it is there."""
    kinds, identity = list(kinds), fingerprint(source, features, n)
    paths = {} if cache is None else {kind.name: Path(cache) / f"real-{kind.name}-{identity}.npz" for kind in kinds}
    found = {name: kept for name, path in paths.items() if (kept := _load(path)) is not None}
    missing = list({kind.name: kind for kind in kinds if kind.name not in found}.values())
    gathered = _gather(missing, _real(extract, source, n, batch)) if missing else {}
    for name in gathered.keys() & paths.keys():
        _save(paths[name], gathered[name])
    return found | gathered


def fingerprint(source: Source, features: Features, n: int) -> str:
    """Returns, of data, the shape, the feature network and the number of images."""
    return hash_of(json.dumps([data_hash(source), features.name, n]).encode())


def _gather(kinds: Iterable[Statistics], batches: Iterable[Mapping[str, np.ndarray]]) -> dict[str, Gathered]:
    kinds = list(kinds)
    gathered = [kind.begin() for kind in kinds]
    for outputs in batches:
        gathered = [kind.add(sofar, outputs) for kind, sofar in zip(kinds, gathered, strict=True)]
    return {kind.name: kind.end(sofar) for kind, sofar in zip(kinds, gathered, strict=True)}


def _outputs(extract, generated, shape, n):
    """Outputs of exactly n generated images."""
    done = 0
    for drawn in generated:
        images = drawn["image"]
        if images.shape[1:] != tuple(shape) or not len(images):
            raise ValueError(f"expected images of shape (B, {', '.join(map(str, shape))}), found {images.shape}")
        check_range(images)
        label = {"label": np.asarray(drawn["label"])} if "label" in drawn else {}
        outputs = extract(images) | label
        yield {name: value[: n - done] for name, value in outputs.items()}
        done += len(images)
        if done >= n:
            return
    raise ValueError(f"expected {n} generated images, found {done}")


def check_range(images: Array | np.ndarray) -> None:
    """Raises ValueError for generated images with NaN or infinity, and warns of those that are far from [-1, 1]; uint8 is always right."""
    if images.dtype == np.uint8:
        return
    low, high = float(jnp.min(images)), float(jnp.max(images))
    if not np.isfinite(low) or not np.isfinite(high):
        raise ValueError("expected images in [-1, 1], found NaN or infinity: look at the training's curves")
    if low < -50 or high > 50:
        message = (
            f"expected images in [-1, 1], found values from {low:.3g} to {high:.3g}, which are clipped: is 0 to 255 meant? give uint8 then"
        )
        warnings.warn(message, UserWarning, stacklevel=2)


def _real(extract, source, n, batch):
    """Outputs of n real images, drawn at random; the last batch is filled up, so that one compiled program serves it too."""
    chosen = np.sort(np.random.default_rng(0).permutation(source.size)[:n])
    wanted = tuple(name for name in ("image", "label") if name in source.fields)
    for start in range(0, n, batch):
        rows = read_rows(source, chosen[start : start + batch], wanted)
        images = rows.pop("image")
        padded = np.pad(images, ((0, batch - len(images)), (0, 0), (0, 0), (0, 0)))
        yield {name: value[: len(images)] for name, value in extract(padded).items()} | rows


def _load(path):
    """What was kept before; None if there is nothing, or it is damaged."""
    if not path.exists():
        return None
    try:
        return bounded.read_npz(path)
    except (ValueError, OSError) as error:
        warnings.warn(f"what was gathered of the real images is gathered anew: {error}", UserWarning, stacklevel=4)
        return None


def _save(path, arrays):
    try:
        write_atomic(path, npz_of(arrays))
    except OSError as error:  # it is gathered again another time
        warnings.warn(f"what was gathered of the real images is not kept: {error}", UserWarning, stacklevel=4)


def npz_of(arrays: Mapping[str, Any]) -> bytes:
    """Returns the content of a .npz file of arrays."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()
