"""What images show, by attributes: a network that reads them, trained apart from any generator, and scores of edits by it.

An edit should change some attributes and keep all others. The network is trained on real images that no generator sees; its name holds a
hash of its weights, and its accuracy on held-out images stands beside every score: it is what a perfect edit scores.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan.data.attributes import known_attributes
from jgan.data.content import data_hash, hash_of
from jgan.data.open import open_source
from jgan.data.source import Source, read_rows
from jgan.evaluation.fit import fit, keep_weights, kept_weights, network_name
from jgan.models.attribute_net import AttributeNet
from jgan.ops.images import to_float, to_uint8
from jgan.types import Array, Key, Params

BATCH = 100  # images that are read at once
UNSEEN_SHAPES = 16_000  # that a network learns from which reads shapes
SHIFT = 2  # pixels, by which images are shifted at most while they are learnt, each anew


class AttributeClassifier(NamedTuple):
    """A trained network that reads the attributes of images. Scores by two of them are comparable exactly where their names are equal."""

    name: str  # kind, data, resolution and the hash of its weights
    values: Mapping[str, tuple[str, ...]]  # attribute: the names of its values
    params: Params
    accuracy: Mapping[str, float]  # of each attribute, on held-out images that show it
    protocol: Mapping[str, Any]


def train_attributes(
    source: Source, folder: str | Path, *, seed: int = 0, steps: int = 4000, batch: int = 32, limit: int = 20_000
) -> AttributeClassifier:
    """Trains a network to read the attributes of a source, on all but a tenth of its images, which measures its accuracy.

    Weights (npz) and protocol (json) are left in `folder` and are found there again by a later call with the same data and settings.

    Args:
      source: images that no generator sees, say of the split "val" of faces, of at least 16 x 16 pixels, with the field `attributes` [A]
        of integers; `names` has their names, and the names of the values of each. A field `visible` bool [A] tells which of them an image
        shows: the others are neither learned nor counted.
      folder: where weights are kept; made if absent.
      seed: for initial weights, held-out images and batches.
      steps, batch: of the training (Adam, cosine decay from 2e-3; images are shifted by up to 2 pixels).
      limit: maximum number of images, drawn at random.

    Raises:
      ValueError: if there are no named attributes, or fewer than 10 images.
    """
    values = _values(source)
    if source.size < 10:
        raise ValueError(f"expected at least 10 images, found {source.size} in {source.name}")
    settings = {"task": "attributes", "values": {name: list(known) for name, known in values.items()}, "data": data_hash(source)}
    settings |= {"seed": seed, "steps": steps, "batch": batch, "limit": limit}
    shape, net = source.spec.shape("image"), _net(values)
    stem = Path(folder) / f"attributes-{hash_of(json.dumps(settings).encode())}"

    def init(key):
        return net.init(key, jnp.zeros((1, *shape), jnp.float32))

    kept = kept_weights(stem, init, settings)
    if kept is None:
        examples = _examples(source, seed, limit)
        count = len(examples[0]) // 10
        seen, unseen = (tuple(field[part] for field in examples) for part in (slice(count, None), slice(count)))
        params = fit(init, lambda *arguments: _loss(net, *arguments), seen, seed=seed, steps=steps, batch=batch)
        accuracy = shares_right(unseen[1], _read(net, params, unseen[0]), values, unseen[2])
        kept = params, settings | {"source": source.name, "shape": list(shape), "held_out_accuracy": accuracy}
        keep_weights(stem, *kept)
    params, protocol = kept
    return AttributeClassifier(network_name("attributes", source, params), values, params, protocol["held_out_accuracy"], protocol)


def reader_of_shapes(resolution: int, folder: str | Path) -> AttributeClassifier:
    """Returns what reads kind and colour of the main one of the embedded shapes, trained on shapes that no generator is trained on."""
    unseen = open_source("shapes", split="val", resolution=resolution, limit=UNSEEN_SHAPES)
    return train_attributes(known_attributes(unseen, "val"), folder)


def read_attributes(classifier: AttributeClassifier, images: Any) -> np.ndarray:
    """Computes the most probable value of each attribute, int8 [N, A], of images [N, H, W, C], uint8 or in [-1, 1] and rounded as if saved.

    Raises:
      ValueError: if they are not of the size that the classifier was trained on.
    """
    _check_shape(classifier, images)
    return _read(_net(classifier.values), classifier.params, images)


def attribute_scores(classifier: AttributeClassifier, images: Any) -> np.ndarray:
    """Computes the log-odds log(p / (1 - p)) of every value of every attribute, side by side, float32 [N, sum of their numbers]; arguments
    and errors as of `read_attributes`."""
    _check_shape(classifier, images)
    return _read(_net(classifier.values), classifier.params, images, _log_odds)


def _check_shape(classifier, images):
    shape = tuple(classifier.protocol["shape"])
    if images.ndim != 4 or images.shape[1:] != shape:
        raise ValueError(f"expected images [N, {', '.join(map(str, shape))}] for {classifier.name}, found {images.shape}; resize them")


def edit_scores(classifier: AttributeClassifier, images: Any, wanted: np.ndarray, visible: np.ndarray | None = None) -> dict[str, float]:
    """Computes, of edited images, the share that shows the wanted value of each attribute: the new one of those edited, the old of others.

    Args:
      classifier: of `train_attributes`.
      images: edited images [N, H, W, C], uint8 or in [-1, 1].
      wanted: the attributes that they should show, int [N, A].
      visible: which of them they could show, bool [N, A]; by default all.

    Returns:
      By name: "right/ATTRIBUTE", and "held_out/ATTRIBUTE", the accuracy of the classifier on real images: what a perfect edit scores.
    """
    right = shares_right(wanted, read_attributes(classifier, images), classifier.values, visible)
    held_out = {f"held_out/{name}": accuracy for name, accuracy in classifier.accuracy.items()}
    return {f"right/{name}": share for name, share in right.items()} | held_out


def shares_right(wanted: np.ndarray, found: np.ndarray, names: Iterable[str], visible: np.ndarray | None = None) -> dict[str, float]:
    """Computes the share of images whose found attributes [N, A] are the wanted ones, by name, among those where visible; NaN of none.

    >>> shares_right(np.asarray([[0, 1], [1, 1]]), np.asarray([[0, 0], [1, 1]]), ("hat", "smile"))
    {'hat': 1.0, 'smile': 0.5}
    """
    seen = np.ones(wanted.shape, bool) if visible is None else np.asarray(visible, bool)
    hits, counts = ((wanted == found) & seen).sum(axis=0), seen.sum(axis=0)
    return {name: float(hit) / float(count) if count else float("nan") for name, hit, count in zip(names, hits, counts, strict=True)}


def confusions(
    wanted: np.ndarray, found: np.ndarray, values: Mapping[str, tuple[str, ...]], visible: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Counts, for each attribute, how often each value was found (column) where each was wanted (row): int [K, K] by name.

    >>> confusions(np.asarray([[0], [1], [1]]), np.asarray([[0], [0], [1]]), {"hat": ("none", "cap")})["hat"].tolist()
    [[1, 0], [1, 1]]
    """
    seen = np.ones(wanted.shape, bool) if visible is None else np.asarray(visible, bool)
    tables = {}
    for number, (name, known) in enumerate(values.items()):
        tables[name] = np.zeros((len(known), len(known)), np.int64)
        rows = seen[:, number]
        np.add.at(tables[name], (wanted[rows, number], found[rows, number]), 1)
    return tables


