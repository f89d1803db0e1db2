"""StyleGAN2: mapping network, synthesis network and discriminator.

Source: Karras et al. 2019, "Analyzing and Improving the Image Quality of StyleGAN" (https://arxiv.org/abs/1912.04958), with the settings
of Karras et al. 2020 (https://arxiv.org/abs/2006.06676): weights in equalized learning rate, optional half precision with clamped outputs.

A level k works at 2^k times the size of the constant that synthesis starts from; it has min(channel_base / (4 2^k), channel_max) channels.
"""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jgan.models.adapters import from_linen
from jgan.models.layers import Convolution, Dense, StyledConvolution, ToImage, minibatch_deviation, unit_length
from jgan.ops.random import normal_columns
from jgan.ops.resample import downsample, upsample
from jgan.types import Array, Key, Network, State

SQRT_HALF = float(np.sqrt(0.5))  # keeps the variance where two paths are added
ARCHITECTURES = {"generator": ("skip", "residual", "plain"), "discriminator": ("residual", "skip", "plain")}


class Plan(NamedTuple):
    """Sizes and widths of all levels, lowest first."""

    sizes: tuple[tuple[int, int], ...]  # (H, W), pixels
    widths: tuple[int, ...]  # channels
    half: tuple[bool, ...]  # bfloat16


