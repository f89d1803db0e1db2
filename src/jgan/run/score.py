"""Scores that a training run can follow offline: a Fréchet distance in the features of a classifier trained on the data itself.

Such a number compares runs on the same data in the same feature space, and nothing else. It is named after that space, whose name holds
a hash of the weights, and it is not an FID: that name belongs to Inception's 2048 pool features.
"""

import functools
import hashlib
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan.metrics.frechet import Moments, empty, frechet_distance, update
from jgan.models.classifier import Classifier
from jgan.types import Array, Params

if TYPE_CHECKING:
    from jgan.data import Source


class Features(NamedTuple):
    """A feature space: a network with its weights, named so that two numbers are comparable exactly where the names are equal."""

    name: str  # kind, data, resolution, hash of the weights: "classifier-fashion_mnist-28px-a1b2c3d4"
    size: int  # F
    apply: Callable  # (params, images [N, H, W, C] in [-1, 1]) -> features [N, F]
    params: Params
    protocol: dict[str, Any]  # how the weights came about


class Score(NamedTuple):
    """A number for a generator, lower is better."""

    name: str  # "frechet_distance/<name of the features>"
    protocol: dict[str, Any]  # everything that the number depends on, to be kept beside it
    compute: Callable  # (sample: key -> images [B, H, W, C] in [-1, 1]) -> float


def classifier_features(
    source: "Source", folder: str | Path, *, seed: int = 0, steps: int = 400, batch: int = 64, limit: int = 20_000
) -> Features:
    """Features of a classifier trained on the labels of `source`, or on rotations of its images where it has no labels to tell apart.

    Without labels the task is to tell by which of 0, 90, 180, 270 degrees an image was turned (Gidaris, Singh, Komodakis 2018,
    https://arxiv.org/abs/1803.07728), all four turns of an image in one batch, on the central square.

    A tenth of the images is held out; the accuracy on it is printed and kept. Weights (npz) and protocol (json) are left in `folder`
    and are found there again by a later call with the same data and settings.

    Args:
      source: the training images; any channels, at least 16 x 16 pixels.
      folder: where weights are kept; made if absent.
      seed: for initial weights, held-out images and batches.
      steps: optimizer steps (Adam, cosine decay from 2e-3).
      batch: images per step, a multiple of 4.
      limit: at most so many images of the source are used, drawn at random.

    Warns (UserWarning) where the classifier ends close to guessing: its features then see little. Rotations cannot be told, for one,
    where the data shows things at any angle; open such a source with its labels.

    Raises:
      ValueError: if the source holds fewer than 10 images or smaller ones than 16 x 16, or the batch is no multiple of 4.
    """
    if source.size < 10 or batch % 4:
        raise ValueError(f"expected at least 10 images and a batch that is a multiple of 4, found {source.size} and {batch}")
    labelled = source.labels is not None and len(np.unique(source.labels)) > 1
    classifier = Classifier(classes=int(source.labels.max()) + 1 if labelled else 4)
    settings = {"task": "labels" if labelled else "rotations", "classes": classifier.classes, "widths": list(classifier.widths)}
    settings |= {"data": _data_hash(source), "seed": seed, "steps": steps, "batch": batch, "limit": limit}
    stem = Path(folder) / f"classifier-{_hash(json.dumps(settings).encode())}"
    if not stem.with_suffix(".json").exists():
        params, accuracy = _train(classifier, *_examples(source, labelled, seed, limit), seed=seed, steps=steps, batch=batch)
        _save(stem.with_suffix(".npz"), lambda file: np.savez(file, **_by_path(params)))
        protocol = settings | {"source": source.name, "held_out_accuracy": accuracy}
        _save(stem.with_suffix(".json"), lambda file: file.write(json.dumps(protocol, indent=2).encode()))
    return _load(stem, classifier, source)


