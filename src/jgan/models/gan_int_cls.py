"""GAN-INT-CLS: a generator and a discriminator of images that are given embeddings of sentences.

Source: Reed et al. 2016, section 4.1 and figure 2 (https://arxiv.org/abs/1605.05396), with the residual bottlenecks of the published
networks (https://github.com/reedscot/icml2016, MIT): two in the generator, one in the discriminator. The discriminator has no batch norm,
since R1 holds it.
"""

import flax.linen as nn
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.models.dcgan import Down, Layer, Up
from jgan.models.normalisation import BatchNorm
from jgan.types import Array, Network

SMALLEST = 4  # side of the first image, pixels
SLOPE = 0.2
NORMAL = nn.initializers.normal(0.02)
HE = nn.initializers.he_normal()


def halvings(resolution: int) -> int:
    """Returns how often images of a side are halved down to SMALLEST.

    Raises:
      ValueError: if the side is none of 16, 32, 64, ...

    >>> halvings(64)
    4
    """
    count = (resolution // SMALLEST).bit_length() - 1
    if count < 2 or resolution != SMALLEST << count:
        raise ValueError(f"expected a resolution of 16, 32, 64, 128, ..., found {resolution}; give another one")
    return count


def generator(resolution: int, channels: int, width: int = 128, text: int = 128) -> Network:
    """Makes the network: (z [N, Z], embeddings [N, E]) -> images [N, resolution, resolution, channels] in [-1, 1].

    Args:
      resolution: 16, 32, 64, ...
      channels: of the images.
      width: features at half the resolution; doubled with each halving, at most thrice.
      text: numbers to which an embedding is reduced.

    >>> import jax
    >>> params, _ = jax.eval_shape(generator(64, 3).init, jax.random.key(0), jnp.zeros((1, 100)), jnp.zeros((1, 1024)))
    >>> params["first"]["kernel"].shape
    (228, 16384)
    """
    return from_linen(Generator(halvings(resolution), channels, width, text))


def discriminator(resolution: int, width: int = 64, text: int = 128) -> Network:
    """Makes the network: (images [N, resolution, resolution, C] in [-1, 1], embeddings [N, E]) -> logits [N]; arguments as
    of `generator`.
    """
    return from_linen(Discriminator(halvings(resolution), width, text))


class Generator(nn.Module):
    """Maps z and embeddings to images."""

    levels: int
    channels: int
    width: int
    text: int

    @nn.compact
    def __call__(self, z: Array, text: Array, train: bool) -> Array:
        text = nn.leaky_relu(nn.Dense(self.text, kernel_init=NORMAL, name="text")(text), SLOPE)
        return images_of(jnp.concatenate([z, text], axis=1), self.levels, self.channels, self.width, train)


def images_of(x: Array, levels: int, channels: int, width: int, train: bool) -> Array:
    """Makes, as part of the module that calls it, images of z and a condition [N, F]; arguments as of `generator`."""
    widths = _widths(width, levels)[::-1]
    x = nn.Dense(SMALLEST * SMALLEST * widths[0], use_bias=False, kernel_init=NORMAL, name="first")(x)
    x = norm(x, train).reshape(-1, SMALLEST, SMALLEST, widths[0])
    x = nn.relu(x + Bottleneck()(x, train))
    for level, features in enumerate(widths[1:]):
        x = norm(Up(Layer(features, 4, 2), False, NORMAL, name=f"up_{level}")(x), train)
        x = nn.relu(x + Bottleneck()(x, train) if level == 0 else x)
    return jnp.tanh(Up(Layer(channels, 4, 2), True, NORMAL, name="image")(x))


class Discriminator(nn.Module):
    """Maps images and embeddings to logits."""

    levels: int
    width: int
    text: int

    @nn.compact
    def __call__(self, images: Array, text: Array, train: bool) -> Array:
        x, widths = images, _widths(self.width, self.levels)
        for level, width in enumerate(widths):
            x = Down(Layer(width, 4, 2), True, HE, name=f"down_{level}")(x)
            x = nn.leaky_relu(x, SLOPE) if level < self.levels - 1 else x
        path = x
        for level, size in enumerate((1, 3)):
            path = nn.leaky_relu(Down(Layer(widths[-1] // 4, size, 1), True, HE, name=f"path_{level}")(path), SLOPE)
        x = nn.leaky_relu(x + Down(Layer(widths[-1], 3, 1), True, HE, name="path")(path), SLOPE)
        text = nn.leaky_relu(nn.Dense(self.text, kernel_init=HE, name="text")(text), SLOPE)
        text = jnp.broadcast_to(text[:, None, None], (*x.shape[:3], self.text))
        x = nn.leaky_relu(Down(Layer(widths[-1], 1, 1), True, HE, name="joined")(jnp.concatenate([x, text], axis=3)), SLOPE)
        return nn.Dense(1, kernel_init=HE, name="last")(x.reshape(len(x), -1))[:, 0]


class Bottleneck(nn.Module):
    """What a residual path adds: convolutions of 1, 3 and 3 pixels, [N, H, W, C] -> [N, H, W, C]."""

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        features = x.shape[3]
        for size, width in ((1, features // 4), (3, features // 4)):
            x = nn.relu(norm(Down(Layer(width, size, 1), False, NORMAL)(x), train))
        return norm(Down(Layer(features, 3, 1), False, NORMAL)(x), train)


def _widths(width, levels):
    return [width * 2 ** min(level, 3) for level in range(levels)]


def norm(x: Array, train: bool) -> Array:
    """Normalises as part of the module that calls it, with initial scales of deviation 0.02 around 1."""
    return BatchNorm(deviation=0.02)(x, train)
