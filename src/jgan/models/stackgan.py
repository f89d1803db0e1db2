"""StackGAN: a generator that draws the condition around what a sentence says, and one that makes twice as large images of its images.

Source: Zhang et al. 2016, sections 3.2 to 3.5 (https://arxiv.org/abs/1612.03242). The first generator is otherwise the one of
`jgan.models.gan_int_cls`, whose discriminator serves both.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.models.dcgan import Down, Layer
from jgan.models.gan_int_cls import NORMAL, SLOPE, halvings, images_of, norm
from jgan.models.progan import enlarged
from jgan.types import Array, Network, Params


def generator(resolution: int, channels: int, width: int = 128, text: int = 128) -> Network:
    """Makes the network: (z [N, Z + text], embeddings [N, E]) -> images [N, resolution, resolution, channels] in [-1, 1]; arguments as of
    `jgan.models.gan_int_cls.generator`. The last `text` numbers of z are the noise of the condition.

    >>> import jax
    >>> params, _ = jax.eval_shape(generator(64, 3).init, jax.random.key(0), jnp.zeros((1, 228)), jnp.zeros((1, 1024)))
    >>> params["first"]["kernel"].shape
    (228, 16384)
    """
    return from_linen(Generator(halvings(resolution), channels, width, text))


def enlarger(channels: int, width: int = 128, text: int = 128, blocks: int = 4) -> Network:
    """Makes the network: (noise of the condition [N, text], embeddings [N, E], images [N, H, W, channels] in [-1, 1]) -> images [N, 2 H, 2
    W, channels].

    Args:
      channels: of the images.
      width: features at the size of the given images; twice and four times as many after each halving.
      text: numbers in the condition.
      blocks: residual blocks at a quarter of the size.

    >>> import jax
    >>> inputs = jnp.zeros((1, 128)), jnp.zeros((1, 1024)), jnp.zeros((1, 64, 64, 3))
    >>> params, _ = jax.eval_shape(enlarger(3).init, jax.random.key(0), *inputs)
    >>> params["joined"]["kernel"].shape
    (3, 3, 640, 512)
    """
    return from_linen(Enlarger(channels, width, text, blocks))


def divergence(params: Params, text: Array) -> Array:
    """Computes KL(N(mean, deviation^2) || N(0, 1)) of the conditions of embeddings [N, E], averaged over their numbers: [N], nats.

    1/2 (mean^2 + deviation^2 - 1) - log deviation, by the parameters of either network. The formula of the paper (section 3.2) is a sum;
    the published code averages.
    """
    moments: Any = Augmentation(params["condition"]["mean"]["bias"].shape[0]).apply({"params": params["condition"]}, text)
    mean, log_deviation = moments
    return jnp.mean((jnp.square(mean) + jnp.exp(2 * log_deviation) - 1) / 2 - log_deviation, axis=1)


class Augmentation(nn.Module):
    """Maps embeddings [N, E] to the mean and the logarithm of the deviation of their conditions, each [N, features].

    The published code has a leaky rectifier on both; here it is on the mean alone, since it makes small deviations rare.
    """

    features: int

    @nn.compact
    def __call__(self, text: Array) -> tuple[Array, Array]:
        mean = nn.leaky_relu(nn.Dense(self.features, kernel_init=NORMAL, name="mean")(text), SLOPE)
        return mean, nn.Dense(self.features, kernel_init=NORMAL, name="log_deviation")(text)


class Generator(nn.Module):
    """Maps z and embeddings to images."""

    levels: int
    channels: int
    width: int
    text: int

    @nn.compact
    def __call__(self, z: Array, text: Array, train: bool) -> Array:
        z, noise = z[:, : -self.text], z[:, -self.text :]
        return images_of(jnp.concatenate([z, condition_of(text, noise)], axis=1), self.levels, self.channels, self.width, train)


class Enlarger(nn.Module):
    """Maps noise, embeddings and images to images twice as large."""

    channels: int
    width: int
    text: int
    blocks: int

    @nn.compact
    def __call__(self, noise: Array, text: Array, images: Array, train: bool) -> Array:
        width, x = self.width, nn.relu(Down(Layer(self.width, 3, 1), True, NORMAL, name="first")(images))
        for factor in (2, 4):
            x = _layer(x, Layer(factor * width, 4, 2), f"down_{factor}", train)
        condition = jnp.broadcast_to(condition_of(text, noise)[:, None, None], (*x.shape[:3], self.text))
        x = _layer(jnp.concatenate([x, condition], axis=3), Layer(4 * width, 3, 1), "joined", train)
        for _ in range(self.blocks):
            x = nn.relu(x + Residual()(x, train))
        for level, features in enumerate((2 * width, width, max(1, width // 2))):
            x = _layer(enlarged(x), Layer(features, 3, 1), f"up_{level}", train)
        return jnp.tanh(Down(Layer(self.channels, 3, 1), True, NORMAL, name="image")(x))


class Residual(nn.Module):
    """What a residual path adds: two convolutions of 3 x 3, [N, H, W, C] -> [N, H, W, C]."""

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        layer = Layer(x.shape[3], 3, 1)
        x = _layer(x, layer, "one", train)
        return norm(Down(layer, False, NORMAL, name="two")(x), train)


def condition_of(text: Array, noise: Array) -> Array:
    """Draws, as part of the module that calls it, mean + deviation * noise of embeddings [N, E] and noise [N, F]: [N, F]."""
    mean, log_deviation = Augmentation(noise.shape[1], name="condition")(text)
    return mean + jnp.exp(log_deviation) * noise


def _layer(x, layer, name, train):
    return nn.relu(norm(Down(layer, False, NORMAL, name=name)(x), train))