def frechet_score(
    features: Features,
    source: "Source",
    folder: str | Path,
    *,
    samples: int = 5_000,
    real_samples: int = 10_000,
    batch: int = 64,
    seed: int = 0,
) -> Score:
    """Fréchet distance of generated images to those of `source` in the given features; see `jgan.metrics.frechet_distance`.

    Generated images are rounded to the uint8 grid first, as saving them would. Moments of the real images are computed here, once, and
    kept in `folder`. `compute` draws sample(fold_in(key(seed), i)) for i = 0, 1, ... until it has enough, so every call within a run
    sees the same latents and equal generators get equal numbers. It raises ValueError if the images have not the shape of the source's
    or hold NaN, and warns if there are fewer samples than features.

    Args:
      features: the feature space, say of `classifier_features`.
      source: the real images; the shape (H, W, C) of what the generator makes.
      folder: where the moments of the real images are kept; made if absent.
      samples: number of generated images.
      real_samples: number of real images, drawn at random; all if the source holds no more.
      batch: real images per evaluation of the features. Generated ones come in the batches that `sample` returns.
      seed: for the choice of real images and the latents.
    """
    extract = jax.jit(lambda params, images: features.apply(params, _quantised(images)))
    extract = functools.partial(extract, features.params)
    protocol = {"metric": "frechet_distance", "features": features.name, "feature_network": features.protocol, "source": source.name}
    protocol |= {"shape": list(source.shape), "data": _data_hash(source), "quantised": "uint8", "seed": seed}
    protocol |= {"samples": samples, "real_samples": min(real_samples, source.size)}
    real = _real_moments(extract, source, Path(folder), protocol, batch)

    def compute(sample: Callable) -> float:
        key, fake, draws = jax.random.key(seed), empty(features.size), 0
        while fake.count < samples:
            images = sample(jax.random.fold_in(key, draws))
            if images.shape[1:] != tuple(source.shape) or not len(images):
                raise ValueError(f"expected images of shape (B, {', '.join(map(str, source.shape))}), found {images.shape}")
            fake = update(fake, np.asarray(extract(images))[: samples - fake.count])
            draws += 1
        return frechet_distance(real, fake)

    return Score(f"frechet_distance/{features.name}", protocol, compute)


def _quantised(images: Array) -> Array:
    """The nearest images in [-1, 1] that uint8 can hold; NaN stays NaN, to be refused by the metric."""
    return jnp.clip(jnp.round((images.astype(jnp.float32) + 1.0) * 127.5), 0.0, 255.0) / 127.5 - 1.0


def _in_range(images):
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1.0)


def _real_moments(extract: Callable, source: "Source", folder: Path, protocol: dict, batch: int) -> Moments:
    count, seed = protocol["real_samples"], protocol["seed"]
    identity = json.dumps([protocol[name] for name in ("features", "data", "real_samples", "seed")])
    path = folder / f"moments-{_hash(identity.encode())}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as file:
            return Moments(int(file["count"]), file["mean"], file["scatter"])
    chosen = np.sort(np.random.default_rng(seed).permutation(source.size)[:count])
    parts = (_read(source, chosen[start : start + batch]) for start in range(0, count, batch))
    rows = (_padded(extract, _in_range(images), batch) for images in parts)
    first = next(rows)
    moments = functools.reduce(update, rows, update(empty(first.shape[1]), first))
    _save(path, lambda file: np.savez(file, **moments._asdict()))
    return moments


def _padded(function: Callable, images: np.ndarray, batch: int) -> np.ndarray:
    """function(images) for at most one batch of images, filled up with black so that one compiled program serves the last batch too."""
    missing = batch - len(images)
    return np.asarray(function(np.pad(images, ((0, missing), (0, 0), (0, 0), (0, 0)))))[: len(images)]


def _read(source: "Source", indices: np.ndarray) -> np.ndarray:
    return np.stack([source.read(int(i)) for i in indices])


