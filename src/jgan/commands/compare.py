"""jgan fid A B, jgan kid A B, jgan compare METRIC A B: a number between two sets of images"""

import dataclasses
from pathlib import Path

import tyro

from jgan.data import open_source
from jgan.data.content import prepared
from jgan.evaluation.results import Space, check_comparable, chosen_metrics, compare_sources, feature_space, keep, line
from jgan.fetch import cache_folder
from jgan.outputs import check_place
from jgan.ranges import Bits, Bytes, Channels, Count, Size

OF_INCEPTION = {"fid": "frechet_distance", "kid": "kernel_distance_subsets", "isc": "inception_score"}


@dataclasses.dataclass(frozen=True)
class Sets:
    """Two sets of images, and how they are compared."""

    real: tyro.conf.Positional[str]
    """The real images: a folder, .zip, .tar, .npz, tfds:NAME or shapes."""
    other: tyro.conf.Positional[str]
    """The images to compare with them."""
    weights: Path | None = None
    """File with the weights of Inception or SqueezeNet; downloaded once if not given."""
    resolution: Size | None = None
    """Side to which all images are cropped and resized, pixels; as stored if not given."""
    channels: Channels | None = None
    """1, 3 or 4; as stored if not given."""
    split: str = "train"
    """Part of the sets, where they have parts."""
    limit: Count | None = None
    """Maximum number of images of each."""
    bit_depth: Bits | None = None
    """Bits that greys of 16 bits use; as the files say if not given."""
    max_unpacked: Bytes | None = None
    """Most bytes to which an item or a set may unpack; by the size of the file and the memory if not given."""
    batch: Count = 64
    """Images per evaluation of the feature network."""
    out: Path | None = None
    """File .jsonl to which results are appended with all that they depend on, as lines of JSON."""


def compare(metric: tyro.conf.Positional[str], sets: tyro.conf.OmitArgPrefixes[Sets], features: Space = "classifier") -> None:
    """Compares two sets of images by a metric.

    Args:
        metric: fid, kid, isc (in Inception's features), or frechet_distance, intra_class_frechet (of classes of the same names),
            kernel_distance, prdc, classes in those of --features.
        features: classifier: trained on the first set, which takes a minute or two; inception: of the FID; squeezenet: trained on photos.
    """
    space: Space = "inception" if metric in OF_INCEPTION else features
    metrics = chosen_metrics([OF_INCEPTION.get(metric, metric)])
    if sets.out is not None:
        check_lines(sets.out)
    how = {name: getattr(sets, name) for name in ("resolution", "channels", "split", "limit", "bit_depth", "max_unpacked")}
    first, second = (prepared(open_source(place, labels=None, **how)) for place in (sets.real, sets.other))
    check_comparable(metrics, first, second)
    network = feature_space(space, first, cache_folder() / "features", sets.weights)
    for result in compare_sources(first, second, metrics, network, batch=sets.batch):
        if sets.out is None:
            print(line(result))
        else:
            keep(sets.out, [result])


def fid(sets: tyro.conf.OmitArgPrefixes[Sets]) -> None:
    """Prints the Fréchet Inception distance of two sets of images."""
    compare("fid", sets)


def kid(sets: tyro.conf.OmitArgPrefixes[Sets]) -> None:
    """Prints the kernel Inception distance of two sets of images."""
    compare("kid", sets)


def check_lines(path: Path) -> None:
    """Raises ValueError or OSError if lines of JSON cannot be appended to a path; makes its folder."""
    if path.suffix.lower() != ".jsonl":
        raise ValueError(f"expected a path that ends in .jsonl, found {path}")
    check_place(path)
    path.parent.mkdir(parents=True, exist_ok=True)
