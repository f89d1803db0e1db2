"""Likelihood in the unit of image models."""

import math
from collections.abc import Sequence

import numpy as np


def bits_per_dimension(nll, shape: Sequence[int]) -> np.ndarray:
    """Computes negative log-likelihoods of whole images, in nats, as bits per dimension: nll / (ln 2 prod(shape)).

    Comparable where the likelihood is of the uint8 values: a density of images scaled to [-1, 1] needs log2(127.5) bits added, one
    of images in [0, 1] log2(255) (Theis, van den Oord, Bethge 2016, https://arxiv.org/abs/1511.01844, section 3.1).

    Args:
      nll: any shape, in nats.
      shape: of one image, (H, W, C).

    Returns float64 of the shape of `nll`. Raises ValueError if `shape` is empty or holds anything but positive integers.

    >>> float(bits_per_dimension(32 * 32 * 3 * math.log(256.0), (32, 32, 3)))  # of the uniform distribution
    8.0
    """
    if not len(shape) or any(side != int(side) or side < 1 for side in shape):
        raise ValueError(f"expected the shape (H, W, C) of one image, found {tuple(shape)}")
    return np.asarray(nll, np.float64) / (math.log(2.0) * math.prod(shape))
