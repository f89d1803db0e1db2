"""R3GAN: residual networks of grouped convolutions, without normalisation, styles or noise.

Source: Huang, Gokaslan, Kuleshov, Tompkin 2024, "The GAN is dead; long live the GAN! A Modern Baseline GAN", section 4
(https://arxiv.org/abs/2501.05441). The start of the blocks is the one of Zhang et al. 2019, "Fixup Initialization", section 3
(https://arxiv.org/abs/1901.09321). Levels are those of a `jgan.models.stylegan2.Plan`.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jgan.models.adapters import from_linen
from jgan.models.stylegan2 import SQRT_HALF, Plan
from jgan.ops.activation import bias_activation
from jgan.ops.convolution import convolution
from jgan.ops.resample import downsample, upsample
from jgan.types import Array, Network

GROUP = 16  # channels that a grouped convolution sees at once
SLOPE = 0.2  # of the rectifiers below zero
GAIN = float(np.sqrt(2 / (1 + SLOPE**2)))  # keeps the variance in front of a rectifier


class Convolution(nn.Module):
    """[N, H, W, I] -> [N, H, W, features], without bias; initial kernels keep the variance but for `gain`."""

    features: int
    size: int = 1
    groups: int = 1
    gain: float = 1.0

    @nn.compact
    def __call__(self, x: Array) -> Array:
        inputs = x.shape[3] // self.groups
        initial = nn.initializers.normal(self.gain / np.sqrt(self.size**2 * inputs))
        kernel = self.param("kernel", initial, (self.size, self.size, inputs, self.features))
        return convolution(x, kernel.astype(x.dtype), padding=self.size // 2, groups=self.groups)


class Block(nn.Module):
    """[N, H, W, C] plus what three convolutions make of it, of which the last is zero at first: to 2 C channels, in groups, and back."""

    gain: float  # of the first two

    @nn.compact
    def __call__(self, x: Array) -> Array:
        width = x.shape[3]
        groups = 2 * width // GROUP
        y = _rectified(self, "bias_0", Convolution(2 * width, gain=self.gain, name="expand")(x))
        y = _rectified(self, "bias_1", Convolution(2 * width, 3, groups, self.gain, name="grouped")(y))
        return x + Convolution(width, gain=0.0, name="project")(y)


class Generator(nn.Module):
    """z [N, Z], label int [N] if there are classes -> images [N, H, W, channels], float32, not bounded."""

    plan: Plan
    channels: int
    classes: int
    blocks: int

    @nn.compact
    def __call__(self, z: Array, label: Array | None = None) -> Array:
        if self.classes:
            z = jnp.concatenate([z, _embedded(self, label, self.classes, z.shape[1], 1.0)], axis=1)
        basis = self.param("basis", nn.initializers.normal(1.0), (*self.plan.sizes[0], self.plan.widths[0]))
        weights = _dense(self.plan.widths[0], z.shape[1], "weights")(z)
        x = basis[None] * weights[:, None, None]
        for level, width in enumerate(self.plan.widths):
            x = x.astype(_dtype(self.plan, level))
            if x.shape[3] != width:
                x = Convolution(width, name=f"width_{level}")(x)
            x = upsample(x) if level else x
            x = _blocks(x, level, self.blocks, len(self.plan.widths))
        return Convolution(self.channels, name="to_image")(x).astype(jnp.float32)


class Discriminator(nn.Module):
    """Images [N, H, W, C], label int [N] if there are classes -> logits [N], float32."""

    plan: Plan
    latent_size: int
    classes: int
    blocks: int

    @nn.compact
    def __call__(self, images: Array, label: Array | None = None) -> Array:
        widths, last = self.plan.widths, len(self.plan.widths) - 1
        x = Convolution(widths[last], name="from_image")(images.astype(_dtype(self.plan, last)))
        for level in reversed(range(len(widths))):
            x = _blocks(x, level, self.blocks, len(widths))
            x = downsample(x) if level else x
            x = x.astype(_dtype(self.plan, max(0, level - 1)))
            if level and widths[level - 1] != widths[level]:
                x = Convolution(widths[level - 1], name=f"width_{level}")(x)
        area = np.prod(x.shape[1:3])
        basis = self.param("basis", nn.initializers.normal(1 / np.sqrt(area)), x.shape[1:])
        x = jnp.sum(x * basis[None], axis=(1, 2))
        if not self.classes:
            return _dense(1, x.shape[1], "last")(x)[:, 0]
        x = _dense(self.latent_size, x.shape[1], "last")(x)
        return jnp.sum(x * _embedded(self, label, self.classes, self.latent_size, 1 / np.sqrt(self.latent_size)), axis=1)


def generator(plan: Plan, channels: int = 3, classes: int = 0, blocks: int = 2) -> Network:
    """Makes the network: z [N, Z] -> images [N, H, W, channels], not bounded, float32; (z, label int [N]) with classes.

    z is mixed to weights of the channels of a learned basis at the lowest level; a class is a learned vector as long as z, beside it.

    Args:
      plan: of `jgan.models.stylegan2.plan`; theirs for 256 pixels is plan(256, 24576, 768).
      channels: of the images.
      classes: of the labels; 0: none are given.
      blocks: at every level.

    Raises:
      ValueError: if twice a width is not a multiple of the channels of a group, 16.

    >>> from jgan.models.stylegan2 import plan
    >>> network = generator(plan(8, 128, 16), classes=3)
    >>> params, state = network.init(jax.random.key(0), jnp.zeros((2, 4)), jnp.asarray([0, 2]))
    >>> network.apply(params, state, jnp.ones((2, 4)), jnp.asarray([0, 2]))[0].shape, state
    ((2, 8, 8, 3), {})
    """
    check(plan)
    return from_linen(Generator(plan, channels, classes, blocks))


def discriminator(plan: Plan, latent_size: int = 64, classes: int = 0, blocks: int = 2) -> Network:
    """Makes the network: images [N, H, W, C] -> logits [N], float32; (images, label int [N]) with classes.

    The logit of an image in a class is the product of a vector of each, of `latent_size` numbers.

    Args:
      plan: as the generator's.
      latent_size: of z.
      classes: of the labels; 0: none are given.
      blocks: at every level.

    Raises:
      ValueError: if twice a width is not a multiple of the channels of a group, 16.

    >>> from jgan.models.stylegan2 import plan
    >>> params, _ = discriminator(plan(8, 128, 16)).init(jax.random.key(0), jnp.zeros((2, 8, 8, 3)))
    >>> sorted(params)[:3], params["basis"].shape
    (['basis', 'from_image', 'last'], (4, 4, 16))
    """
    check(plan)
    return from_linen(Discriminator(plan, latent_size, classes, blocks))


def check(plan: Plan) -> None:
    """Checks that the channels of all levels are whole groups.

    Raises:
      ValueError: if not.
    """
    if any(2 * width % GROUP for width in plan.widths):
        raise ValueError(f"expected channels that are multiples of {GROUP // 2}, found {plan.widths}; change base or maximum")


def _blocks(x: Array, level: int, blocks: int, levels: int) -> Array:
    """The blocks of a level. Their gain is the one of Fixup for L blocks of three convolutions, L^(-1/4) each."""
    gain = GAIN * (blocks * levels) ** -0.25
    for number in range(blocks):
        x = Block(gain, name=f"level_{level}_block_{number}")(x)
    return x


def _rectified(module: nn.Module, name: str, x: Array) -> Array:
    bias = module.param(name, nn.initializers.zeros, (x.shape[3],))
    return bias_activation(x, bias, gain=SQRT_HALF)  # undoes the activation's own gain, which the paper has in the initial kernels


def _dense(features: int, inputs: int, name: str) -> nn.Dense:
    return nn.Dense(features, use_bias=False, kernel_init=nn.initializers.normal(1 / np.sqrt(inputs)), name=name)


def _embedded(module: nn.Module, label: Array | None, classes: int, size: int, deviation: float) -> Array:
    """The vectors of classes, rows of one parameter: int [N] -> [N, size]."""
    table = module.param("classes", nn.initializers.normal(deviation), (classes, size))
    return jax.nn.one_hot(label, classes, dtype=table.dtype) @ table


def _dtype(plan: Plan, level: int):
    return jnp.bfloat16 if plan.half[level] else jnp.float32
