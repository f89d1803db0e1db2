"""Feature spaces made offline: a classifier that the project trains on the data at hand.

A Fréchet distance in such features compares runs on the same data in the same feature space, and nothing else. It is named after that
space, whose name holds a hash of the weights, and it is not an FID: that name belongs to Inception's 2048 pool features.
"""

import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan.data.content import data_hash, hash_of
from jgan.data.source import Source, read_rows
from jgan.evaluation.fit import fit, keep_weights, kept_weights, network_name
from jgan.models.classifier import Classifier
from jgan.ops.images import to_float, to_uint8
from jgan.types import Array, Features, Key, Params

GOOD = 0.95  # held-out accuracy from which a classifier is left as it is
GAIN = 0.01  # of the held-out accuracy, by which it goes on to learn


def classifier_features(
    source: Source,
    folder: str | Path,
    *,
    seed: int = 0,
    steps: int = 400,
    most: int = 0,
    batch: int = 64,
    limit: int = 20_000,
    field: str = "image",
    network: Callable[..., Any] = Classifier,
) -> Features:
    """Returns features of a classifier trained on the labels of `source`, or on rotations of its images where it has no labels to tell
    apart.

    Without labels the task is to tell by which of 0, 90, 180, 270 degrees an image was turned (Gidaris, Singh, Komodakis 2018,
    https://arxiv.org/abs/1803.07728), all four turns of an image in one batch, on the central square.

    A tenth of the images is held out; the accuracy on it is printed and kept. Weights (npz) and protocol (json) are left in `folder`
    and are found there again by a later call with the same data and settings.

    Args:
      source: the training images; any channels, at least 16 x 16 pixels.
      folder: where weights are kept; made if absent.
      seed: for initial weights, held-out images and batches.
      steps: optimizer steps (Adam, cosine decay from 2e-3).
      most: as long as twice the steps make less than 95 % better by one point, they are doubled, up to this number. Weights that were
        kept are found with any `most`.
      batch: images per step, a multiple of 4.
      limit: maximum number of images of the source, drawn at random.
      field: of the source, what is classified; where it is no image, labels are needed.
      network: classes -> module, as `jgan.models.classifier.Classifier` is one.

    Warns (UserWarning) where the classifier ends close to guessing: its features then see little. Rotations cannot be told, for one,
    where the data shows things at any angle; open such a source with its labels.

    Raises:
      ValueError: if the source holds fewer than 10 images or smaller ones than 16 x 16, or the batch is no multiple of 4.
    """
    if source.size < 10:
        found = f"expected at least 10 images for the classifier of the score to learn from, found {source.size} in {source.name}"
        raise ValueError(f"{found}: give more, or train without a score (on the command line: --score-kimg 0)")
    if batch % 4:
        raise ValueError(f"expected a batch that is a multiple of 4, found {batch}")
    labelled = len(np.unique(source.columns.get("label", ()))) > 1
    classifier = network(classes=int(source.columns["label"].max()) + 1 if labelled else 4)
    settings = {"task": "labels" if labelled else "rotations", "classes": classifier.classes, "widths": list(classifier.widths)}
    settings |= {"data": data_hash(source), "seed": seed, "steps": steps, "batch": batch, "limit": limit}
    stem = Path(folder) / f"classifier-{hash_of(json.dumps(settings).encode())}"
    kept = kept_weights(stem, _init(classifier, source.spec.shape(field)), settings)
    if kept is None:
        images, labels = _examples(source, labelled, seed, limit, field)
        seen, unseen = _split(images, labels, len(images) // 10)
        params, accuracy, taken = _train_while_better(classifier, seen, unseen, seed=seed, steps=steps, most=most, batch=batch)
        kept = params, settings | {"source": source.name, "held_out_accuracy": accuracy, "steps_taken": taken}
        keep_weights(stem, *kept)
    return _features(*kept, classifier, source, field)


def classification_accuracy_score(
    generated: Iterable[Mapping[str, Any]],
    test: Source,
    *,
    n: int = 10_000,
    seed: int = 0,
    steps: int = 400,
    batch: int = 64,
    limit: int = 10_000,
) -> float:
    """Returns accuracy on real images of a classifier that has seen generated ones only: high where all classes are there, and true to
    life.

    The classifier is `jgan.models.classifier`, not the ResNet-50 of the paper, so compare a value only with values of the same classifier
    trained on as many real images: the same call with `real_batches(source, n)`.
    Source: Ravuri and Vinyals 2019, https://arxiv.org/abs/1905.10887.

    Args:
      generated: batches of {"image": [B, H, W, C] in [-1, 1] or uint8, "label": int32 [B]}, as `jgan.evaluation.evaluate` takes them.
      test: real images with labels, not those that the generator was trained on.
      n: generated images to learn from.
      seed: of the classifier.
      steps, batch: of its training.
      limit: maximum number of real images.

    Raises:
      ValueError: if the generated images or the real ones have no labels, or there are fewer than n generated ones.
    """
    _check_labels(test)
    images, labels = _collected(generated, n)
    classifier = Classifier(classes=1 + max(int(labels.max()), int(test.columns["label"].max())))
    params = _train(classifier, images, labels, seed=seed, steps=steps, batch=batch)
    return _accuracy(classifier, params, *_examples(test, True, seed, limit), batch)


def real_batches(source: Source, n: int, seed: int = 0, batch: int = 64) -> Iterator[dict[str, np.ndarray]]:
    """Yields batches of n real images drawn at random, with labels, where generated ones are expected, as a baseline.

    Raises:
      ValueError: if the source has no labels.
    """
    _check_labels(source)
    chosen = np.random.default_rng(seed).integers(0, source.size, -(-n // batch) * batch)
    for start in range(0, len(chosen), batch):
        yield read_rows(source, chosen[start : start + batch], ("image", "label"))


def _check_labels(source):
    if "label" not in source.columns:
        raise ValueError(f"expected real images with labels, found none in {source.name}: open it with labels=True")


def _collected(generated, n):
    """n generated images uint8, and their labels."""
    images, labels = [], []
    for drawn in generated:
        if "label" not in drawn:
            raise ValueError("expected generated images with labels, found none: classes can only be scored of a conditional generator")
        images.append(np.asarray(to_uint8(drawn["image"])))
        labels.append(np.asarray(drawn["label"]))
        if sum(map(len, labels)) >= n:
            return np.concatenate(images)[:n], np.concatenate(labels)[:n].astype(np.int32)
    raise ValueError(f"expected {n} generated images, found {sum(map(len, labels))}")


def _examples(source: Source, labelled: bool, seed: int, limit: int, field: str = "image") -> tuple[np.ndarray, np.ndarray | None]:
    """Images in random order and their labels; without labels the central squares of the images and None."""
    chosen = np.random.default_rng(seed).permutation(source.size)[:limit]
    images = read_rows(source, chosen, (field,))[field]
    if labelled:
        return images, source.columns["label"][chosen].astype(np.int32)
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


def _split(images, labels, held_out):
    """(images, labels) to learn from and (images, labels) held out; labels may be None."""
    return (images[held_out:], None if labels is None else labels[held_out:]), (
        images[:held_out],
        None if labels is None else labels[:held_out],
    )


def _train_while_better(classifier: Classifier, seen: tuple, unseen: tuple, *, seed: int, steps: int, most: int, batch: int):
    """Parameters, their accuracy on unseen images, and the steps that they took: rounds, each as long as all before, while they help."""
    params, taken = _train(classifier, *seen, seed=seed, steps=steps, batch=batch), steps
    accuracy = _accuracy(classifier, params, *unseen, batch=batch)
    while accuracy < GOOD and 2 * taken <= most:
        longer = _train(classifier, *seen, seed=seed + taken, steps=taken, batch=batch, begin=params)
        better = _accuracy(classifier, longer, *unseen, batch=batch)
        if better < accuracy + GAIN:
            break
        params, accuracy, taken = longer, better, 2 * taken
    return params, accuracy, taken


def _train(classifier: Classifier, images, labels, *, seed: int, steps: int, batch: int, begin: Params | None = None) -> Params:
    def loss_fn(params: Params, data: tuple[Array, Array | None], index: Array, key: Key) -> Array:
        del key  # nothing is random but the batch
        examples, targets = _task(*data, index)
        logits, _ = classifier.apply(params, to_float(examples))
        return optax.softmax_cross_entropy_with_integer_labels(logits, targets).mean()

    drawn = batch if labels is not None else batch // 4
    init = _init(classifier, images.shape[1:]) if begin is None else lambda key: begin
    return fit(init, loss_fn, (images, labels), seed=seed, steps=steps, batch=drawn)


def _init(classifier, shape):
    return lambda key: classifier.init(key, jnp.zeros((1, *shape), jnp.float32))


def _accuracy(classifier: Classifier, params: Params, images, labels, batch: int) -> float:
    """Share of the examples that are classified rightly."""

    @jax.jit
    def hits(params: Params, data: tuple[Array, Array | None], index: Array) -> Array:
        examples, targets = _task(*data, index)
        logits, _ = classifier.apply(params, to_float(examples))
        return logits.argmax(axis=1) == targets

    data = jax.tree.map(jnp.asarray, (images, labels))
    indices = (jnp.arange(start, min(start + batch, len(images))) for start in range(0, len(images), batch))
    return float(np.mean(np.concatenate([hits(params, data, index) for index in indices])))


def _features(params: Params, protocol: dict[str, Any], classifier: Classifier, source: Source, field: str) -> Features:
    name = network_name("classifier", source, params, field)
    accuracy, chance = protocol["held_out_accuracy"], 1.0 / classifier.classes
    print(f"{name}: {accuracy:.1%} of held-out {protocol['task']} right (chance {chance:.1%})")
    if accuracy - chance < 0.2 * (1.0 - chance):
        message = f"{name} is close to guessing {protocol['task']}: a score in its features sees little; give labels or more steps"
        warnings.warn(message, UserWarning, stacklevel=3)

    def apply(params, images):
        logits, features = classifier.apply(params, to_float(images))
        return {"features": features, "logits": logits}

    return Features(name, apply, params, protocol)
