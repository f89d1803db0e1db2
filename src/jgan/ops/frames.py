"""Clips [N, T, H, W, C] as the frames that ordinary layers of images take."""

from typing import TypeVar

import jax.numpy as jnp
import numpy as np

from jgan.types import Array

Clips = TypeVar("Clips", Array, np.ndarray)


def successive(x: Array, size: int) -> Array:
    """Puts the channels of `size` successive frames side by side: [N, T, H, W, C] -> [N, T - size + 1, H, W, size C].

    A convolution of such frames is one in three dimensions, without padding in time, whose kernel [h, w, size I, O] has the frames as the
    slower part of its third axis.

    >>> successive(jnp.arange(4.0).reshape(1, 4, 1, 1, 1), 3).reshape(2, 3).tolist()
    [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]
    """
    return jnp.concatenate([x[:, first : x.shape[1] - size + 1 + first] for first in range(size)], axis=4)


def fold(x: Clips) -> Clips:
    """Makes frames of clips: [N, T, ...] -> [N T, ...].

    >>> fold(jnp.zeros((2, 3, 8, 8, 1))).shape
    (6, 8, 8, 1)
    """
    return x.reshape(-1, *x.shape[2:])


def unfold(x: Clips, clips: int) -> Clips:
    """Makes clips of frames: [N T, ...] -> [N, T, ...].

    >>> unfold(jnp.zeros((6, 8, 8, 1)), 2).shape
    (2, 3, 8, 8, 1)
    """
    return x.reshape(clips, -1, *x.shape[1:])
