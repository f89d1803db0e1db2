"""jgan fid A B, jgan kid A B, jgan compare METRIC A B: a number between two sets of images"""

import json
from pathlib import Path

import tyro

from jgan.data import open_source
from jgan.evaluation.results import Space, chosen_metrics, compare_sources, feature_space, line
from jgan.models.pretrained import cache_folder

OF_INCEPTION = {"fid": "frechet_distance", "kid": "kernel_distance_subsets", "isc": "inception_score"}


def compare(
    metric: tyro.conf.Positional[str],
    real: tyro.conf.Positional[str],
    other: tyro.conf.Positional[str],
    features: Space = "classifier",
    weights: Path | None = None,
    resolution: int | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
    batch: int = 64,
    out: Path | None = None,
) -> None:
    """Compares two sets of images by a metric.

    Args:
        metric: fid, kid, isc (in Inception's features), or frechet_distance, kernel_distance, prdc, classes in those of --features.
        real: The real images: a folder, .zip, .tar, .npz, tfds:NAME or shapes.
        other: The images to compare with them.
        features: classifier: trained on the first set, which takes a minute or two; inception: of the FID.
        weights: File with Inception's weights; downloaded once if not given.
        resolution: Side to which all images are cropped and resized, pixels; as stored if not given.
        channels: 1, 3 or 4; as stored if not given.
        split: Part of the sets, where they have parts.
        limit: Maximum number of images of each.
        batch: Images per evaluation of the feature network.
        out: File to which results are appended with all that they depend on, as lines of JSON.
    """
    space: Space = "inception" if metric in OF_INCEPTION else features
    metrics = chosen_metrics([OF_INCEPTION.get(metric, metric)])
    first, second = (open_source(s, resolution=resolution, channels=channels, split=split, limit=limit, labels=None) for s in (real, other))
    network = feature_space(space, first, cache_folder() / "features", weights)
    for result in compare_sources(first, second, metrics, network, batch=batch):
        print(line(result))
        if out is not None:
            with out.open("a") as file:
                file.write(json.dumps(result) + "\n")


def fid(
    real: tyro.conf.Positional[str],
    other: tyro.conf.Positional[str],
    weights: Path | None = None,
    resolution: int | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
    batch: int = 64,
    out: Path | None = None,
) -> None:
    """Computes the Fréchet Inception distance of two sets of images.

    Args:
        real: The real images: a folder, .zip, .tar, .npz, tfds:NAME or shapes.
        other: The images to compare with them.
        weights: File with Inception's weights; downloaded once if not given.
        resolution: Side to which all images are cropped and resized, pixels; as stored if not given.
        channels: 1, 3 or 4; as stored if not given.
        split: Part of the sets, where they have parts.
        limit: Maximum number of images of each.
        batch: Images per evaluation of the feature network.
        out: File to which the result is appended with all that it depends on, as a line of JSON.
    """
    settings = {"resolution": resolution, "channels": channels, "split": split, "limit": limit, "batch": batch, "out": out}
    compare("fid", real, other, weights=weights, **settings)


def kid(
    real: tyro.conf.Positional[str],
    other: tyro.conf.Positional[str],
    weights: Path | None = None,
    resolution: int | None = None,
    channels: int | None = None,
    split: str = "train",
    limit: int | None = None,
    batch: int = 64,
    out: Path | None = None,
) -> None:
    """Computes the kernel Inception distance of two sets of images.

    Args:
        real: The real images: a folder, .zip, .tar, .npz, tfds:NAME or shapes.
        other: The images to compare with them.
        weights: File with Inception's weights; downloaded once if not given.
        resolution: Side to which all images are cropped and resized, pixels; as stored if not given.
        channels: 1, 3 or 4; as stored if not given.
        split: Part of the sets, where they have parts.
        limit: Maximum number of images of each.
        batch: Images per evaluation of the feature network.
        out: File to which the result is appended with all that it depends on, as a line of JSON.
    """
    settings = {"resolution": resolution, "channels": channels, "split": split, "limit": limit, "batch": batch, "out": out}
    compare("kid", real, other, weights=weights, **settings)
