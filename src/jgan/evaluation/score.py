"""What a run follows of its generator's quality: the number by which its best checkpoint is kept, and what tells of a collapse."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from jax.sharding import Mesh

from jgan.data.content import data_hash
from jgan.data.source import Source
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import Metric, check_range, extractor, measure, together
from jgan.evaluation.named import classes_metric, frechet_metric, prdc_metric
from jgan.ops.images import to_uint8
from jgan.types import Array, Features, Fields

NEIGHBOURS_AMONG = 2_000  # images of each kind in precision and recall: enough to see a collapse
SHARE_OF_RUN = 0.05  # of the images of a run, that its classifier may learn from
BATCH = 64  # images per step of the classifier
WATCHED = {"variety/recall": 0.5, "variety/coverage": 0.5, "variety/classes": 0.9}  # see `Score.watched`


class Draw(Protocol):
    """Yields outputs and conditions of n examples of a source, in order, batch by batch; the last batch may hold more."""

    def __call__(self, source: Source, n: int, /, *, seed: int = 0) -> Iterator[Fields]: ...


class Snapshot(NamedTuple):
    """What is scored: a state of the training, and what it makes."""

    state: Any
    outputs: Draw


class Score(NamedTuple):
    """Numbers for a state of the training, one of which is the criterion."""

    criterion: str  # the name of the number that says which checkpoint is the best
    protocol: Mapping[str, Any]  # everything that the numbers depend on, to be kept beside them
    compute: Callable[[Snapshot], dict[str, float]]  # numbers by name, the criterion among them
    lower_is_better: bool = True  # of the criterion
    watched: Mapping[str, float] = {}  # number: the share of its best that it should keep, or the generator may be collapsing


def frechet_score(
    features: Features,
    source: Source,
    folder: str | Path,
    *,
    conditions: Source | None = None,
    output: str = "image",
    samples: int = 5_000,
    real_samples: int = 10_000,
    batch: int = 64,
    seed: int = 0,
    mesh: Mesh | None = None,
) -> Score:
    """Returns the Fréchet distance of generated images to those of `source` in the given features, precision, recall, density and coverage
    of up to 2,000 of each, and, if the features come with labels, the histogram of the generated images' classes. See `jgan.metrics`.

    Every call within a run sees the same latents, so equal generators get equal numbers. `compute` raises ValueError if the images have
    not the shape of the source's or hold NaN, and warns if there are fewer samples than features.

    Args:
      features: the feature space, say of `jgan.evaluation.classifier.classifier_features`.
      source: the real images; the shape (H, W, C) of what the generator makes.
      folder: where what was gathered of the real images is kept; made if absent.
      conditions: the examples of whose conditions images are generated; those of `source` if not given.
      output: the name of the output that is scored.
      samples: number of generated images.
      real_samples: number of real images, drawn at random; all if the source holds no more.
      batch: real images per evaluation of the features. Generated ones come in the batches of the snapshot.
      seed: for the latents.
      mesh: over which images are spread; None: one device.
    """
    criterion = f"score/frechet_distance/{features.name}"
    protocol = {"metric": "frechet_distance", "features": features.name, "feature_network": features.protocol, "source": source.name}
    protocol |= {"shape": list(source.spec.shape("image")), "data": data_hash(source), "quantised": "uint8", "seed": seed}
    protocol |= {"samples": samples, "real_samples": min(real_samples, source.size), "neighbours_among": NEIGHBOURS_AMONG}
    metrics, extract = _metrics(features, min(samples, source.size)), extractor(features, mesh)

    def compute(snapshot: Snapshot) -> dict[str, float]:
        generated = ({**made, "image": made[output]} for made in snapshot.outputs(conditions or source, samples, seed=seed))
        settings = {"features": features, "real_n": real_samples, "batch": batch, "cache": folder}
        numbers = together(measure(extract, generated, source, metrics, samples, **settings))
        distance = numbers.pop("frechet_distance")
        return {criterion: distance} | {f"variety/{other}": number for other, number in numbers.items()}

    return Score(criterion, protocol, compute, watched=WATCHED)


def image_score(config: Any, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """Returns `frechet_score` in the features of a classifier trained on the same source, of `config.score_samples` images.

    The classifier learns while it gets better, from at most SHARE_OF_RUN as many images as the run is to see.
    """
    most = round(SHARE_OF_RUN * 1000 * config.kimg / BATCH)
    features = classifier_features(source, folder, most=most, batch=BATCH)
    return frechet_score(features, source, folder, samples=config.score_samples, mesh=mesh)


def drawn(
    snapshot: Snapshot, source: Source, n: int, *names: str, ready: Callable[[Any], np.ndarray] = np.asarray
) -> dict[str, np.ndarray]:
    """Draws outputs and conditions of n examples of a source, by their names, as whole arrays on the host.

    Args:
      snapshot: what draws.
      source: whose conditions are given.
      n: number of examples.
      *names: of the outputs and conditions; others are not kept.
      ready: applied to each of them, batch by batch, such as `in_bytes`.

    >>> snapshot = Snapshot(None, lambda source, n, seed=0: iter([{"tokens": [[1], [2]]}, {"tokens": [[3], [4]]}]))
    >>> drawn(snapshot, Source("tokens", 3, {}, lambda index: {}), 3, "tokens")["tokens"].tolist()
    [[1], [2], [3]]
    """
    batches = [{name: ready(batch[name]) for name in names} for batch in snapshot.outputs(source, n)]
    return {name: np.concatenate([batch[name] for batch in batches])[:n] for name in names}


def in_bytes(images: Array | np.ndarray) -> np.ndarray:
    """Returns images in [-1, 1] as uint8 on the host; errors and warnings as `check_range`."""
    check_range(images)
    return np.asarray(to_uint8(images))


def joined(first: Score, second: Score) -> Score:
    """Returns the numbers of two scores, by the criterion of the first."""

    def compute(snapshot: Snapshot) -> dict[str, float]:
        return first.compute(snapshot) | second.compute(snapshot)

    return first._replace(protocol={**first.protocol, second.criterion: dict(second.protocol)}, compute=compute)


def _metrics(features: Features, images: int) -> list[Metric]:
    metrics = [frechet_metric()]
    if images > 5:
        metrics.append(prdc_metric(k=5, limit=NEIGHBOURS_AMONG))
    if features.protocol.get("task") == "labels":
        metrics.append(classes_metric())
    return metrics