def plan(resolution: int | tuple[int, int], channel_base: int = 32768, channel_max: int = 512, half_levels: int = 0) -> Plan:
    """Returns the levels of a network for images of one size: the start is the smallest rectangle of at least 4 pixels a side.

    Raises:
      ValueError: if the size cannot be halved down to a start of at most 16 pixels a side; it names the nearest that can.

    >>> plan(32, 512, 32).sizes
    ((4, 4), (8, 8), (16, 16), (32, 32))
    >>> plan((96, 128)).sizes[0]
    (6, 8)
    """
    height, width = (resolution, resolution) if isinstance(resolution, int) else resolution
    start, doublings = (height, width), 0
    while all(n % 2 == 0 and n // 2 >= 4 for n in start):
        start, doublings = (start[0] // 2, start[1] // 2), doublings + 1
    if min(start) < 4 or max(start) > 16:
        unit = 2 ** max(0, int(np.log2(max(height, width, 1))) - 3)
        near = tuple(max(4, round(n / unit)) * unit for n in (height, width))
        raise ValueError(
            f"expected a resolution that halves down to a start of 4 to 16 pixels a side, found {height} x {width}, which "
            f"stops at {start[0]} x {start[1]}; {near[0]} x {near[1]} would do: crop or resize the images"
        )
    levels = range(doublings + 1)
    return Plan(
        tuple((start[0] * 2**k, start[1] * 2**k) for k in levels),
        tuple(max(1, min(channel_base // (4 * 2**k), channel_max)) for k in levels),
        tuple(k > 0 and k > doublings - half_levels for k in levels),
    )


class Mapping(nn.Module):
    """z [N, Z] (may have no columns), label [N] -> w [N, style_size]; carries the running average of w."""

    style_size: int
    label_size: int = 0
    layers: int = 8
    rate: float = 0.01
    decay: float = 0.998  # of the average of w, per batch

    @nn.compact
    def __call__(self, z: Array, label: Array | None = None, train: bool = False) -> Array:
        parts = [unit_length(z)] if z.shape[1] else []
        if self.label_size:
            embedded = Dense(self.style_size, name="embed")(one_hot(label, self.label_size))
            parts.append(unit_length(embedded))
        w = jnp.concatenate(parts, axis=1)
        for i in range(self.layers):
            w = Dense(self.style_size, "leaky_relu", self.rate, name=f"dense_{i}")(w)
        average = self.variable("average", "w", lambda: jnp.zeros((self.style_size,)))
        if train:
            mean = jax.lax.stop_gradient(jnp.mean(w, axis=0))
            average.value = mean + (average.value - mean) * self.decay
        return w


class SynthesisLevel(nn.Module):
    """One resolution: two styled convolutions (one at the start) and the image so far, or the residual path."""

    level: int
    plan: Plan
    channels: int
    architecture: str
    clamp: float | None

    @nn.compact
    def __call__(self, x, image, ws, noise):
        width = self.plan.widths[self.level]
        x = x.astype(jnp.bfloat16 if self.plan.half[self.level] else jnp.float32)
        residual = self.architecture == "residual" and self.level > 0
        if residual:
            kernel = self.param("skip", nn.initializers.normal(1.0), (1, 1, x.shape[-1], width))
            skip = upsample(x @ (kernel[0, 0] * (SQRT_HALF / np.sqrt(x.shape[-1]))).astype(x.dtype))
        if self.level > 0:
            x = StyledConvolution(width, up=True, clamp=self.clamp, name="conv0")(x, ws[:, 0], _channel(noise, 1))
            ws = ws[:, 1:]
        gain = SQRT_HALF if residual else 1.0
        x = StyledConvolution(width, clamp=self.clamp, name="conv1")(x, ws[:, 0], _channel(noise, 0), gain)
        x = x + skip if residual else x
        if self.architecture == "skip" or self.level + 1 == len(self.plan.sizes):
            rgb = ToImage(self.channels, self.clamp, name="to_image")(x, ws[:, 1])
            image = rgb if image is None else upsample(image) + rgb
        return x, image


class Synthesis(nn.Module):
    """ws [N, layers, style_size], noise of every level -> images [N, H, W, channels], float32."""

    plan: Plan
    channels: int = 3
    architecture: str = "skip"
    clamp: float | None = None
    rematerialise: bool = False

    @nn.compact
    def __call__(self, ws: Array, noise: tuple | None = None) -> Array:
        constant = self.param("constant", nn.initializers.normal(1.0), (*self.plan.sizes[0], self.plan.widths[0]))
        x, image = jnp.broadcast_to(constant, (ws.shape[0], *constant.shape)), None
        self.variable("noise", "constant", lambda: draw_noise(self.make_rng("params"), 1, self.plan))
        level_class = nn.remat(SynthesisLevel) if self.rematerialise else SynthesisLevel
        for level in range(len(self.plan.sizes)):
            first = max(0, 2 * level - 1)
            module = level_class(level, self.plan, self.channels, self.architecture, self.clamp, name=f"level_{level}")
            x, image = module(x, image, ws[:, first : first + 3], None if noise is None else noise[level])
        return image


class DiscriminatorLevel(nn.Module):
    """One resolution of the discriminator: images in where the architecture reads them, two convolutions, half the resolution out."""

    level: int
    plan: Plan
    architecture: str
    clamp: float | None

    @nn.compact
    def __call__(self, x, image):
        width, below = self.plan.widths[self.level], self.plan.widths[self.level - 1]
        dtype = jnp.bfloat16 if self.plan.half[self.level] else jnp.float32
        x = None if x is None else x.astype(dtype)
        if x is None or self.architecture == "skip":
            y = Convolution(width, 1, clamp=self.clamp, name="from_image")(image.astype(dtype))
            x = y if x is None else x + y
            image = downsample(image) if self.architecture == "skip" else image
        residual = self.architecture == "residual"
        if residual:
            skip = Convolution(below, 1, "linear", use_bias=False, down=True, name="skip")(x, SQRT_HALF)
        x = Convolution(width, clamp=self.clamp, name="conv0")(x)
        x = Convolution(below, down=True, clamp=self.clamp, name="conv1")(x, SQRT_HALF if residual else 1.0)
        return (x + skip if residual else x), image


class Discriminator(nn.Module):
    """images [N, H, W, C], label [N] -> logits [N], float32."""

    plan: Plan
    label_size: int = 0
    architecture: str = "residual"
    clamp: float | None = None
    group: int = 4
    mapping_layers: int = 8
    label_channels: int = 0  # width of the label's embedding; 0: as wide as the lowest level
    rematerialise: bool = False

    @nn.compact
    def __call__(self, images: Array, label: Array | None = None) -> Array:
        x, image = None, images
        level_class = nn.remat(DiscriminatorLevel) if self.rematerialise else DiscriminatorLevel
        for level in reversed(range(1, len(self.plan.sizes))):
            x, image = level_class(level, self.plan, self.architecture, self.clamp, name=f"level_{level}")(x, image)
        width = self.plan.widths[0]
        x = None if x is None else x.astype(jnp.float32)
        if x is None or self.architecture == "skip":
            y = Convolution(width, 1, clamp=self.clamp, name="from_image")(image)
            x = y if x is None else x + y
        x = minibatch_deviation(x, self.group) if self.group else x
        x = Convolution(width, clamp=self.clamp, name="conv")(x)
        x = Dense(width, "leaky_relu", name="dense")(x.reshape(x.shape[0], -1))
        if not self.label_size:
            return Dense(1, name="logits")(x)[:, 0]
        size = self.label_channels or width
        features = Dense(size, name="logits")(x)
        empty = jnp.zeros((x.shape[0], 0))
        target = Mapping(size, self.label_size, self.mapping_layers, name="mapping")(empty, label)
        return jnp.sum(features * target, axis=1) * np.float32(1 / np.sqrt(size))


class Generator(NamedTuple):
    """The two networks of the generator and what is needed to drive them."""

    mapping: Network  # (z [N, latent_size], label [N] or None) -> w [N, style_size]
    synthesis: Network  # (ws [N, layers, style_size], noise or None) -> images [N, H, W, channels]
    plan: Plan
    layers: int  # styles per image
    latent_size: int
    label_size: int


def generator(
    plan: Plan,
    *,
    channels: int = 3,
    latent_size: int = 512,
    style_size: int = 512,
    label_size: int = 0,
    mapping_layers: int = 8,
    mapping_rate: float = 0.01,
    average_decay: float = 0.998,
    architecture: str = "skip",
    clamp: float | None = None,
    rematerialise: bool = False,
) -> Generator:
    """Returns the generator.

    Args:
      plan: sizes, widths and precisions of the levels, see `plan`.
      channels: of the images.
      latent_size, style_size: of z and w.
      label_size: number of classes; 0: unconditional.
      mapping_layers: fully connected layers of the mapping network.
      mapping_rate: their learning rate relative to the other layers'.
      average_decay: of the running average of w, per batch.
      architecture: "skip" (sum of images of all levels), "residual", or "plain" (the highest level alone makes the image).
      clamp: largest absolute activation; 256 where levels are in half precision.
      rematerialise: recompute each level's activations in the backward pass instead of keeping them.

    >>> generator(plan(32, 512, 32), latent_size=16, style_size=16).layers
    8
    """
    _check_architecture("generator", architecture)
    mapping = Mapping(style_size, label_size, mapping_layers, mapping_rate, average_decay)
    synthesis = Synthesis(plan, channels, architecture, clamp, rematerialise)
    return Generator(from_linen(mapping), from_linen(synthesis), plan, 2 * len(plan.sizes), latent_size, label_size)


def discriminator(
    plan: Plan,
    *,
    label_size: int = 0,
    architecture: str = "residual",
    clamp: float | None = None,
    group: int = 4,
    mapping_layers: int = 8,
    label_channels: int = 0,
    rematerialise: bool = False,
) -> Network:
    """Returns the discriminator: (images [N, H, W, C], label [N] or None) -> logits [N].

    Args:
      plan: sizes, widths and precisions of the levels, see `plan`.
      label_size: number of classes; 0: unconditional. The logit of a class is a projection on its embedding.
      architecture: "residual", "skip" or "plain".
      clamp: largest absolute activation; 256 where levels are in half precision.
      group: images per group of the minibatch standard deviation; 0: it is left out.
      mapping_layers, label_channels: depth and width of the label's embedding; 0: as wide as the lowest level.
      rematerialise: recompute each level's activations in the backward pass instead of keeping them.
    """
    _check_architecture("discriminator", architecture)
    return from_linen(Discriminator(plan, label_size, architecture, clamp, group, mapping_layers, label_channels, rematerialise))


def discriminator_layers(plan: Plan, architecture: str = "residual") -> tuple[tuple[str, ...], ...]:
    """Returns where the discriminator's layers are in its parameters, from the image on; without the logits and the label's embedding.

    >>> discriminator_layers(plan(8), "plain")[:3]
    (('level_1', 'from_image'), ('level_1', 'conv0'), ('level_1', 'conv1'))
    """
    _check_architecture("discriminator", architecture)
    top, layers = len(plan.sizes) - 1, []
    for level in reversed(range(1, top + 1)):
        names = ("conv0", "conv1", "skip") if architecture == "residual" else ("conv0", "conv1")
        reads = ("from_image",) if level == top or architecture == "skip" else ()
        layers += [(f"level_{level}", name) for name in (*reads, *names)]
    reads = (("from_image",),) if top == 0 or architecture == "skip" else ()
    return (*layers, *reads, ("conv",), ("dense",))


def first_layers(plan: Plan, count: int, architecture: str = "residual") -> Callable[[tuple[str, ...]], bool]:
    """Says of the path of a parameter whether it belongs to the discriminator's first layers, for `jgan.training.frozen`.

    FreezeD: a discriminator that goes on from other data keeps the layers that are next to the image (Mo et al. 2020,
    https://arxiv.org/abs/2002.10964). Each convolution counts as one layer, in the residual path too.

    Raises:
      ValueError: if there are fewer layers than `count`, or it is negative.

    >>> first_layers(plan(8), 2)(("level_1", "conv0", "kernel")), first_layers(plan(8), 2)(("level_1", "conv1", "kernel"))
    (True, False)
    """
    layers = discriminator_layers(plan, architecture)
    if not 0 <= count <= len(layers):
        raise ValueError(f"expected 0 to {len(layers)} layers of a {architecture} discriminator of {len(plan.sizes)} levels, found {count}")
    return lambda path: any(path[: len(layer)] == layer for layer in layers[:count])


def style_layers(plan: Plan) -> tuple[tuple[str, ...], ...]:
    """Returns where the layers that read a style are in the parameters of synthesis, by their place in `ws`; the last makes the image.

    >>> style_layers(plan(8))
    (('level_0', 'conv1'), ('level_1', 'conv0'), ('level_1', 'conv1'), ('level_1', 'to_image'))
    """
    top = len(plan.sizes) - 1
    convolutions = [(f"level_{level}", name) for level in range(top + 1) for name in ("conv0", "conv1")][1:]
    return (*convolutions, (f"level_{top}", "to_image"))


def draw_noise(key: Key, n: int, plan: Plan) -> tuple[Array, ...]:
    """Returns standard normal noise for every level, [n, H, W, 2] (one channel per layer), from one draw."""
    parts = normal_columns(key, n, tuple(2 * height * width for height, width in plan.sizes))
    planes = [part.reshape(n, 2, height, width) for part, (height, width) in zip(parts, plan.sizes, strict=True)]
    return tuple(plane.transpose(0, 2, 3, 1) for plane in planes)  # on CPU each layer's numbers lie side by side, which is faster


def constant_noise(synthesis_state: State) -> tuple[Array, ...]:
    """Returns the noise that belongs to the network, the same for every image."""
    return synthesis_state["noise"]["constant"]


def truncate(ws: Array, average: Array, truncation: Array | float = 1.0, cutoff: Array | int | None = None) -> Array:
    """Returns average + truncation (ws - average) in the first `cutoff` layers: typicality against variety.

    Source: Karras et al. 2018, appendix B (https://arxiv.org/abs/1812.04948).

    Args:
      ws: [N, layers, style_size].
      average: [style_size], the running average of w.
      truncation: 1 keeps the styles, 0 gives the average image; one number, or [N].
      cutoff: number of layers, from the lowest; one number, or [N]; None: all.
    """
    last = jnp.reshape(jnp.asarray(ws.shape[1] if cutoff is None else cutoff), (-1, 1))
    strength = jnp.reshape(jnp.asarray(truncation, ws.dtype), (-1, 1))
    amount = jnp.where(jnp.arange(ws.shape[1])[None] < last, strength, jnp.ones((1, 1), ws.dtype))[:, :, None]
    return average[None, None, :] + (ws - average[None, None, :]) * amount


def draw_mixing(key: Key, n: int, layers: int, probability: float = 0.9) -> Array:
    """Returns the layer from which each image takes the styles of a second latent, [n]; `layers` (never) for a share of 1 - probability.

    Source: Karras et al. 2018, section 3.1 (https://arxiv.org/abs/1812.04948).
    """
    key_layer, key_choice = jax.random.split(key)
    first = jax.random.randint(key_layer, (n,), 1, layers)
    return jnp.where(jax.random.uniform(key_choice, (n,)) < probability, first, layers)


def mix_styles(ws: Array, others: Array, first: Array) -> Array:
    """Returns ws below the layer `first`, others from there on.

    Args:
      ws, others: [N, layers, style_size].
      first: [N], see `draw_mixing`.

    >>> mix_styles(jnp.zeros((1, 3, 1)), jnp.ones((1, 3, 1)), jnp.asarray([2]))[0, :, 0].tolist()
    [0.0, 0.0, 1.0]
    """
    return jnp.where((jnp.arange(ws.shape[1])[None, :] < first[:, None])[:, :, None], ws, others)


def one_hot(label: Array | None, size: int) -> Array:
    """Returns label [N] -> [N, size].

    Raises:
      ValueError: if the network is conditional and no label is given.
    """
    if label is None:
        raise ValueError(f"expected labels [N] for a network of {size} classes, found none; give labels or make it unconditional")
    return jax.nn.one_hot(label, size)


def _channel(noise, index):
    return None if noise is None else noise[..., index : index + 1]


def _check_architecture(player, architecture):
    if architecture not in ARCHITECTURES[player]:
        raise ValueError(f"expected a {player} architecture of {ARCHITECTURES[player]}, found {architecture!r}")
