"""The order in which a run sees its images: a function of (seed, step) alone, so there is no iterator state to save."""

import functools

import numpy as np


@functools.lru_cache(maxsize=4)
def epoch_order(size: int, seed: int, epoch: int) -> np.ndarray:
    """Returns a random permutation of range(size), int64 [size]; the same on every machine and with every version of numpy.

    Sorting the raw output of Philox (Salmon et al. 2011, https://doi.org/10.1145/2063384.2063405) depends on nothing that numpy may change.
    """
    draws = np.random.Philox(key=np.array([seed, epoch], np.uint64)).random_raw(size)
    return np.argsort(draws, kind="stable")


def batch_indices(size: int, seed: int, step: int, batch: int) -> np.ndarray:
    """Returns indices of the images of one step, int32 [batch]: every epoch is reshuffled, and a batch may span two of them.

    >>> sorted(int(i) for step in range(3) for i in batch_indices(6, seed=0, step=step, batch=2))
    [0, 1, 2, 3, 4, 5]
    """
    epochs, places = np.divmod(step * batch + np.arange(batch, dtype=np.int64), size)
    indices = [epoch_order(size, seed, int(epoch))[places[epochs == epoch]] for epoch in np.unique(epochs)]
    return np.concatenate(indices).astype(np.int32)
