"""The metrics of `jgan.metrics` in the form in which `evaluate` takes them."""

import jax
import numpy as np

from jgan.evaluation.gather import Metric, Statistics, kept
from jgan.metrics.classes import class_histogram, histogram_distance, intra_class_frechet, modes
from jgan.metrics.frechet import Moments, empty, frechet_distance, update
from jgan.metrics.inception_score import inception_score
from jgan.metrics.kernel import kernel_distance, kernel_distance_subsets
from jgan.metrics.prdc import prdc
from jgan.metrics.sliced import sliced_wasserstein
from jgan.metrics.structure import diversity, most_levels


def frechet_metric() -> Metric:
    """Returns the Fréchet distance, from streamed moments: see `jgan.metrics.frechet_distance`."""

    def add(moments, outputs):
        features = outputs["features"]
        return update(moments or empty(features.shape[1]), features)

    def compare(real, fake):
        return {"frechet_distance": frechet_distance(_moments(real), _moments(fake))}

    moments = Statistics("moments", lambda: None, add, lambda moments: moments._asdict())
    return Metric("frechet_distance", moments, compare, {})


def intra_class_metric() -> Metric:
    """Returns the mean over the classes of the Fréchet distance within one, of images with labels: see
    `jgan.metrics.intra_class_frechet`.
    """

    def compare(real, fake):
        mean, _ = intra_class_frechet(real["features"], real["label"], fake["features"], fake["label"])
        return {"intra_class_frechet": mean}

    return Metric("intra_class_frechet", kept("features", "label"), compare, {})


def prdc_metric(k: int = 5, limit: int | None = None) -> Metric:
    """Returns precision, recall, density and coverage of at most `limit` images of each kind: see `jgan.metrics.prdc`."""

    def compare(real, fake):
        real, fake = (_spread(gathered["features"], limit) for gathered in (real, fake))
        return prdc(real, fake, k)._asdict()

    return Metric("prdc", kept("features"), compare, {"k": k, "limit": limit}, least=k + 1)


def classes_metric(shown: int = 32) -> Metric:
    """Returns the classes among the generated images, as the feature network sees them: their number, the total variation distance of their
    histogram from the histogram of the real images, and the histogram itself if there are no more than `shown`. See `jgan.metrics.classes`.
    """

    def compare(real, fake):
        count = modes(fake["logits"])
        real, fake = (class_histogram(gathered["logits"]) for gathered in (real, fake))
        shares = {f"class_{i:02d}/share": share for i, share in enumerate(fake)} if len(fake) <= shown else {}
        return {"classes": count, "class_distance": histogram_distance(real, fake)} | shares

    return Metric("classes", kept("logits"), compare, {})


def kernel_metric() -> Metric:
    """Returns the kernel distance over all pairs: see `jgan.metrics.kernel_distance`."""

    def compare(real, fake):
        return {"kernel_distance": kernel_distance(real["features"], fake["features"])}

    return Metric("kernel_distance", kept("features"), compare, {"subsets": None})


def kernel_subsets_metric(subsets: int = 100, size: int = 1000, seed: int = 0) -> Metric:
    """Returns the kernel distance, mean over random subsets and their standard deviation: see `jgan.metrics.kernel_distance_subsets`."""

    def compare(real, fake):
        mean, deviation = kernel_distance_subsets(real["features"], fake["features"], subsets, size, seed)
        return {"kernel_distance_subsets": mean, "kernel_distance_subsets_std": deviation}

    return Metric(
        "kernel_distance_subsets", kept("features"), compare, {"subsets": subsets, "subset_size": size, "subset_seed": seed}, size
    )


def inception_score_metric(splits: int = 10) -> Metric:
    """Returns the Inception Score of the generated images, from the logits of the feature network: see `jgan.metrics.inception_score`."""

    def compare(real, fake):
        mean, deviation = inception_score(fake["logits"], splits)
        return {"inception_score": mean, "inception_score_std": deviation}

    return Metric("inception_score", kept("logits"), compare, {"splits": splits}, least=2 * splits)


def sliced_wasserstein_metric(limit: int = 16_384, seed: int = 0) -> Metric:
    """Returns the sliced Wasserstein distances of as many real as generated images, at most `limit`, by rows of the level, and their mean:
    see `jgan.metrics.sliced_wasserstein`. Keeps the images, as uint8.
    """

    def compare(real, fake):
        n = min(limit, len(real["image"]), len(fake["image"]))
        found = sliced_wasserstein(jax.random.key(seed), *(_spread(gathered["image"], n) for gathered in (real, fake)))
        return {f"sliced_wasserstein/{rows}": value for rows, value in found.items()} | {
            "sliced_wasserstein": float(np.mean(list(found.values())))
        }

    return Metric("sliced_wasserstein", kept("image"), compare, {"limit": limit, "seed": seed})


def ms_ssim_metric(pairs: int = 1000, seed: int = 0) -> Metric:
    """Returns the mean MS-SSIM of pairs of generated images, and of pairs of real ones, to compare it with: see `jgan.metrics.diversity`.
    Of the five scales as many as the images are large enough for. Keeps the images, as uint8.
    """

    def compare(real, fake):
        levels = most_levels(real["image"].shape)
        of_fake, of_real = (diversity(jax.random.key(seed), gathered["image"], pairs, levels) for gathered in (fake, real))
        return {"ms_ssim": of_fake, "ms_ssim_of_real": of_real, "ms_ssim_levels": levels}

    return Metric("ms_ssim", kept("image"), compare, {"pairs": pairs, "seed": seed})


def _spread(rows, limit):
    """At most `limit` rows, evenly spaced."""
    return rows if limit is None or len(rows) <= limit else rows[np.linspace(0, len(rows) - 1, limit).astype(int)]


def _moments(arrays):
    return Moments(int(arrays["count"]), arrays["mean"], arrays["scatter"])
