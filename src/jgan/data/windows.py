"""Windows of one length out of recordings of any length, at places that depend on nothing but two counters."""

from collections.abc import Sequence

import numpy as np


def windows_of(lengths: Sequence[int], window: int) -> np.ndarray:
    """Lists (recording, start) of windows, int64 [N, 2]: each recording is divided into as many equal parts as it holds windows, one at
    least, and one window is cut out of each part.

    Where in the part is drawn by Philox (Salmon et al. 2011, https://doi.org/10.1145/2063384.2063405) with the numbers of the
    recording and of the part as its key: a window is the same in every run, on every machine. A recording that is shorter has one window,
    which starts at 0.

    >>> found = windows_of([10, 100, 25], 30)
    >>> found[:, 0].tolist(), found[[0, 4], 1].tolist(), bool((np.diff(found[1:4, 1]) >= 30).all())
    ([0, 1, 1, 1, 2], [0, 0], True)
    """
    parts = [(i, part) for i, length in enumerate(lengths) for part in range(max(1, length // window))]
    return np.asarray([(i, _start(i, part, lengths[i], window)) for i, part in parts])


def _start(recording, part, length, window):
    parts = max(1, length // window)
    first, end = part * length // parts, (part + 1) * length // parts
    draw = int(np.random.Philox(key=np.array([recording, part], np.uint64)).random_raw()) / 2.0**64
    return first + int(draw * (max(0, end - first - window) + 1))
