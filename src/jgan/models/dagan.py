"""DAGAN: a generator of further images of the class of a given one, and a discriminator of pairs.

Source: Antoniou, Storkey, Edwards 2017, section 3 (https://arxiv.org/abs/1711.04340). The generator is a U-Net of residual blocks whose
noise joins the coarsest levels of the decoder. The discriminator, which sees both images of a pair, has the dense connections of the
paper (one per level), and no norm, since a penalty of its gradient holds it.
"""

import flax.linen as nn
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.models.dcgan import Down, Layer, Up
from jgan.models.normalisation import BatchNorm
from jgan.types import Array, Network

SMALLEST = 4  # pixels: images are halved while their sides are even and not smaller afterwards
NOISY = 3  # levels of the decoder that noise joins
NOISE = 8  # channels of noise in each of them
SLOPE = 0.2
HE = nn.initializers.he_normal()


def halvings(shape: tuple[int, ...]) -> int:
    """Counts how often images of a shape (H, W, ...) are halved.

    Raises:
      ValueError: if they are not halved twice.

    >>> halvings((32, 32)), halvings((28, 28))
    (3, 2)
    """
    height, width, levels = shape[0], shape[1], 0
    while height % 2 == width % 2 == 0 and min(height, width) >= 2 * SMALLEST:
        height, width, levels = height // 2, width // 2, levels + 1
    if levels < 2:
        raise ValueError(
            f"expected images that can be halved twice, to 4 pixels or more, found {shape[0]} x {shape[1]}; give 28, 32, 64, ..."
        )
    return levels


def generator(shape: tuple[int, ...], features: int = 64, dropout: float = 0.5) -> Network:
    """Returns the network (z [N, Z], images [N, H, W, C] in [-1, 1]) -> other images of their classes [N, H, W, C] in [-1, 1].

    Args:
      shape: of an image, (H, W, C).
      features: at the full resolution; doubled with every halving, at most twice.
      dropout: within the blocks of the decoder, in training.

    >>> import jax
    >>> network, given = generator((16, 16, 1), 4), (jnp.zeros((2, 3)), jnp.zeros((2, 16, 16, 1)))
    >>> params, state = jax.eval_shape(network.init, jax.random.key(0), *given)
    >>> jax.eval_shape(network.apply, params, state, *given)[0].shape
    (2, 16, 16, 1)
    """
    return from_linen(Generator(halvings(shape), features, dropout))


def discriminator(shape: tuple[int, ...], features: int = 64) -> Network:
    """Returns the network (images [N, H, W, C], the images that they are paired with [N, H, W, C]), in [-1, 1] -> logits [N];
    arguments as of `generator`."""
    return from_linen(Discriminator(halvings(shape), features))


class Generator(nn.Module):
    """Maps z and images to images."""

    levels: int
    features: int
    dropout: float

    @nn.compact
    def __call__(self, z: Array, images: Array, train: bool) -> Array:
        widths = _widths(self.features, self.levels)
        passed = [Down(Layer(widths[0], 3, 1), True, HE, name="first")(images)]
        for level, width in enumerate(widths[1:]):
            halved = Down(Layer(width, 4, 2), True, HE, name=f"down_{level}")(nn.relu(passed[-1]))
            passed.append(Residual(width, 0.0, name=f"encoded_{level}")(halved, train))
        x = passed.pop()
        for level, width in enumerate(reversed(widths)):
            if level:
                x = jnp.concatenate([Up(Layer(width, 4, 2), True, HE, name=f"up_{level}")(nn.relu(x)), passed.pop()], axis=3)
            if level < NOISY:
                x = jnp.concatenate([x, _map_of_noise(z, x.shape, f"noise_{level}")], axis=3)
            x = Residual(width, self.dropout, name=f"decoded_{level}")(x, train)
        return jnp.tanh(Down(Layer(images.shape[3], 3, 1), True, HE, name="image")(nn.relu(x)))


class Discriminator(nn.Module):
    """Maps images and those that they are paired with to logits."""

    levels: int
    features: int

    @nn.compact
    def __call__(self, images: Array, others: Array) -> Array:
        x = jnp.concatenate([images, others], axis=3)
        for level, width in enumerate(_widths(self.features, self.levels)):
            x = nn.leaky_relu(Down(Layer(width, 3, 1) if level == 0 else Layer(width, 4, 2), True, HE, name=f"down_{level}")(x), SLOPE)
            grown = nn.leaky_relu(Down(Layer(width // 2, 3, 1), True, HE, name=f"dense_{level}")(x), SLOPE)
            x = jnp.concatenate([x, grown], axis=3)
        return nn.Dense(1, kernel_init=HE, name="last")(x.reshape(x.shape[0], -1))[:, 0]


class Residual(nn.Module):
    """Two convolutions of 3 pixels after norms and rectifiers, beside a convolution of one pixel: [N, H, W, C] -> [N, H, W, features]."""

    features: int
    dropout: float

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        y = Down(Layer(self.features, 3, 1), True, HE, name="conv_0")(nn.relu(BatchNorm(name="norm_0")(x, train)))
        y = nn.relu(BatchNorm(name="norm_1")(y, train))
        y = nn.Dropout(self.dropout, deterministic=not train)(y)
        beside = x if x.shape[3] == self.features else Down(Layer(self.features, 1, 1), False, HE, name="beside")(x)
        return beside + Down(Layer(self.features, 3, 1), True, HE, name="conv_1")(y)


def _map_of_noise(z, shape, name):
    """Noise for every place, [N, H, W, NOISE], linear in z."""
    return nn.Dense(shape[1] * shape[2] * NOISE, use_bias=False, name=name)(z).reshape(-1, *shape[1:3], NOISE)


def _widths(features, levels):
    return [features * 2 ** min(level, 2) for level in range(levels + 1)]