def _examples(source: "Source", labelled: bool, seed: int, limit: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Images in random order and their labels; without labels the central squares of the images and None."""
    chosen = np.random.default_rng(seed).permutation(source.size)[:limit]
    images = _read(source, chosen)
    if labelled:
        return images, source.labels[chosen].astype(np.int32)
    height, width = images.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return images[:, top : top + side, left : left + side], None


def _task(images: Array, labels: Array | None, index: Array) -> tuple[Array, Array]:
    """Images uint8 and targets of the examples at `index`: their labels, or all four turns of each and the number of quarter turns."""
    images = jnp.take(images, index, axis=0)
    if labels is not None:
        return images, jnp.take(labels, index)
    turned = jnp.concatenate([jnp.rot90(images, turns, axes=(1, 2)) for turns in range(4)])
    return turned, jnp.repeat(jnp.arange(4, dtype=jnp.int32), len(index))


def _train(classifier: Classifier, images, labels, *, seed: int, steps: int, batch: int) -> tuple[Params, float]:
    """Params and held-out accuracy; the first tenth of the examples is held out."""
    held_out = len(images) // 10
    data = jax.tree.map(jnp.asarray, (images, labels))
    optimizer = optax.adam(optax.cosine_decay_schedule(2e-3, steps))
    drawn = batch if labels is not None else batch // 4
    init_key, key = jax.random.split(jax.random.key(seed))

    def loss_fn(params, data, index):
        examples, targets = _task(*data, index)
        logits, _ = classifier.apply(params, _in_range(examples))
        return optax.softmax_cross_entropy_with_integer_labels(logits, targets).mean()

    @jax.jit
    def step(params, opt_state, data, number):
        index = jax.random.randint(jax.random.fold_in(key, number), (drawn,), held_out, len(images))
        updates, opt_state = optimizer.update(jax.grad(loss_fn)(params, data, index), opt_state, params)
        return optax.apply_updates(params, updates), opt_state

    params = jax.jit(classifier.init)(init_key, _in_range(images[:1]))
    opt_state = optimizer.init(params)
    for number in range(steps):
        params, opt_state = step(params, opt_state, data, number)
    return params, _accuracy(classifier, params, data, held_out, drawn)


def _accuracy(classifier: Classifier, params: Params, data: tuple, held_out: int, batch: int) -> float:
    """Share of the held-out examples that are classified rightly."""

    @jax.jit
    def hits(params, data, index):
        examples, targets = _task(*data, index)
        logits, _ = classifier.apply(params, _in_range(examples))
        return logits.argmax(axis=1) == targets

    indices = (jnp.arange(start, min(start + batch, held_out)) for start in range(0, held_out, batch))
    return float(np.mean(np.concatenate([hits(params, data, index) for index in indices])))


def _load(stem: Path, classifier: Classifier, source: "Source") -> Features:
    with np.load(stem.with_suffix(".npz"), allow_pickle=False) as file:
        weights = {name: file[name] for name in sorted(file.files)}
    protocol = json.loads(stem.with_suffix(".json").read_text())
    data = Path(source.name.replace(":", "-")).name.split(".")[0]
    height, width = source.shape[:2]
    resolution = f"{height}px" if height == width else f"{height}x{width}px"
    name = f"classifier-{data}-{resolution}-{_hash(*(weight.tobytes() for weight in weights.values()))}"
    accuracy, chance = protocol["held_out_accuracy"], 1.0 / classifier.classes
    print(f"{name}: {accuracy:.1%} of held-out {protocol['task']} right (chance {chance:.1%})")
    if accuracy - chance < 0.2 * (1.0 - chance):
        message = f"{name} is close to guessing {protocol['task']}: a score in its features sees little; give labels or more steps"
        warnings.warn(message, UserWarning, stacklevel=3)
    params = _nested(weights)
    return Features(name, classifier.widths[-1], lambda params, images: classifier.apply(params, images)[1], params, protocol)


def _by_path(params: Params) -> dict[str, Array]:
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(params)}


def _nested(weights: dict[str, np.ndarray]) -> Params:
    tree: Params = {}
    for path, weight in weights.items():
        *parents, leaf = path.split("/")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = jnp.asarray(weight)
    return tree


def _save(path: Path, write: Callable) -> None:
    """Written aside and moved into place, so that a killed run leaves no half a file behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    with aside.open("wb") as file:
        write(file)
    aside.replace(path)


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:8]


def _data_hash(source: "Source") -> str:
    """Of shape, size, labels and up to 64 images spread over the source: enough to tell data sets apart without reading them whole."""
    spread = np.unique(np.linspace(0, source.size - 1, 64).astype(int))
    labels = b"" if source.labels is None else np.asarray(source.labels, np.int32).tobytes()
    return _hash(repr((tuple(source.shape), source.size)).encode(), labels, *(source.read(int(i)).tobytes() for i in spread))
