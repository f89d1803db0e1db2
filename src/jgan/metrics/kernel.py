"""Kernel distance: an unbiased maximum mean discrepancy, trustworthy at sample counts where a Fréchet distance is not."""

import numpy as np


def kernel_distance(real_features, fake_features, block: int = 1024) -> float:
    """Squared maximum mean discrepancy of real features [N, F] and fake features [M, F] under the kernel k(x, y) = (x.y / F + 1)^3.

    mean of k(x, x') over pairs of different reals + mean of k(y, y') over pairs of different fakes - 2 mean of k(x, y)
    (Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401, equation 4). Unbiased, so it may be slightly negative. All samples enter
    at once; the name KID belongs to Inception features. Kernel values are float64 and held for `block` rows at a time.

    Raises ValueError if the features are not [N, F] and [M, F] and finite, with at least two samples each.

    >>> kernel_distance(np.array([[1.0], [1.0]]), np.array([[0.0], [0.0]]))
    7.0
    """
    real, fake = _checked(real_features, fake_features)
    within = _mean_of_pairs(real, block) + _mean_of_pairs(fake, block)
    return float(within - 2.0 * _kernel_sum(real, fake, block) / (len(real) * len(fake)))


def _checked(real_features, fake_features) -> tuple[np.ndarray, np.ndarray]:
    real, fake = (np.asarray(features, dtype=np.float64) for features in (real_features, fake_features))
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1] or min(len(real), len(fake)) < 2:
        raise ValueError(f"expected features [N, F] and [M, F], N and M at least 2, found shapes {real.shape} and {fake.shape}")
    if not (np.isfinite(real).all() and np.isfinite(fake).all()):
        raise ValueError("expected finite features, found NaN or infinity: check the images")
    return real, fake


def _kernel_sum(a: np.ndarray, b: np.ndarray, block: int) -> float:
    size = a.shape[1]
    return sum(float(np.sum((a[start : start + block] @ b.T / size + 1.0) ** 3)) for start in range(0, len(a), block))


def _mean_of_pairs(a: np.ndarray, block: int) -> float:
    """Mean kernel over pairs of two different samples."""
    of_itself = float(np.sum((np.sum(a**2, axis=1) / a.shape[1] + 1.0) ** 3))
    return (_kernel_sum(a, a, block) - of_itself) / (len(a) * (len(a) - 1))
