"""Evaluation: images are drawn, their features gathered batch by batch, and metrics compare them with those of real images."""

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jgan.metrics.features import Features, quantise
from jgan.types import Key

Gathered = Mapping[str, np.ndarray]


class Data(Protocol):
    """Real images, as `jgan.data.Source` has them."""

    name: str
    shape: tuple[int, int, int]
    size: int
    labels: np.ndarray | None

    def read(self, index: int) -> np.ndarray: ...  # uint8 [H, W, C]


class Statistics(NamedTuple):
    """What is gathered of a set of images; metrics that gather the same share it."""

    name: str
    begin: Callable  # () -> gathered so far
    add: Callable  # (gathered so far, outputs) -> gathered so far; outputs: dict of arrays [B, ...], of the features and "image", "label"
    end: Callable  # (gathered so far) -> dict of arrays, which can be kept in a file


class Metric(NamedTuple):
    """Numbers that come of comparing what was gathered of real images with what was gathered of generated ones."""

    name: str
    statistics: Statistics
    compare: Callable  # (real: dict of arrays, fake: dict of arrays) -> dict of numbers by name
    settings: dict[str, Any]  # all that the numbers depend on besides the images and the features


def kept(*outputs: str) -> Statistics:
    """All rows of some outputs of the feature network, or of "image" or "label"."""

    def add(parts, found):
        missing = [output for output in outputs if output not in found]
        if missing:
            raise ValueError(f"expected {' and '.join(missing)} with the images, found none: is there a label for every image?")
        return (*parts, {output: found[output] for output in outputs})

    def end(parts):
        return {output: np.concatenate([part[output] for part in parts]) for output in outputs}

    return Statistics("-".join(outputs), tuple, add, end)


def evaluate(
    sample: Callable,
    data: Data,
    metrics: Iterable[Metric],
    n: int,
    key: Key,
    *,
    features: Features,
    mesh: Mesh | None = None,
    real_n: int = 10_000,
    batch: int = 64,
    cache: str | Path | None = None,
) -> dict[str, float]:
    """All numbers of several metrics of a generator, by name.

    Images are drawn and their features computed on the device, spread over the axis `data` of the mesh. Generated images are rounded to
    uint8 first, as saving them would. The same key gives the same numbers to the bit.

    Args:
      sample: key -> {"image": [B, H, W, C] in [-1, 1], or uint8} and, if a metric needs it, {"label": int [B]}; called with
        fold_in(key, 0), fold_in(key, 1), ...
      data: the real images, of the shape of the generated ones.
      metrics: for instance `frechet_metric()` and `prdc_metric()` of `jgan.metrics.standard`.
      n: number of generated images.
      key: for the generated images.
      features: the feature network.
      mesh: of `jgan.sharding.data_mesh`; None: one device.
      real_n: at most so many real images, drawn at random without replacement; all if there are no more.
      batch: real images per evaluation of the features; generated ones come in the batches of `sample`.
      cache: a folder in which what was gathered of the real images is kept, under a fingerprint of data, features and counts.

    Raises:
      ValueError: if images have not the shape of the data's or hold NaN, or there are too few for a metric.
    """
    metrics = list(metrics)
    kinds = {metric.statistics.name: metric.statistics for metric in metrics}
    extract = extractor(features, mesh)
    real = real_statistics(extract, data, kinds.values(), features, min(real_n, data.size), batch, cache)
    fake = _gather(kinds.values(), _generated(extract, sample, data.shape, n, key))
    return compare(metrics, real, fake)


def compare(metrics: Iterable[Metric], real: Mapping[str, Gathered], fake: Mapping[str, Gathered]) -> dict[str, float]:
    """All numbers of several metrics from what was gathered, by the name of the statistics, of real and of other images."""
    return {name: float(v) for m in metrics for name, v in m.compare(real[m.statistics.name], fake[m.statistics.name]).items()}


