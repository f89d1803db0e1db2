"""Networks of sentences: an LSTM that draws them token by token, and one that reads them token by token.

Sources: de Masson d'Autume et al. 2019 (ScratchGAN), section 3 (https://arxiv.org/abs/1905.09922); tied embeddings: Press, Wolf 2016
(https://arxiv.org/abs/1608.05859); layer norm in an LSTM: Ba et al. 2016 (https://arxiv.org/abs/1607.06450); positions: Vaswani et al.
2017, section 3.5 (https://arxiv.org/abs/1706.03762).

Sentences are int32 [N, T]. Token 0 ends a sentence and fills its row. log p(x) = sum over t of log p(x_t | x_1 ... x_(t-1)), up to the
first 0; the distribution of lengths is learned with it.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jgan.models.adapters import from_linen
from jgan.models.pixels import pick
from jgan.types import Array, Key, Network, Params

COLDEST = 1e-3  # temperatures below it are as this one: always the most probable token


class Generator(nn.Module):
    """One step of stacked LSTMs: (carry, tokens before int32 [N]) -> (carry, logits of the next token [N, vocabulary])."""

    vocabulary: int
    embedding: int  # numbers per token; the same in front and at the end
    features: int
    layers: int

    @nn.compact
    def __call__(self, carry: Any, tokens: Array) -> tuple[Any, Array]:
        embed = nn.Embed(self.vocabulary + 1, self.embedding)  # the last one stands before a sentence
        x, after = embed(tokens), []
        for before in carry:
            state, x = nn.OptimizedLSTMCell(self.features)(before, x)
            after.append(state)
        bias = self.param("bias", nn.initializers.zeros, (self.vocabulary,))
        return tuple(after), nn.Dense(self.embedding, name="back")(x) @ embed.embedding[:-1].T + bias[None]

    def begin(self, n: int) -> tuple[Any, Array]:
        """Returns the carry and the tokens before n sentences."""
        zeros = jnp.zeros((n, self.features))
        return tuple((zeros, zeros) for _ in range(self.layers)), jnp.full((n,), self.vocabulary, jnp.int32)


def init(generator: Generator, key: Key) -> Params:
    """Returns parameters of a generator.

    >>> params = jax.eval_shape(lambda key: init(Generator(25, 8, 16, 2), key), jax.random.key(0))
    >>> params["Embed_0"]["embedding"].shape, params["back"]["kernel"].shape
    ((26, 8), (16, 8))
    """
    return generator.init(key, *generator.begin(1))["params"]


def log_probabilities(generator: Generator, params: Params, tokens: Array, temperature: Array | float = 1.0) -> Array:
    """Returns log p [N, T] of every token of sentences, given those before it, and 0 behind the end of a sentence.

    Args:
      generator: of vocabulary V.
      params: its parameters.
      tokens: int32 [N, T].
      temperature: by which logits are divided, of all sentences or of each [N].
    """
    _, logits = _unroll(generator, params, lambda logits, given: given, tokens.T, tokens.shape[0])
    found = nn.log_softmax(logits / _per_sentence(temperature, tokens.shape[0])[None])
    chosen = jnp.take_along_axis(found, tokens.T[..., None], axis=-1, mode="clip")[..., 0].T
    return jnp.where(until_end(tokens), chosen, 0.0)


def draw(generator: Generator, params: Params, uniforms: Array, temperature: Array | float = 1.0) -> Array:
    """Draws sentences int32 [N, T] token by token, each one where its uniform number falls in the cumulative distribution.

    Args:
      generator: a module.
      params: its parameters.
      uniforms: [N, T] in [0, 1): a sentence is a function of its numbers alone.
      temperature: as of `log_probabilities`; 0: the most probable tokens.
    """
    by = _per_sentence(temperature, uniforms.shape[0])
    tokens, _ = _unroll(generator, params, lambda logits, uniform: pick(logits / by, uniform), uniforms.T, uniforms.shape[0])
    return jnp.where(until_end(tokens.T), tokens.T, 0)


def until_end(tokens: Array) -> Array:
    """Returns which tokens [N, T] belong to sentences: those up to the first 0, and it.

    >>> until_end(jnp.asarray([[3, 0, 3], [1, 2, 3]])).tolist()
    [[True, True, False], [True, True, True]]
    """
    ended = jnp.cumsum(tokens == 0, axis=1)
    return (ended == 0) | ((ended == 1) & (tokens == 0))


def discriminator(vocabulary: int, embedding: int, features: int, positions: int = 8, dropout: float = 0.1) -> Network:
    """Makes the network: sentences int32 [N, T] -> logits [N, T]: at every token whether the sentence up to it looks real; drops embeddings
    with train=True.

    Args:
      vocabulary: number of tokens.
      embedding: numbers per token.
      features: of the LSTM.
      positions: numbers that say where a token stands, even.
      dropout: share of the embedding's numbers that is left out.

    >>> network = discriminator(25, 8, 16)
    >>> params, _ = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 11), jnp.int32))
    >>> params["logit"]["kernel"].shape
    (16, 1)
    """
    return from_linen(Discriminator(vocabulary, embedding, features, positions, dropout))


class Discriminator(nn.Module):
    """Maps sentences int32 [N, T] to logits [N, T] by an LSTM with layer norm."""

    vocabulary: int
    embedding: int
    features: int
    positions: int
    dropout: float

    @nn.compact
    def __call__(self, tokens: Array, train: bool) -> Array:
        x = nn.Embed(self.vocabulary, self.embedding)(tokens)
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        where = jnp.broadcast_to(positions(tokens.shape[1], self.positions)[None], (*tokens.shape, self.positions))
        x = nn.RNN(NormalisedCell(self.features))(jnp.concatenate([x, where], axis=2))
        return nn.Dense(1, name="logit")(x)[..., 0]


class NormalisedCell(nn.RNNCellBase):
    """An LSTM cell with layer norm of every gate and of the state: ((c, h), x [N, I]) -> ((c, h), h [N, features])."""

    features: int

    @nn.compact
    def __call__(self, carry: Any, x: Array) -> tuple[Any, Array]:
        c, h = carry
        gates = nn.Dense(4 * self.features, use_bias=False)(jnp.concatenate([x, h], axis=-1))
        i, f, o, g = (nn.LayerNorm()(gate) for gate in jnp.split(gates, 4, axis=-1))
        c = nn.LayerNorm()(nn.sigmoid(f + 1) * c + nn.sigmoid(i) * jnp.tanh(g))  # + 1: it begins by keeping its state
        h = nn.sigmoid(o) * jnp.tanh(c)
        return (c, h), h

    @nn.nowrap
    def initialize_carry(self, rng: Key, input_shape: tuple[int, ...]) -> Any:
        """Returns zeros."""
        zeros = jnp.zeros((*input_shape[:-1], self.features))
        return zeros, zeros

    @property
    def num_feature_axes(self) -> int:
        return 1


def positions(length: int, size: int) -> Array:
    """Sines and cosines of wavelengths from 2 pi to 2 pi 10,000, float32 [length, size], size even.

    >>> positions(11, 8).shape, positions(11, 8)[0].tolist()
    ((11, 8), [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    """
    angles = np.arange(length)[:, None] / 10_000.0 ** (np.arange(size // 2) / (size // 2))[None]
    return jnp.asarray(np.concatenate([np.sin(angles), np.cos(angles)], axis=1), jnp.float32)


def _unroll(generator: Generator, params: Params, choose: Callable[[Array, Array], Array], given: Array, n: int) -> tuple[Array, Array]:
    """Tokens [T, N] and their logits [T, N, V]: (logits, given [T, N] of that step) -> tokens."""

    def step(before, given):
        carry, logits = generator.apply({"params": params}, *before)
        tokens = choose(logits, given)
        return (carry, tokens), (tokens, logits)

    return jax.lax.scan(step, generator.begin(n), given)[1]


def _per_sentence(temperature, n):
    return jnp.maximum(jnp.broadcast_to(jnp.asarray(temperature, jnp.float32), (n,)), COLDEST)[:, None]