def _values(source):
    """The names of the values of each attribute."""
    attributes = source.names.get("attributes", ())
    if not attributes or "attributes" not in source.fields or not set(attributes) <= source.names.keys():
        found = f"{', '.join(source.fields)} in {source.name}"
        raise ValueError(f"expected images with named attributes, found {found}; add them with jgan.data.attributes")
    return {name: tuple(source.names[name]) for name in attributes}


def _net(values):
    return AttributeNet(tuple(map(len, values.values())))


def _examples(source, seed, limit):
    """Images, attributes int32 and which of them are visible float32, in random order."""
    chosen = np.random.default_rng(seed).permutation(source.size)[:limit]
    rows = read_rows(source, chosen, tuple(name for name in ("image", "attributes", "visible") if name in source.fields))
    attributes = rows["attributes"].astype(np.int32)
    return rows["image"], attributes, rows.get("visible", np.ones(attributes.shape)).astype(np.float32)


def _split(net: AttributeNet, logits: Array) -> list[Array]:
    """The logits [N, K] of each attribute."""
    return jnp.split(logits, np.cumsum(net.values)[:-1], axis=1)


def _loss(net: AttributeNet, params: Params, data: tuple[Array, Array, Array], index: Array, key: Key) -> Array:
    """The sum over attributes of the mean cross-entropy of those that are visible, of images shifted at random."""
    images, attributes, visible = (jnp.take(field, index, axis=0) for field in data)
    shifts = jax.random.randint(key, (len(images), 2), -SHIFT, SHIFT + 1)
    shifted = jax.vmap(lambda image, shift: jnp.roll(image, shift, axis=(0, 1)))(images, shifts)
    logits, _ = net.apply(params, to_float(shifted))
    each = [
        optax.softmax_cross_entropy_with_integer_labels(of_one, attributes[:, number]) for number, of_one in enumerate(_split(net, logits))
    ]
    return jnp.sum(jnp.stack(each, axis=1) * visible) / len(images)


def _most_probable(logits: Array) -> Array:
    return logits.argmax(axis=1, keepdims=True).astype(jnp.int8)


def _log_odds(logits: Array) -> Array:
    others = jnp.where(jnp.eye(logits.shape[1], dtype=bool)[None], -jnp.inf, logits[:, None, :])
    return logits - jax.nn.logsumexp(others, axis=2)


def _read(net: AttributeNet, params: Params, images: Any, of_one: Callable[[Array], Array] = _most_probable) -> np.ndarray:
    """What a function makes of the logits [N, K] of each attribute, side by side."""
    read = _reader(net.values, of_one)
    return np.concatenate([read(params, images[start : start + BATCH]) for start in range(0, len(images), BATCH)])


@functools.cache
def _reader(values: tuple[int, ...], of_one: Callable[[Array], Array]) -> Callable[[Params, Any], Array]:
    net = AttributeNet(values)

    @jax.jit
    def read(params, images):
        logits, _ = net.apply(params, to_float(to_uint8(images)))
        return jnp.concatenate([of_one(logits) for logits in _split(net, logits)], axis=1)

    return read
