"""Kernel distance: an unbiased maximum mean discrepancy, trustworthy at sample counts where a Fréchet distance is not.

Named after its features as a Fréchet distance is: KID is the kernel distance of Inception's 2048 pool features.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


def kernel_distance(real_features, fake_features, block: int = 256) -> float:
    """Computes squared maximum mean discrepancy of real features [N, F] and fake features [M, F] under the kernel k(x, y) = (x.y / F +
    1)^3.

    mean of k(x, x') over pairs of different reals + mean of k(y, y') over pairs of different fakes - 2 mean of k(x, y)
    (Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401, equation 4). Unbiased, so it may be slightly negative. All samples enter
    at once; the name KID belongs to Inception features.

    Inner products of the centred features are taken in their precision, all else in float64, for `block` rows at a time: on float32
    features a result is within 1e-8 of the mean kernel of what float64 features give.

    Raises ValueError if the features are not [N, F] and [M, F] and finite, with at least two samples each.

    >>> kernel_distance(np.array([[1.0], [1.0]]), np.array([[0.0], [0.0]]))
    7.0
    """
    real, fake = (Set(*part, np.ones((len(part[0]), 1))) for part in _centred(*_checked(real_features, fake_features)))
    return float(_distances(real, fake, block)[0])


def kernel_distance_subsets(
    real_features, fake_features, subsets: int = 100, size: int = 1000, seed: int = 0, block: int = 256
) -> tuple[float, float]:
    """Computes the mean and standard deviation (divisor `subsets`) of `kernel_distance` over random subsets of `size` real and `size` fake
    features.

    Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401, section 4. A subset holds no sample twice; subsets may overlap. The mean
    estimates the same number as `kernel_distance` of all samples, which varies less; the deviation is of one subset, not of the mean.

    Raises ValueError as `kernel_distance` does, and if a set has fewer than `size` samples.

    >>> kernel_distance_subsets(np.ones((4, 1)), np.zeros((4, 1)), subsets=2, size=3)
    (7.0, 0.0)
    """
    real, fake = _checked(real_features, fake_features)
    if not 2 <= size <= min(len(real), len(fake)) or subsets < 1:
        found = f"size {size}, {subsets} subsets, {len(real)} real and {len(fake)} fake samples"
        raise ValueError(f"expected at least {size} samples in each set, subsets of 2 or more, found {found}: lower size or add samples")
    generator = np.random.default_rng(seed)
    draws = [[generator.choice(len(x), size, replace=False) for x in (real, fake)] for _ in range(subsets)]
    # One pass over all pairs, if they are fewer than those of the subsets together; otherwise subset by subset.
    groups = [draws] if len(real) * len(fake) <= subsets * size**2 else [[draw] for draw in draws]
    sets = _centred(real, fake)
    distances = [_distances(*map(_of_members, sets, zip(*group, strict=True)), block) for group in groups]
    return float(np.mean(np.concatenate(distances))), float(np.std(np.concatenate(distances)))


class Set(NamedTuple):
    """Samples, and which of them belong to which subset."""

    centred: np.ndarray  # [n, F]
    along: np.ndarray  # [n], see `_centred`
    member: np.ndarray  # [n, subsets], 1 or 0


def _checked(real_features, fake_features) -> tuple[np.ndarray, np.ndarray]:
    real, fake = (np.asarray(features) for features in (real_features, fake_features))
    real, fake = (features.astype(np.result_type(features.dtype, np.float32), copy=False) for features in (real, fake))
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1] or min(len(real), len(fake)) < 2:
        raise ValueError(f"expected features [N, F] and [M, F], N and M at least 2, found shapes {real.shape} and {fake.shape}")
    if not (np.isfinite(real).all() and np.isfinite(fake).all()):
        raise ValueError("expected finite features, found NaN or infinity: check the images")
    return real, fake


def _centred(*sets: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Features less the mean c of the first set, x', and the float64 numbers s with x.y / F = x'.y' / F + s(x) + s(y)."""
    centre = sets[0].mean(axis=0, dtype=np.float64)
    centred = [np.subtract(x, centre[None], out=np.empty_like(x), casting="same_kind") for x in sets]
    return [(x, (x @ centre + centre @ centre / 2) / len(centre)) for x in centred]


def _of_members(samples: tuple[np.ndarray, np.ndarray], draws: Sequence[np.ndarray]) -> Set:
    """Those samples that are drawn into at least one subset."""
    rows, places = np.unique(np.concatenate(draws), return_inverse=True)
    member = np.zeros((len(rows), len(draws)))
    member[places, np.repeat(np.arange(len(draws)), [len(draw) for draw in draws])] = 1.0
    return Set(*(values[rows] for values in samples), member)


def _distances(real: Set, fake: Set, block: int) -> np.ndarray:
    """The distance [subsets] of each subset."""
    across = _kernel_sums(real, fake, block) / (np.sum(real.member, axis=0) * np.sum(fake.member, axis=0))
    return _means_of_pairs(real, block) + _means_of_pairs(fake, block) - 2.0 * across


def _means_of_pairs(a: Set, block: int) -> np.ndarray:
    """Mean kernel over pairs of two different samples of each subset."""
    of_itself = (np.sum(np.square(a.centred, dtype=np.float64), axis=1) / a.centred.shape[1] + 2.0 * a.along + 1.0) ** 3
    n = np.sum(a.member, axis=0)
    return (_kernel_sums(a, a, block) - of_itself @ a.member) / (n * (n - 1.0))


def _kernel_sums(a: Set, b: Set, block: int) -> np.ndarray:
    """Sum [subsets] of the kernel over all pairs of samples of each subset."""
    total = np.zeros(a.member.shape[1])
    for start in range(0, len(a.along), block):
        rows = slice(start, start + block)
        values = (a.centred[rows] @ b.centred.T).astype(np.float64)
        values *= 1.0 / b.centred.shape[1]
        values += a.along[rows, None]
        values += b.along[None] + 1.0
        cubes = np.square(values)
        cubes *= values  # a power takes longer
        total += np.sum(a.member[rows] * (cubes @ b.member), axis=0)
    return total
