"""ProGAN: a generator and a discriminator that grow, level by level.

Source: Karras et al. 2017, "Progressive Growing of GANs for Improved Quality, Stability, and Variation", sections 2 to 4 and appendix A
(https://arxiv.org/abs/1710.10196). He's gain of sqrt 2 is in the activation, behind the bias, instead of in the weights.

Parameters are named by their level, so those of a smaller network have the same names in a larger one. While a network fades in, its
highest level has the share alpha of the image and the level below the rest; both players are given alpha [N], the same for all examples.
"""

from collections.abc import Sequence

import flax.linen as nn

from jgan.checks import along_rows
from jgan.models.adapters import from_linen
from jgan.models.layers import Convolution, Dense, minibatch_deviation, unit_length
from jgan.models.stylegan2 import Plan
from jgan.ops.resample import downsample, upsample
from jgan.types import Array, Network

BOX = (1.0, 1.0)  # taps of the nearest neighbour upwards, and of the mean of 2 x 2 pixels downwards


def first_levels(plan: Plan, count: int) -> Plan:
    """Returns the levels of a smaller network, from the lowest.

    >>> from jgan.models.stylegan2 import plan
    >>> first_levels(plan(32), 2).sizes
    ((4, 4), (8, 8))
    """
    return Plan(plan.sizes[:count], plan.widths[:count], plan.half[:count])


def enlarged(images: Array, factor: int = 2) -> Array:
    """Returns every pixel of [N, H, W, C] as factor x factor pixels."""
    return upsample(images, (1.0,) * factor, factor) if factor > 1 else images


def shrunk(images: Array, factor: int = 2) -> Array:
    """Returns the means of factor x factor pixels of [N, H, W, C]."""
    return downsample(images, (1.0,) * factor, factor) if factor > 1 else images


def blended(alpha: Array, new: Array, old: Array) -> Array:
    """Returns alpha new + (1 - alpha) old, exact at both ends, for alpha [N] and arrays [N, ...].

    >>> import jax.numpy as jnp
    >>> blended(jnp.asarray([0.0, 0.25]), jnp.ones((2, 1)), jnp.zeros((2, 1))).tolist()
    [[0.0], [0.25]]
    """
    share = along_rows(alpha, new)
    return share * new + (1.0 - share) * old


class GeneratorLevel(nn.Module):
    """Twice the resolution, and two convolutions, each with its pixels normalised."""

    features: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        x = unit_length(Convolution(self.features, name="conv0")(enlarged(x)))
        return unit_length(Convolution(self.features, name="conv1")(x))


class Generator(nn.Module):
    """z [N, Z], alpha [N] -> images [N, H, W, channels], not bounded."""

    plan: Plan
    channels: int
    fades: bool

    @nn.compact
    def __call__(self, z: Array, alpha: Array) -> Array:
        (height, width), features = self.plan.sizes[0], self.plan.widths[0]
        x = Dense(height * width * features, "leaky_relu", name="dense")(unit_length(z))
        x = unit_length(x.reshape(-1, height, width, features))
        levels = [unit_length(Convolution(features, name="level_0")(x))]
        for level in range(1, len(self.plan.widths)):
            levels.append(GeneratorLevel(self.plan.widths[level], name=f"level_{level}")(levels[-1]))
        return shown(levels, self.channels, alpha, self.fades)


def shown(levels: Sequence[Array], channels: int, alpha: Array, fades: bool) -> Array:
    """Returns the image of the highest level; while it fades in, blended with the image of the level below. For use inside of a module."""
    top = len(levels) - 1
    image = Convolution(channels, 1, "linear", name=f"to_image_{top}")(levels[top])
    if not fades:
        return image
    below = Convolution(channels, 1, "linear", name=f"to_image_{top - 1}")(levels[top - 1])
    return blended(alpha, image, enlarged(below))


class DiscriminatorLevel(nn.Module):
    """Two convolutions, and half the resolution."""

    features: int
    below: int
    taps: Sequence[float]

    @nn.compact
    def __call__(self, x: Array) -> Array:
        x = Convolution(self.features, name="conv0")(x)
        return downsample(Convolution(self.below, name="conv1")(x), self.taps)


class Discriminator(nn.Module):
    """images [N, H, W, C], alpha [N] -> logits [N]."""

    plan: Plan
    fades: bool
    taps: Sequence[float]
    group: int

    @nn.compact
    def __call__(self, images: Array, alpha: Array) -> Array:
        widths, top = self.plan.widths, len(self.plan.widths) - 1
        x = Convolution(widths[top], 1, name=f"from_image_{top}")(images)
        for level in range(top, 0, -1):
            x = DiscriminatorLevel(widths[level], widths[level - 1], self.taps, name=f"level_{level}")(x)
            if self.fades and level == top:
                below = Convolution(widths[top - 1], 1, name=f"from_image_{top - 1}")(shrunk(images))
                x = blended(alpha, x, below)
        x = Convolution(widths[0], name="level_0")(minibatch_deviation(x, self.group))
        x = Dense(widths[0], "leaky_relu", name="dense")(x.reshape(x.shape[0], -1))
        return Dense(1, name="logits")(x)[:, 0]


def generator(plan: Plan, channels: int = 3, fades: bool = False) -> Network:
    """Returns the generator: (z [N, Z], alpha [N]) -> images [N, H, W, channels].

    Args:
      plan: sizes and widths of the levels, of `jgan.models.stylegan2.plan`; precisions are not looked at.
      channels: of the images.
      fades: whether the highest level fades in; if not alpha is not looked at.
    """
    return from_linen(Generator(plan, channels, fades))


def discriminator(plan: Plan, fades: bool = False, taps: Sequence[float] = BOX, group: int = 4) -> Network:
    """Returns the discriminator: (images [N, H, W, C], alpha [N]) -> logits [N].

    Args:
      plan, fades: as of the generator.
      taps: of the filter before the resolution is halved; [1, 3, 3, 1] is to blur with [1, 2, 1] and take means of 2 x 2 pixels.
      group: images per group of the minibatch standard deviation; 1: none.
    """
    return from_linen(Discriminator(plan, fades, tuple(taps), group))
