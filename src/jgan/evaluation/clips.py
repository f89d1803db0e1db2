"""How good generated clips are: how things move, by a classifier of clips, and what they are, by one of frames, which should stay.

Neither is a network that a loss uses. The Fréchet distance is in the features of a small classifier of the motions at hand, and compares
runs on the same data: it is not the one of the literature, whose network has seen films.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from jgan.data.source import Source, read_rows, spread
from jgan.evaluation.attributes import AttributeClassifier, read_attributes, train_attributes
from jgan.evaluation.classified import Classified, class_numbers
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import Extract, check_range, extractor
from jgan.evaluation.results import describe
from jgan.evaluation.score import NEIGHBOURS_AMONG, Score, Snapshot
from jgan.metrics.classes import class_histogram, histogram_distance
from jgan.models.clip_classifier import ClipClassifier, check_shape
from jgan.ops.frames import fold, unfold
from jgan.types import Features

BATCH = 64  # clips at a time
REAL = 2_000  # real clips at most
LIKE = 40  # of 255: what differs by less is taken for the ground


class Watching(NamedTuple):
    """The networks that look at clips of a source."""

    motion: Features
    extract: Extract  # of the same
    content: AttributeClassifier | None  # None where the data does not say what its clips show


class Watched(NamedTuple):
    """What the networks make of clips."""

    motion: Classified
    content: np.ndarray | None  # int8 [N, T, A], the attributes of every frame
    code: np.ndarray | None = None  # int [N], the code by which the generator was to tell motions apart


def watching(source: Source, folder: str | Path, mesh: Mesh | None = None) -> Watching:
    """Trains the networks on a source, or finds them in the folder; errors as `motion_classifier`."""
    motion = motion_classifier(source, folder)
    content = content_reader(source, folder) if "attributes" in source.fields else None
    return Watching(motion, extractor(motion, mesh), content)


def motion_classifier(source: Source, folder: str | Path, *, steps: int = 600) -> Features:
    """Returns `classifier_features` of the labels of a source of clips, by convolutions in time and space.

    Raises:
      ValueError: for clips without several labels, or too small or too short ones.
    """
    check_shape(source.spec.shape("video"))
    if len(np.unique(source.columns.get("label", ()))) < 2:
        found = f"none in {source.name}: put them in folders, or train without a score (on the command line: --score-kimg 0)"
        raise ValueError(f"expected clips with two or more labels for the classifier of the score, found {found}")
    return classifier_features(source, folder, steps=steps, batch=32, field="video", network=ClipClassifier)


def content_reader(source: Source, folder: str | Path, *, steps: int = 1500) -> AttributeClassifier:
    """Returns `train_attributes` on one frame of each clip of a source."""
    return train_attributes(frames_of(source), folder, steps=steps)


def frames_of(source: Source) -> Source:
    """Returns one frame of each clip as `image`, by turns the first, the second, ..., with the attributes of the clip."""
    frames, *shape = source.spec.shape("video")
    fields = {"image": jax.ShapeDtypeStruct(tuple(shape), np.uint8), "attributes": source.fields["attributes"]}

    def read(index):
        clip = source.read(index)
        return {"image": clip["video"][index % frames], "attributes": clip["attributes"]}

    columns = {name: values for name, values in source.columns.items() if name == "attributes"}
    return Source(source.name, source.size, fields, read, source.names, columns)


def content_protocol(networks: Watching) -> dict[str, Any]:
    """Returns what the numbers of what clips show depend on: the network, and its accuracy on held-out frames."""
    content = networks.content
    return {} if content is None else {"content_network": content.name, "content_accuracy": dict(content.accuracy)}


def watch(networks: Watching, drawn: Iterable[Mapping[str, Any]], n: int) -> Watched:
    """Returns what the networks make of n clips, of batches with `video` and perhaps `label`.

    Raises:
      ValueError: for NaN, or if there are fewer.
    """
    parts, done = [], 0
    for batch in drawn:
        check_range(batch["video"])
        found = networks.extract(batch["video"])
        clips = found.pop("image")
        given = {name: np.asarray(batch[name]) for name in ("label", "code") if name in batch}
        content = {} if networks.content is None else {"content": unfold(read_attributes(networks.content, fold(clips)), len(clips))}
        parts.append({**found, **given, **content})
        done += len(clips)
        if done >= n:
            break
    if done < n:
        raise ValueError(f"expected {n} clips, found {done}")
    whole = {name: np.concatenate([part[name] for part in parts])[:n] for name in parts[0]}
    return Watched(Classified(whole["features"], whole["logits"], whole.get("label")), whole.get("content"), whole.get("code"))


def watch_source(networks: Watching, source: Source, most: int = REAL) -> Watched:
    """Returns what the networks make of up to `most` clips of a source."""
    count = min(most, source.size)
    return watch(networks, real_batches(source, count), count)


def real_batches(source: Source, count: int) -> Iterable[Mapping[str, np.ndarray]]:
    """Yields clips and labels of a source, evenly spaced."""
    indices = spread(source.size, count)
    return (read_rows(source, indices[start : start + BATCH], ("video", "label")) for start in range(0, count, BATCH))


def frozen(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the first frame of each clip of a batch throughout: nothing moves."""
    return {**batch, "video": np.repeat(batch["video"][:, :1], batch["video"].shape[1], axis=1)}


def shuffled(batch: Mapping[str, Any], seed: int = 0) -> dict[str, Any]:
    """Returns the frames of each clip of a batch in a random order: all of them are real, the motion is not."""
    video = batch["video"]
    order = np.random.default_rng(seed).permuted(np.tile(np.arange(video.shape[1]), (len(video), 1)), axis=1)
    return {**batch, "video": np.take_along_axis(video, order[:, :, None, None, None], axis=1)}


