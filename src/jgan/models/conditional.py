"""Networks that know a class: it is joined to what they are given, so that any pair of networks without classes becomes one with classes.

Source: Mirza, Osindero 2014, section 3.2 (https://arxiv.org/abs/1411.1784).
"""

import jax
import jax.numpy as jnp

from jgan.types import Array, Network


def of_class(generator: Network, classes: int) -> Network:
    """Returns a generator (z [N, Z], label int [N]) -> examples, made of one of z [N, Z + classes]: the class is joined to z.

    >>> described = of_class(Network(None, lambda params, state, z: (z, state)), classes=3)
    >>> described.apply({}, {}, jnp.zeros((1, 2)), jnp.asarray([1]))[0].tolist()
    [[0.0, 0.0, 0.0, 1.0, 0.0]]
    """
    return _given(generator, lambda z, label: jnp.concatenate([z, jax.nn.one_hot(label, classes, dtype=z.dtype)], axis=1))


def seen_with_class(discriminator: Network, classes: int) -> Network:
    """Returns a discriminator (images [N, H, W, C], label int [N]) -> logits, made of one of images [N, H, W, C + classes]: a
    plane for each class.

    >>> told = seen_with_class(Network(None, lambda params, state, images: (images, state)), classes=2)
    >>> told.apply({}, {}, jnp.zeros((1, 1, 1, 3)), jnp.asarray([1]))[0].ravel().tolist()
    [0.0, 0.0, 0.0, 0.0, 1.0]
    """

    def joined(images: Array, label: Array) -> Array:
        planes = jax.nn.one_hot(label, classes, dtype=images.dtype)[:, None, None]
        return jnp.concatenate([images, jnp.broadcast_to(planes, (*images.shape[:3], classes))], axis=3)

    return _given(discriminator, joined)


def _given(network, join):
    """A network that is given what two inputs are joined to."""
    return Network(
        lambda key, x, label: network.init(key, join(x, label)),
        lambda params, state, x, label, **settings: network.apply(params, state, join(x, label), **settings),
    )
