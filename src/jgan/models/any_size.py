"""Fully convolutional translators on images of any size."""

import jax.numpy as jnp

from jgan.types import Network


def any_size(network: Network, multiple: int, smallest: int = 1) -> Network:
    """Makes a network of images [N, H, W, C] -> images of that size take any size.

    Sides are padded by reflection to the next size that the network takes, and the result is cropped back.

    Args:
      network: its first input and its output are images.
      multiple: pixels of which the sides of its images are multiples.
      smallest: pixels, the smallest side that it takes.

    >>> doubling = Network(lambda key, x: ({}, {}), lambda params, state, x, key=None, train=False: (2 * x, state))
    >>> any_size(doubling, 4).apply({}, {}, jnp.ones((1, 5, 8, 3)))[0].shape
    (1, 5, 8, 3)
    """

    def border(side):
        missing = max(-(-side // multiple) * multiple, smallest) - side
        return missing // 2, missing - missing // 2

    def apply(params, state, images, *others, key=None, train=False):
        (top, bottom), (left, right) = (border(side) for side in images.shape[1:3])
        if top == bottom == left == right == 0:
            return network.apply(params, state, images, *others, key=key, train=train)
        padded = jnp.pad(images, ((0, 0), (top, bottom), (left, right), (0, 0)), mode="reflect")
        found, state = network.apply(params, state, padded, *others, key=key, train=train)
        return found[:, top : found.shape[1] - bottom, left : found.shape[2] - right], state

    return Network(network.init, apply)
