"""What a classifier says of generated images: which classes come up, how often, and how each compares with its real images."""

import numpy as np

from jgan.metrics.frechet import frechet


def class_histogram(logits) -> np.ndarray:
    """Computes the share [K] of the images [N, K] that each class wins.

    Raises ValueError if the logits are not [N, K] with N at least 1, and finite; so do the functions below.

    >>> class_histogram([[2.0, 1.0], [0.0, 1.0], [3.0, 0.0], [1.0, 0.0]]).tolist()
    [0.75, 0.25]
    """
    logits = _checked(logits)
    return np.bincount(logits.argmax(axis=1), minlength=logits.shape[1]) / len(logits)


def modes(logits, threshold: float = 0.0) -> int:
    """Computes the number of classes that at least one image wins with a probability (softmax) above the threshold.

    With a threshold of 0 and the 1,000 classes of stacked MNIST this is the count of Metz et al. 2017, https://arxiv.org/abs/1611.02163,
    section 3.3.1; a higher one keeps images that resemble nothing from counting as modes.

    >>> modes([[9.0, 0.0, 0.0], [0.0, 0.1, 0.0]]), modes([[9.0, 0.0, 0.0], [0.0, 0.1, 0.0]], threshold=0.5)
    (2, 1)
    """
    logits = _checked(logits)
    if not 0.0 <= threshold < 1.0:
        raise ValueError(f"expected a probability in [0, 1) as threshold, found {threshold}")
    best = logits.max(axis=1)
    probability = 1.0 / np.exp(logits - best[:, None]).sum(axis=1)
    return len(np.unique(logits.argmax(axis=1)[probability > threshold]))


def histogram_distance(real_histogram, fake_histogram) -> float:
    """Computes the total variation distance, half the sum of |p - q|: the share of images that would have to change class, from 0 where the
    histograms agree to 1 where they are apart.

    Raises ValueError unless both are histograms [K] that sum to 1, as in `kl_divergence`.

    >>> histogram_distance([0.5, 0.5], [0.75, 0.25])
    0.25
    """
    real, fake = _histograms(real_histogram, fake_histogram)
    return float(0.5 * np.abs(real - fake).sum())


def kl_divergence(real_histogram, fake_histogram) -> float:
    """Computes the KL(fake || real) in nats, the sum of q log(q / p): the measure that goes with `modes` on stacked MNIST (Metz et al.
    2017).

    Infinite where fakes win a class that no real image has.

    >>> kl_divergence([0.5, 0.5], [1.0, 0.0])  # a lost mode of two costs log 2
    0.6931471805599453
    """
    real, fake = _histograms(real_histogram, fake_histogram)
    seen = fake > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(fake[seen] * (np.log(fake[seen]) - np.log(real[seen]))))


def entropy(histogram) -> float:
    """Computes the entropy in nats, minus the sum of p log p. Raises ValueError unless it is a histogram [K] that sums to 1.

    >>> round(entropy([0.5, 0.5, 0.0]), 4)
    0.6931
    """
    (shares,) = _histograms(histogram)
    return float(-np.sum(shares[shares > 0] * np.log(shares[shares > 0])))


def intra_class_frechet(real_features, real_labels, fake_features, fake_labels) -> tuple[float, dict[int, float]]:
    """Computes the mean over classes of the Fréchet distance between real and fake features of one class, and the distance of each class.

    Miyato, Koyama 2018, https://arxiv.org/abs/1802.05637, section 4.2 ("intra FID" on Inception features). Labels are integers [N] and [M],
    the fake ones those that the generator was asked for. Warns as `frechet_distance` does where a class has fewer samples than features.

    Raises ValueError if labels do not match their features, or a class among the real labels has fewer than two samples in either set.

    >>> points, labels = np.array([[0.0], [2.0], [5.0], [7.0]]), np.array([0, 0, 1, 1])
    >>> intra_class_frechet(points, labels, points + 3.0, labels)
    (9.0, {0: 9.0, 1: 9.0})
    """
    real, fake = _by_class(real_features, real_labels), _by_class(fake_features, fake_labels)
    short = {label: (len(real[label]), len(fake.get(label, ()))) for label in real}
    short = {label: counts for label, counts in short.items() if min(counts) < 2}
    if short:
        raise ValueError(f"expected at least 2 real and 2 fake samples of each class, found class: (real, fake) = {short}: add samples")
    distances = {label: frechet(features, fake[label]) for label, features in real.items()}
    return float(np.mean(list(distances.values()))), distances


def macro_f1(predicted, label) -> float:
    """Computes the mean over classes of F1 = 2 TP / (2 TP + FP + FN), in which rare classes count as much as frequent ones.

    Classes that are neither predicted nor there are left out (van Rijsbergen 1979, chapter 7, http://www.dcs.gla.ac.uk/Keith/Preface.html).

    Args:
      predicted, label: integers [N].

    Raises:
      ValueError: unless both are integers of one shape [N], with N at least 1.

    >>> round(macro_f1([0, 0, 0, 1], [0, 0, 1, 1]), 4)  # of class 0 it is 4 / 5, of class 1 it is 2 / 3
    0.7333
    """
    predicted, label = np.asarray(predicted), np.asarray(label)
    integers = all(np.issubdtype(values.dtype, np.integer) for values in (predicted, label))
    if predicted.shape != label.shape or label.ndim != 1 or not label.size or not integers:
        found = f"{predicted.dtype} {predicted.shape} and {label.dtype} {label.shape}"
        raise ValueError(f"expected predictions and labels as integers [N], found {found}")
    there = np.union1d(predicted, label)
    hits = np.asarray([np.sum((predicted == one) & (label == one)) for one in there])
    both = np.asarray([np.sum(predicted == one) + np.sum(label == one) for one in there])
    return float(np.mean(2 * hits / both))


def _checked(logits) -> np.ndarray:
    logits = np.asarray(logits, np.float64)
    if logits.ndim != 2 or not logits.size:
        raise ValueError(f"expected logits [N, K] of at least one image, found shape {logits.shape}")
    if not np.isfinite(logits).all():
        raise ValueError("expected finite logits, found NaN or infinity: check the images")
    return logits


def _histograms(*histograms) -> list[np.ndarray]:
    found = [np.asarray(histogram, np.float64) for histogram in histograms]
    if found[0].ndim != 1 or any(histogram.shape != found[0].shape for histogram in found):
        raise ValueError(f"expected histograms [K] over the same classes, found shapes {' and '.join(str(h.shape) for h in found)}")
    if any(histogram.min() < 0 or not np.isclose(histogram.sum(), 1.0) for histogram in found):
        sums = " and ".join(f"{histogram.sum():.6g}" for histogram in found)
        raise ValueError(f"expected shares that sum to 1, found sums {sums}: divide counts by their sum")
    return found


def _by_class(features, labels) -> dict[int, np.ndarray]:
    features, labels = np.asarray(features), np.asarray(labels)
    if labels.ndim != 1 or len(labels) != len(features) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"expected integer labels [N] for features {features.shape}, found {labels.dtype} of shape {labels.shape}")
    return {int(label): features[labels == label] for label in np.unique(labels)}
