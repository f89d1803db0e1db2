"""What a run follows of its generator's quality: a Fréchet distance by which the best checkpoint is kept, and what tells of a collapse."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
from jax.sharding import Mesh

from jgan.data import Source
from jgan.metrics.evaluation import Metric, data_hash, evaluate
from jgan.metrics.features import Features
from jgan.metrics.standard import classes_metric, frechet_metric, prdc_metric

NEIGHBOURS_AMONG = 2_000  # images of each kind in precision and recall: enough to see a collapse


class Score(NamedTuple):
    """Numbers for a generator; by one of them, lower is better, its best checkpoint is kept."""

    name: str  # of that one: "score/frechet_distance/<name of the features>"
    protocol: dict[str, Any]  # everything that the numbers depend on, to be kept beside them
    # (sample: key -> images [B, H, W, C] in [-1, 1]) -> dict of numbers by name, `name` among them; without `draw_inputs`: (state) -> dict
    compute: Callable


def frechet_score(
    features: Features,
    source: Source,
    folder: str | Path,
    *,
    samples: int = 5_000,
    real_samples: int = 10_000,
    batch: int = 64,
    seed: int = 0,
    mesh: Mesh | None = None,
) -> Score:
    """Fréchet distance of generated images to those of `source` in the given features, precision, recall, density and coverage of up to
    2,000 of each, and, if the features come with labels, the histogram of the generated images' classes. See `jgan.metrics`.

    Every call within a run sees the same latents, so equal generators get equal numbers. `compute` raises ValueError if the images have
    not the shape of the source's or hold NaN, and warns if there are fewer samples than features.

    Args:
      features: the feature space, say of `jgan.run.features.classifier_features`.
      source: the real images; the shape (H, W, C) of what the generator makes.
      folder: where what was gathered of the real images is kept; made if absent.
      samples: number of generated images.
      real_samples: number of real images, drawn at random; all if the source holds no more.
      batch: real images per evaluation of the features. Generated ones come in the batches that `sample` returns.
      seed: for the latents.
      mesh: over which images are spread; None: one device.
    """
    name = f"score/frechet_distance/{features.name}"
    protocol = {"metric": "frechet_distance", "features": features.name, "feature_network": features.protocol, "source": source.name}
    protocol |= {"shape": list(source.shape), "data": data_hash(source), "quantised": "uint8", "seed": seed}
    protocol |= {"samples": samples, "real_samples": min(real_samples, source.size), "neighbours_among": NEIGHBOURS_AMONG}
    metrics = _metrics(features, min(samples, source.size))

    def compute(sample: Callable) -> dict[str, float]:
        numbers = evaluate(
            lambda key: {"image": sample(key)},
            source,
            metrics,
            samples,
            jax.random.key(seed),
            features=features,
            mesh=mesh,
            real_n=real_samples,
            batch=batch,
            cache=folder,
        )
        distance = numbers.pop("frechet_distance")
        return {name: distance} | {f"variety/{other}": number for other, number in numbers.items()}

    return Score(name, protocol, compute)


def _metrics(features: Features, images: int) -> list[Metric]:
    metrics = [frechet_metric()]
    if images > 5:
        metrics.append(prdc_metric(k=5, limit=NEIGHBOURS_AMONG))
    if features.protocol.get("task") == "labels":
        metrics.append(classes_metric())
    return metrics
