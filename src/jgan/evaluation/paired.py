"""How good translations are: of pairs against the true targets, of unpaired sets against the set that they should belong to."""

from pathlib import Path

import numpy as np
from jax.sharding import Mesh

from jgan.data import combine
from jgan.data.pairs import domains_labelled
from jgan.data.source import Source, read_rows, spread
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import Extract, extractor
from jgan.evaluation.results import describe
from jgan.evaluation.score import Score, Snapshot, drawn, frechet_score, in_bytes
from jgan.metrics import structure
from jgan.metrics.frechet import frechet
from jgan.ops.images import to_float

MOST = 10_000  # real images in a Fréchet distance


def paired_score(
    pairs: Source, samples: int, folder: Path, mesh: Mesh | None = None, output: str = "image", truth: str = "target"
) -> Score:
    """Returns the distance of translations to their targets in the features of a classifier of the targets, and in pixels, over `samples`
    pairs.

    `compute` raises ValueError if the translations hold NaN.

    Args:
      pairs: of the fields that the translations are made from, and `truth`.
      samples: maximum number of pairs, evenly spread over the source.
      folder: where the classifier is kept; made if absent.
      mesh: over which images are spread; None: one device.
      output: the name of the output that is scored.
      truth: the field that it should equal.
    """
    targets_source, samples = targets_of(pairs, truth), min(samples, pairs.size)
    features = classifier_features(targets_source, folder)
    extract, targets = extractor(features, mesh), take(targets_source, samples)
    criterion = f"score/feature_distance/{features.name}"
    protocol = {"metric": "feature_distance", "features": features.name, "feature_network": features.protocol, "pairs": samples}
    protocol |= describe(pairs)

    def compute(snapshot: Snapshot) -> dict[str, float]:
        translated = drawn(snapshot, pairs, samples, output, ready=in_bytes)[output]
        found = pair_numbers(translated, targets, extract)
        return {criterion: found.pop("feature_distance")} | {f"pairs/{other}": number for other, number in found.items()}

    return Score(criterion, protocol, compute)


def domain_score(domains: Source, samples: int, folder: Path, mesh: Mesh | None = None, output: str = "image") -> Score:
    """Returns the Fréchet distance of translations of the first domain to the second, in the features of a classifier that tells the two
    apart.

    Args:
      domains: two unpaired sets, `input` and `target`.
      samples, folder, mesh, output: as in `paired_score`.

    Raises:
      ValueError: unless there are two of them, unpaired.
    """
    features = classifier_features(domains_labelled(domains), folder)
    first, second = domains.parts
    target = combine.select(second, image="target")
    return frechet_score(features, target, folder, conditions=first, output=output, samples=min(samples, first.size), mesh=mesh)


def targets_of(pairs: Source, truth: str = "target") -> Source:
    """Returns the images that translations should equal as `image`, with their labels if there are any."""
    labels = {"label": "label"} if "label" in pairs.fields else {}
    return combine.select(pairs, image=truth, **labels)


def take(source: Source, most: int, field: str = "image") -> np.ndarray:
    """Returns at most `most` examples of a field, [N, ...], evenly spread over the source."""
    return read_rows(source, spread(source.size, min(most, source.size)), (field,))[field]


def pair_numbers(images: np.ndarray, targets: np.ndarray, extract: Extract) -> dict[str, float]:
    """Returns means over pairs of uint8 images [N, H, W, C]: `psnr` (dB), `l1` (of images in [-1, 1]), `ssim` (from 11 pixels on), and
    `feature_distance`, the root of the mean squared difference of features.
    """
    distances = features_of(extract, images)["features"] - features_of(extract, targets)["features"]
    found = {"feature_distance": np.mean(np.sqrt(np.mean(np.square(distances), axis=1)))}
    found |= {"psnr": np.mean(structure.psnr(images, targets)), "l1": np.mean(np.abs(to_float(images) - to_float(targets)))}
    if min(images.shape[1:3]) >= structure.WINDOW:
        found["ssim"] = np.mean(structure.ssim(images, targets))
    return {name: float(number) for name, number in found.items()}


def domain_numbers(images: np.ndarray, real: np.ndarray, extract: Extract) -> dict[str, float]:
    """Measures uint8 images [N, H, W, C], features and logits of `domains_labelled`: `frechet_distance` to the real ones of a domain, and
    the shares that the classifier takes for domain `A` and `B`.
    """
    outputs = features_of(extract, images)
    shares = np.bincount(outputs["logits"].argmax(axis=1), minlength=2) / len(images)
    distance = frechet(features_of(extract, real)["features"], outputs["features"])
    return {"frechet_distance": distance, "share_a": float(shares[0]), "share_b": float(shares[1])}


def features_of(extract: Extract, images: np.ndarray, batch: int = 64) -> dict[str, np.ndarray]:
    """Returns features and logits of uint8 images; the last batch is filled up, so that one compiled program serves all."""
    padded = np.pad(images, ((0, -len(images) % batch), (0, 0), (0, 0), (0, 0)))
    parts = [extract(padded[i : i + batch]) for i in range(0, len(padded), batch)]
    return {name: np.concatenate([part[name] for part in parts])[: len(images)] for name in ("features", "logits")}