def extractor(features: Features, mesh: Mesh | None = None) -> Callable:
    """images (uint8, or float in [-1, 1]) -> the outputs of the feature network and "image" (uint8), as NumPy arrays."""

    def outputs(params, images):
        images = images if images.dtype == np.uint8 else quantise(images)
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
    extract: Callable, data: Data, kinds: Iterable[Statistics], features: Features, n: int, batch: int, cache: str | Path | None
) -> dict[str, Gathered]:
    """What is gathered of `n` real images, by the name of the statistics; read from the cache as far as it is there."""
    kinds = {kind.name: kind for kind in kinds}
    identity = fingerprint(data, features, n)
    paths = {} if cache is None else {name: Path(cache) / f"real-{name}-{identity}.npz" for name in kinds}
    found = {name: _load(path) for name, path in paths.items() if path.exists()}
    missing = [kind for name, kind in kinds.items() if name not in found]
    gathered = _gather(missing, _real(extract, data, n, batch)) if missing else {}
    for name in gathered.keys() & paths.keys():
        _save(paths[name], gathered[name])
    return found | gathered


def fingerprint(data: Data, features: Features, n: int) -> str:
    """Of data, its shape, the feature network and the number of images."""
    return hash_of(json.dumps([data_hash(data), features.name, n]).encode())


def data_hash(data: Data) -> str:
    """Of shape, size, labels and up to 64 images spread over the data: enough to tell sets apart without reading them whole."""
    spread = np.unique(np.linspace(0, data.size - 1, 64).astype(int))
    labels = b"" if data.labels is None else np.asarray(data.labels, np.int32).tobytes()
    return hash_of(repr((tuple(data.shape), data.size)).encode(), labels, *(data.read(int(i)).tobytes() for i in spread))


def _gather(kinds, batches):
    kinds, gathered = list(kinds), None
    for outputs in batches:
        gathered = gathered or [kind.begin() for kind in kinds]
        gathered = [kind.add(sofar, outputs) for kind, sofar in zip(kinds, gathered, strict=True)]
    return {kind.name: kind.end(sofar) for kind, sofar in zip(kinds, gathered, strict=True)}


def _generated(extract, sample, shape, n, key):
    """Outputs of exactly n generated images."""
    done, draws = 0, 0
    while done < n:
        drawn = sample(jax.random.fold_in(key, draws))
        images = drawn["image"]
        if images.shape[1:] != tuple(shape) or not len(images):
            raise ValueError(f"expected images of shape (B, {', '.join(map(str, shape))}), found {images.shape}")
        if images.dtype != np.uint8:
            _check_range(float(jnp.min(images)), float(jnp.max(images)))
        label = {"label": np.asarray(drawn["label"])} if "label" in drawn else {}
        outputs = extract(images) | label
        yield {name: value[: n - done] for name, value in outputs.items()}
        done, draws = done + len(images), draws + 1


def _check_range(low, high):
    if not np.isfinite(low) or not np.isfinite(high):
        raise ValueError("expected images in [-1, 1], found NaN or infinity: look at the training's curves")
    if low < -10 or high > 10:
        message = (
            f"expected images in [-1, 1], found values from {low:.3g} to {high:.3g}, which are clipped: is 0 to 255 meant? give uint8 then"
        )
        warnings.warn(message, UserWarning, stacklevel=2)


def _real(extract, data, n, batch):
    """Outputs of n real images, drawn at random; the last batch is filled up, so that one compiled program serves it too."""
    chosen = np.sort(np.random.default_rng(0).permutation(data.size)[:n])
    for start in range(0, n, batch):
        indices = chosen[start : start + batch]
        images = np.stack([data.read(int(i)) for i in indices])
        padded = np.pad(images, ((0, batch - len(images)), (0, 0), (0, 0), (0, 0)))
        label = {} if data.labels is None else {"label": data.labels[indices]}
        yield {name: value[: len(images)] for name, value in extract(padded).items()} | label


def _load(path):
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def _save(path, arrays):
    """Written aside and moved into place, so that a killed run leaves no half a file behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("wb") as file:
        np.savez(file, **arrays)
    aside.replace(path)


def hash_of(*parts: bytes) -> str:
    """The first eight digits of a SHA-256."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:8]
