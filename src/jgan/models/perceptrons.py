"""The perceptrons of the first GAN: a generator with rectifiers and a sigmoid, a discriminator of maxout units.

Sources: Goodfellow et al. 2014, section 5 (https://arxiv.org/abs/1406.2661); maxout: Goodfellow et al. 2013, section 3
(https://arxiv.org/abs/1302.4389); dropout: Srivastava et al. 2014 (https://jmlr.org/papers/v15/srivastava14a.html).
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jgan.models.adapters import from_linen
from jgan.models.latents import uniform
from jgan.types import Array, Network


def generator(
    shape: tuple[int, int, int], hidden: tuple[int, ...] = (1200, 1200), spread: float = 0.05, dtype: Any = jnp.float32
) -> Network:
    """Makes the network: z [N, latent_size], standard normal, -> images [N, H, W, C] in [-1, 1].

    z is made uniform on [-1, 1], as the paper has it. Initial kernels are uniform on [-spread, spread]. Activations are of `dtype`, images
    float32.

    >>> network = generator((28, 28, 1), (8,))
    >>> params, _ = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 100)))
    >>> {name: layer["kernel"].shape for name, layer in sorted(params.items())}
    {'hidden_0': (100, 8), 'image': (8, 784)}
    """
    return from_linen(Generator(shape, hidden, spread, dtype))


def discriminator(
    units: tuple[int, ...] = (240, 240),
    pieces: int = 5,
    input_dropout: float = 0.2,
    dropout: float = 0.5,
    spread: float = 0.005,
    dtype: Any = jnp.float32,
) -> Network:
    """Makes the network: images [N, H, W, C] in [-1, 1] -> logits [N]; with train=True it draws dropout.

    Args:
      units: maxout units per layer: h_i = max_j (x W_ij + b_ij), j = 1 ... pieces.
      pieces: linear functions per unit.
      input_dropout, dropout: share of the pixels, and of the units of every layer, that are left out.
      spread: initial kernels are uniform on [-spread, spread].
      dtype: of activations; logits are float32.

    >>> network = discriminator((6,), pieces=2)
    >>> params, _ = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 4, 4, 1)))
    >>> params["maxout_0"]["kernel"].shape, params["logit"]["kernel"].shape
    ((16, 12), (6, 1))
    """
    return from_linen(Discriminator(units, pieces, input_dropout, dropout, spread, dtype))


class Generator(nn.Module):
    """Maps z [N, Z] to images [N, *shape] in [-1, 1]."""

    shape: tuple[int, int, int]
    hidden: tuple[int, ...]
    spread: float
    dtype: Any

    @nn.compact
    def __call__(self, z: Array) -> Array:
        x = uniform(z)
        for i, n in enumerate(self.hidden):
            x = nn.relu(nn.Dense(n, dtype=self.dtype, kernel_init=_symmetric(self.spread), name=f"hidden_{i}")(x))
        x = nn.Dense(int(np.prod(self.shape)), dtype=self.dtype, kernel_init=_symmetric(self.spread), name="image")(x)
        return jnp.tanh(x.astype(jnp.float32) / 2).reshape(-1, *self.shape)  # 2 sigmoid(x) - 1


class Discriminator(nn.Module):
    """Maps images [N, H, W, C] to logits [N] by layers of maxout units."""

    units: tuple[int, ...]
    pieces: int
    input_dropout: float
    dropout: float
    spread: float
    dtype: Any

    @nn.compact
    def __call__(self, images: Array, train: bool) -> Array:
        x = (images.reshape(images.shape[0], -1) + 1) / 2  # as in the paper, 0 is black: dropout leaves no grey dots
        x = nn.Dropout(self.input_dropout, deterministic=not train)(x)
        for i, n in enumerate(self.units):
            x = nn.Dense(n * self.pieces, dtype=self.dtype, kernel_init=_symmetric(self.spread), name=f"maxout_{i}")(x)
            x = x.reshape(-1, n, self.pieces).max(axis=2)
            x = nn.Dropout(self.dropout, deterministic=not train)(x)
        return nn.Dense(1, kernel_init=_symmetric(self.spread), name="logit")(x.astype(jnp.float32))[:, 0]


def _symmetric(spread):
    return lambda key, shape, dtype: jax.random.uniform(key, shape, dtype, -spread, spread)
