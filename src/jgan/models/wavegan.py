"""WaveGAN and SpecGAN: one stack of strided convolutions each way, along time for sound, along both axes for its spectrograms.

Source: Donahue, McAuley, Puckette 2018, "Adversarial Audio Synthesis", sections 2 and 3 and appendix D (https://arxiv.org/abs/1802.04208).
Layers of length 25 and stride 4 stand in the place of layers of 5 x 5 and stride 2, with as many parameters. A label enters the generator
beside the latent, and the discriminator as a projection (Miyato and Koyama 2018, https://arxiv.org/abs/1802.05637).
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jgan.models.adapters import from_linen
from jgan.models.dcgan import same_padding
from jgan.models.latents import uniform
from jgan.ops.convolution import convolution, transposed_convolution
from jgan.types import Array, Network

LARGEST = 16  # samples, or pixels of a side, of the generator's first layer
SLOPE = 0.2  # of the discriminator's rectifiers below zero


class Plan(NamedTuple):
    """A generator and a discriminator for examples of one shape."""

    shape: tuple[int, ...]  # of an example: (S,) or (H, W, 1)
    start: tuple[int, int]  # height and width of the generator's first layer
    features: tuple[int, ...]  # of the discriminator's layers, from the first; of the generator's from the last but one, backwards
    kernel: tuple[int, int]
    stride: int
    classes: int  # 0: without labels
    shuffle: int  # most steps by which the discriminator's layers are shifted along time, at random


def waves(samples: int, width: int = 64, classes: int = 0, shuffle: int = 2) -> Plan:
    """Returns the network for sounds of `samples` samples: 16 times 4 to any power or fewer; the paper's are 16,384, with a width of 64.

    Raises:
      ValueError: for another number of samples.

    >>> waves(16_384).start, waves(16_384).features, waves(8192).start
    ((1, 16), (64, 128, 256, 512, 1024), (1, 8))
    """
    start, levels = samples, 0
    while start > LARGEST and start % 4 == 0:
        start, levels = start // 4, levels + 1
    if start > LARGEST or not levels:
        found = f"{samples}; take a window of {_near(samples)}"
        raise ValueError(f"expected sounds of a number of samples up to {LARGEST}, times a power of 4, found {found}")
    return Plan((samples,), (1, start), tuple(width * 2**level for level in range(levels)), (1, 25), 4, classes, shuffle)


def spectrograms(height: int, width: int, features: int = 64, classes: int = 0) -> Plan:
    """Returns the network for pictures [height, width, 1]: sides are halved while both are even and above 4.

    Raises:
      ValueError: if a side of more than 16 is left.

    >>> spectrograms(128, 128).start, spectrograms(64, 128).features
    ((4, 4), (64, 128, 256, 512))
    """
    start, levels = (height, width), 0
    while min(start) > 4 and start[0] % 2 == start[1] % 2 == 0:
        start, levels = (start[0] // 2, start[1] // 2), levels + 1
    if max(start) > LARGEST or not levels:
        raise ValueError(
            f"expected sides that are a number up to {LARGEST}, times a power of 2, found {height} x {width}; take other frames"
        )
    return Plan((height, width, 1), start, tuple(features * 2**level for level in range(levels)), (5, 5), 2, classes, 0)


def generator(plan: Plan, dtype: Any = jnp.float32) -> Network:
    """Makes the network: (z [N, latent_size], standard normal, label [N] if there are classes) -> examples [N, *plan.shape] in [-1, 1],
    float32.

    >>> params, _ = jax.eval_shape(generator(waves(256, 4)).init, jax.random.key(0), jnp.zeros((1, 100)))
    >>> params["first"]["kernel"].shape, params["up_0"]["kernel"].shape
    ((100, 128), (1, 25, 4, 8))
    """
    return from_linen(Generator(plan, dtype))


def discriminator(plan: Plan, dtype: Any = jnp.float32) -> Network:
    """Makes the network: (examples [N, *plan.shape], label [N] if there are classes) -> logits [N], float32; with a key, phases are
    shuffled.

    >>> params, _ = jax.eval_shape(discriminator(waves(256, 4, classes=10)).init, jax.random.key(0), jnp.zeros((1, 256)), jnp.zeros(1, int))
    >>> params["last"]["kernel"].shape
    (128, 11)
    """
    return from_linen(Discriminator(plan, dtype))


def phase_shuffle(x: Array, shift: Array, most: int) -> Array:
    """Shifts each example along its last axis but one, by reflection at the border: y[n, ..., t, c] = x[n, ..., t - shift[n], c].

    Donahue et al. 2018, section 3.3: one shift per example and layer, so that the discriminator cannot rely on the phase at which strided
    layers of the generator leave their traces.

    Args:
      x: [N, ..., T, C], T > most.
      shift: int [N], from -most to most.
      most: the largest shift.

    >>> phase_shuffle(jnp.arange(4.0).reshape(1, 4, 1), jnp.asarray([1]), 2)[0, :, 0].tolist()
    [1.0, 0.0, 1.0, 2.0]
    """
    length, around = x.shape[-2], [(0, 0)] * (x.ndim - 2)
    padded = jnp.pad(x, [*around, (most, most), (0, 0)], mode="reflect")
    chosen = jax.nn.one_hot(most - shift, 2 * most + 1, dtype=x.dtype).reshape(-1, 2 * most + 1, *(1,) * (x.ndim - 1))
    return sum(chosen[:, place] * padded[..., place : place + length, :] for place in range(2 * most + 1))  # a gather is slow in reverse


class Generator(nn.Module):
    """Maps z [N, Z] and labels to examples, as its plan says."""

    plan: Plan
    dtype: Any

    @nn.compact
    def __call__(self, z: Array, *label: Array) -> Array:
        plan, z = self.plan, uniform(z)
        if plan.classes:
            z = jnp.concatenate([z, jax.nn.one_hot(label[0], plan.classes, dtype=z.dtype)], axis=1)
        first = (*plan.start, plan.features[-1])
        x = nn.Dense(int(np.prod(first)), dtype=self.dtype, name="first")(z).reshape(-1, *first)
        for level, features in enumerate(reversed((1, *plan.features[:-1]))):
            x = Up(features, plan.kernel, plan.stride, name=f"up_{level}")(nn.relu(x))
        return jnp.tanh(x.astype(jnp.float32)).reshape(-1, *plan.shape)


class Discriminator(nn.Module):
    """Maps examples and labels to logits [N], as its plan says."""

    plan: Plan
    dtype: Any

    @nn.compact
    def __call__(self, examples: Array, *label: Array) -> Array:
        plan = self.plan
        height, width = (side * plan.stride ** len(plan.features) for side in plan.start)
        x = examples.astype(self.dtype).reshape(-1, height if len(plan.shape) > 1 else 1, width, 1)
        for level, features in enumerate(plan.features):
            if level and plan.shuffle and self.has_rng("noise"):
                shift = jax.random.randint(self.make_rng("noise"), (len(x),), -plan.shuffle, plan.shuffle + 1)
                x = phase_shuffle(x, shift, plan.shuffle)
            x = nn.leaky_relu(Down(features, plan.kernel, plan.stride, name=f"down_{level}")(x), SLOPE)
        found = nn.Dense(1 + plan.classes, dtype=self.dtype, name="last")(x.reshape(len(x), -1)).astype(jnp.float32)
        if not plan.classes:
            return found[:, 0]
        return found[:, 0] + jnp.take_along_axis(found[:, 1:], label[0][:, None], axis=1)[:, 0]


class Up(nn.Module):
    """Transposed convolution [N, h, w, I] -> [N, stride h, stride w, features]; a height of 1 stays."""

    features: int
    kernel: tuple[int, int]
    stride: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.glorot_uniform(), (*self.kernel, self.features, x.shape[3]))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        sizes = [n if k == 1 else n * self.stride for n, k in zip(x.shape[1:3], self.kernel, strict=True)]
        y = transposed_convolution(x, kernel.astype(x.dtype), self.stride)
        for axis, (size, k) in enumerate(zip(sizes, self.kernel, strict=True), start=1):
            before, _ = same_padding(size, k, self.stride)
            y = jax.lax.slice_in_dim(y, before, before + size, axis=axis)
        return y + bias.astype(y.dtype)[None, None, None]


class Down(nn.Module):
    """Convolution [N, H, W, I] -> [N, H / stride, W / stride, features]; a height of 1 stays."""

    features: int
    kernel: tuple[int, int]
    stride: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.glorot_uniform(), (*self.kernel, x.shape[3], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        padding = tuple(same_padding(n, k, self.stride) for n, k in zip(x.shape[1:3], self.kernel, strict=True))
        return convolution(x, kernel.astype(x.dtype), self.stride, padding) + bias.astype(x.dtype)[None, None, None]


def _near(samples):
    """The nearest number of samples that fits."""
    levels = max(1, int(np.floor(np.log(samples / 4) / np.log(4))))
    return min(LARGEST, max(1, round(samples / 4**levels))) * 4**levels