def clip_numbers(fake: Watched, real: Watched, source: Source) -> dict[str, float]:
    """Returns `class_numbers` of motions and, as motion/NAME, the share of each; `motion_of_code`, the share of clips with the most
    frequent motion of their code, where they have one; and of what is shown `content_numbers` by attribute.

    Raises:
      ValueError: for fewer than 6 clips.
    """
    names = source.names["label"]
    shares = {f"motion/{name}": float(share) for name, share in zip(names, class_histogram(fake.motion.logits), strict=True)}
    numbers = class_numbers(fake.motion, real.motion) | shares
    if fake.code is not None:
        numbers["motion_of_code"] = _share_by(fake.code, fake.motion.logits.argmax(axis=1))
    if fake.content is None or real.content is None:
        return numbers
    for number, name in enumerate(source.names["attributes"]):
        found = content_numbers(fake.content[..., number], real.content[..., number], len(source.names[name]))
        numbers |= {f"{what}/{name}": value for what, value in found.items()}
    return numbers


def content_numbers(fake: np.ndarray, real: np.ndarray, count: int) -> dict[str, float]:
    """Computes, of an attribute [N, T] of frames with `count` values, the share of the frames of a clip with its most frequent value; and
    the distance of the histograms of these between generated and real clips, from 0 to 1.

    >>> content_numbers(np.asarray([[0, 0, 0, 1]]), np.asarray([[0, 0, 0, 0]]), 2)
    {'constant': 0.75, 'content_distance': 0.0}
    """
    shares = [np.stack([(values == one).mean(axis=1) for one in range(count)], axis=1) for values in (fake, real)]
    histograms = [np.bincount(found.argmax(axis=1), minlength=count) / len(found) for found in shares]
    return {"constant": float(shares[0].max(axis=1).mean()), "content_distance": float(histogram_distance(histograms[1], histograms[0]))}


def _share_by(groups, values):
    """The share of values that are the most frequent one of their group."""
    return float(sum(np.bincount(values[groups == one]).max() for one in np.unique(groups)) / len(values))


def mixed_numbers(watched: Watched, sizes: np.ndarray, columns: int, source: Source) -> dict[str, float]:
    """Computes what stays in a row, where the content is the same and the motion differs, and in a column, where it is the reverse.

    Args:
      watched: clips row by row, `columns` in each.
      sizes: of `shown_sizes`, of the same.
      columns: number of motions.
      source: whose attributes are named.

    Returns:
      As same_content/NAME and same_motion/NAME, the mean share of the clips of a row or a column with its most frequent value: of the
      motion, of each attribute, at most of the frames of a clip, and, as `size`, within a tenth of the median size.
    """
    rows = np.arange(len(sizes)) // columns
    values = {"motion": watched.motion.logits.argmax(axis=1)}
    if watched.content is not None:
        each = np.moveaxis(watched.content, 2, 0)
        values |= {name: _most_frequent(found) for name, found in zip(source.names["attributes"], each, strict=True)}
    numbers = {}
    for same, groups in (("same_content", rows), ("same_motion", np.arange(len(sizes)) % columns)):
        numbers |= {f"{same}/{name}": _share_by(groups, found) for name, found in values.items()}
        medians = np.asarray([np.median(sizes[groups == one]) for one in groups])
        numbers[f"{same}/size"] = float((np.abs(sizes - medians) <= 0.1 * medians).mean())
    return numbers


def _most_frequent(values):
    return np.asarray([np.bincount(row).argmax() for row in values])


def shown_sizes(clips: np.ndarray) -> np.ndarray:
    """Computes how large what clips show is before an even ground, [N]: the root of the share of pixels that differ from the ground, the
    median pixel, in some channel by more than LIKE; the median over the frames.

    Args:
      clips: uint8 [N, T, H, W, C].

    >>> clips = np.zeros((1, 3, 8, 8, 3), np.uint8)
    >>> clips[:, :, :4, :4] = 200
    >>> shown_sizes(clips)
    array([0.5])
    """
    ground = np.median(clips, axis=(1, 2, 3), keepdims=True)
    shares = (np.abs(clips - ground) > LIKE).any(axis=4).mean(axis=(2, 3))
    return np.sqrt(np.median(shares, axis=1))


def clip_score(config: Any, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """Returns `clip_numbers` of `config.score_samples` generated clips, by networks that are trained on the same source; the criterion is
    the Fréchet distance.

    Raises:
      ValueError: as `motion_classifier`.
    """
    networks = watching(source, folder, mesh)
    real = watch_source(networks, source)
    criterion = f"score/frechet_distance/{networks.motion.name}"
    protocol = {"metric": "frechet_distance", "features": networks.motion.name, "feature_network": networks.motion.protocol}
    protocol |= content_protocol(networks) | describe(source) | {"neighbours_among": NEIGHBOURS_AMONG}
    protocol |= {"samples": config.score_samples, "real_samples": len(real.motion.features)}

    def compute(snapshot: Snapshot) -> dict[str, float]:
        fake = watch(networks, snapshot.outputs(source, config.score_samples), config.score_samples)
        numbers = clip_numbers(fake, real, source)
        return {criterion: numbers.pop("frechet_distance")} | {f"clip/{name}": value for name, value in numbers.items()}

    return Score(criterion, protocol, compute, watched={"clip/recall": 0.5, "clip/coverage": 0.5, "clip/classes": 0.9})
