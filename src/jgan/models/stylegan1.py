"""StyleGAN, the first: a mapping network, and a synthesis network that its styles normalise anew at every layer; both grow as ProGAN.

Source: Karras et al. 2018, "A Style-Based Generator Architecture for Generative Adversarial Networks", sections 2 and 3, appendices B and C
(https://arxiv.org/abs/1812.04948). The discriminator is the one of `jgan.models.progan` with taps [1, 3, 3, 1]. The mapping network, mixing
and truncation are those of `jgan.models.stylegan2`.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.models.instance_norm import instance_normalise
from jgan.models.layers import Convolution, Dense
from jgan.models.progan import enlarged, shown
from jgan.models.stylegan2 import Mapping, Plan, constant_noise, draw_mixing, draw_noise, mix_styles
from jgan.ops.activation import bias_activation
from jgan.ops.channels import per_channel, per_image
from jgan.ops.resample import upfirdn
from jgan.types import Array, Key, Network, Params, State

BLUR = (0.25, 0.5, 0.25)


class Styled(nn.Module):
    """Noise, bias, activation, then adaptive instance normalisation: scale (x - mean) / deviation + shift, both of w; [N, H, W, C]."""

    @nn.compact
    def __call__(self, x: Array, w: Array, noise: Array | None) -> Array:
        features = x.shape[3]
        strength = self.param("noise_strength", nn.initializers.zeros, (features,))
        bias = self.param("bias", nn.initializers.zeros, (features,))
        if noise is not None:
            x = x + noise * per_channel(strength, x.shape)
        x = instance_normalise(bias_activation(x, bias), 1e-8)
        scale, shift = Dense(features, bias=1.0, name="scale")(w), Dense(features, name="shift")(w)
        return x * per_image(scale, x.shape) + per_image(shift, x.shape)


class SynthesisLevel(nn.Module):
    """Two styled layers at one resolution, twice as large as the level below; the first level begins with a constant in place of x."""

    level: int
    plan: Plan

    @nn.compact
    def __call__(self, x: Array | None, ws: Array, noise: Array | None) -> Array:
        features = self.plan.widths[self.level]
        layers = [None, None] if noise is None else [noise[..., :1], noise[..., 1:]]
        if x is None:
            constant = self.param("constant", nn.initializers.ones, (*self.plan.sizes[self.level], features))
            x = jnp.broadcast_to(constant, (ws.shape[0], *constant.shape))
        else:
            x = Convolution(features, activation="linear", use_bias=False, name="conv0")(enlarged(x))
            x = upfirdn(x, BLUR, padding=(1, 1, 1, 1))
        x = Styled(name="style0")(x, ws[:, 0], layers[0])
        x = Convolution(features, activation="linear", use_bias=False, name="conv1")(x)
        return Styled(name="style1")(x, ws[:, 1], layers[1])


class Synthesis(nn.Module):
    """ws [N, layers, style_size], alpha [N], noise of every level -> images [N, H, W, channels], not bounded."""

    plan: Plan
    channels: int
    fades: bool

    @nn.compact
    def __call__(self, ws: Array, alpha: Array, noise: tuple[Array, ...] | None = None) -> Array:
        self.variable("noise", "constant", lambda: draw_noise(self.make_rng("params"), 1, self.plan))
        levels, x = [], None
        for level in range(len(self.plan.sizes)):
            part = SynthesisLevel(level, self.plan, name=f"level_{level}")
            x = part(x, ws[:, 2 * level : 2 * level + 2], None if noise is None else noise[level])
            levels.append(x)
        return shown(levels, self.channels, alpha, self.fades)


def style_layers(plan: Plan) -> tuple[tuple[str, ...], ...]:
    """Returns where the layers that read a style are in the parameters of synthesis, by their place in `ws`.

    >>> from jgan.models.stylegan2 import plan
    >>> style_layers(plan(8))[-2:]
    (('level_1', 'style0'), ('level_1', 'style1'))
    """
    return tuple((f"level_{level}", name) for level in range(len(plan.sizes)) for name in ("style0", "style1"))


class Generator(NamedTuple):
    """The two networks of the generator. Parameters and states of both are dicts with the keys `mapping` and `synthesis`."""

    mapping: Network  # (z [N, latent_size]) -> w [N, style_size]
    synthesis: Network  # (ws [N, layers, style_size], alpha [N], noise or None) -> images [N, H, W, channels]
    plan: Plan

    @property
    def layers(self) -> int:
        """The number of styles per image."""
        return 2 * len(self.plan.sizes)


def generator(
    plan: Plan,
    channels: int = 3,
    fades: bool = False,
    *,
    style_size: int = 512,
    mapping_layers: int = 8,
    mapping_rate: float = 0.01,
    average_decay: float = 0.995,
) -> Generator:
    """Returns the generator.

    Args:
      plan, channels, fades: as of `jgan.models.progan.generator`.
      style_size: numbers in w.
      mapping_layers: fully connected layers of the mapping network.
      mapping_rate: their learning rate relative to the other layers'.
      average_decay: of the running average of w, per batch.

    >>> from jgan.models.stylegan2 import plan
    >>> generator(plan(32, 512, 32), style_size=16).layers
    8
    """
    mapping = Mapping(style_size, layers=mapping_layers, rate=mapping_rate, decay=average_decay)
    return Generator(from_linen(mapping), from_linen(Synthesis(plan, channels, fades)), plan)


def styles(g: Generator, params: Params, state: State, z: Array, train: bool = False) -> tuple[Array, State]:
    """Returns the same style for all layers of an image, [N, layers, style_size], and the next state, with the running average of w."""
    w, after = g.mapping.apply(params["mapping"], state["mapping"], z, train=train)
    return jnp.repeat(w[:, None], g.layers, axis=1), {**state, "mapping": after}


def synthesise(g: Generator, params: Params, state: State, ws: Array, alpha: Array, key: Key | None = None) -> Array:
    """Returns images [N, H, W, channels] of styles, with noise of a key, or without one with the network's constant noise."""
    noise = constant_noise(state["synthesis"]) if key is None else draw_noise(key, ws.shape[0], g.plan)
    return g.synthesis.apply(params["synthesis"], state["synthesis"], ws, alpha, noise)[0]


def mixing(g: Generator, probability: float = 0.9) -> Network:
    """Returns the generator as one network for training: (z [N, latent_size], alpha [N]) -> images [N, H, W, channels].

    It draws noise, and for a share of the images a second latent, whose styles the layers from a random one on take.

    Raises:
      ValueError: in `apply` without a key.
    """

    def init(key, z, alpha):
        key_mapping, key_synthesis = jax.random.split(key)
        mapping = g.mapping.init(key_mapping, z)
        ws = jnp.repeat(g.mapping.apply(*mapping, z)[0][:, None], g.layers, axis=1)
        synthesis = g.synthesis.init(key_synthesis, ws, alpha)
        params, state = ({"mapping": mapping[i], "synthesis": synthesis[i]} for i in range(2))
        return params, state

    def apply(params, state, z, alpha, *, key=None, train=False):
        if key is None:
            raise ValueError("expected a key, since styles are mixed and noise is drawn, found None; pass key=")
        key_z, key_layer, key_noise = jax.random.split(key, 3)
        ws, after = styles(g, params, state, z, train)
        others, _ = styles(g, params, state, jax.random.normal(key_z, z.shape))
        ws = mix_styles(ws, others, draw_mixing(key_layer, len(z), g.layers, probability))
        return synthesise(g, params, state, ws, alpha, key_noise), after

    return Network(init, apply)
