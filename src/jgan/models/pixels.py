"""Images as sequences of sub-pixels, row by row, left to right, red before green before blue: their likelihood, and drawing from it.

An image x of levels 0 ... L-1 has the probability p(x) = prod_i p(x_i | x_1 ... x_{i-1}), every factor a distribution over L levels
(van den Oord et al. 2016, equations 1 and 2, https://arxiv.org/abs/1601.06759).

A pixel network is a Linen module with `margin`, the pixels that it needs around an image, and two methods that cut its work into what
depends on earlier rows alone and the rest, each for a whole image (place=None) or for the next part of it in raster order:

    above(canvas, label, place) -> context          canvas [N, H + margin, W + 2 margin, C], or the rows for one row of it
    here(canvas, context, label, place) -> logits   [N, H, W, C, K], or of one pixel, from the window of the canvas that ends there

With a place, layers keep what later pixels need of their maps in the collection `cache`, so a pixel costs one window per layer.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jgan.types import Array, Params


class Place(NamedTuple):
    """Where in the image the work is; a whole row of it without a column."""

    row: Array  # int32
    column: Array | None
    width: int  # of the image


def quantise(images: Array, levels: int) -> Array:
    """Returns uint8 images as int32 levels, floor(levels x / 256).

    >>> quantise(jnp.asarray([0, 127, 128, 255], jnp.uint8), 2).tolist()
    [0, 0, 1, 1]
    """
    if not 2 <= levels <= 256:
        raise ValueError(f"expected 2 to 256 levels, found {levels}")
    return images.astype(jnp.int32) * levels // 256


def scale(values: Array, levels: int) -> Array:
    """Levels as float32 in [-1, 1].

    >>> scale(jnp.asarray([0, 1, 2]), 3).tolist()
    [-1.0, 0.0, 1.0]
    """
    return values.astype(jnp.float32) * (2.0 / (levels - 1)) - 1.0


def log_probabilities(logits: Array) -> Array:
    """Returns [..., levels] of logits [..., K]: a softmax, or for K = 1 a sigmoid, the probability of the upper of two levels.

    >>> jnp.exp(log_probabilities(jnp.zeros((1,)))).tolist()
    [0.5, 0.5]
    """
    if logits.shape[-1] == 1:
        logits = jnp.concatenate([jnp.zeros_like(logits), logits], -1)
    return jax.nn.log_softmax(logits)


def negative_log_likelihood(logits: Array, values: Array) -> Array:
    """Returns -log p of whole images, in nats, [N].

    Args:
      logits: [N, H, W, C, K], K the levels, or 1 for two of them.
      values: int [N, H, W, C], the levels.

    >>> float(negative_log_likelihood(jnp.zeros((1, 2, 2, 1, 1)), jnp.ones((1, 2, 2, 1), jnp.int32))[0] / jnp.log(2.0))
    4.0
    """
    chosen = jnp.take_along_axis(log_probabilities(logits), values[..., None], axis=-1, mode="clip")
    return -jnp.sum(chosen, axis=(1, 2, 3, 4))


def nats(network: nn.Module, levels: int, params: Params, images: Array, label: Array | None = None) -> Array:
    """Returns -log p [N], in nats, of uint8 images [N, H, W, C] on `levels` levels, under a pixel network."""
    values = quantise(images, levels)
    return negative_log_likelihood(network.apply({"params": params}, scale(values, levels), label), values)


def pick(logits: Array, uniforms: Array) -> Array:
    """Returns the level, int32 [N], at which the cumulative distribution of logits [N, K] passes the uniform numbers [N].

    >>> pick(jnp.zeros((3, 4)), jnp.asarray([0.0, 0.3, 0.99])).tolist()
    [0, 1, 3]
    """
    probabilities = jnp.exp(log_probabilities(logits))
    below = jnp.cumsum(probabilities, axis=-1)[:, :-1]  # the last is 1 but for rounding
    return jnp.sum(uniforms[:, None] >= below, axis=-1, dtype=jnp.int32)


def canvas(images: Array, margin: int) -> Array:
    """Returns images [N, H, W, C] with zeros around them: above, on the left and on the right."""
    return jnp.pad(images, ((0, 0), (margin, 0), (margin, margin), (0, 0)))


def draw(
    network: nn.Module,
    params: Params,
    uniforms: Array,
    levels: int,
    label: Array | None = None,
    given: Array | None = None,
    known: Array | None = None,
    temperature: Array | float = 1.0,
) -> Array:
    """Draws images sub-pixel by sub-pixel, each one where its uniform number falls in its cumulative distribution.

    Args:
      network: a pixel network.
      params: its parameters.
      uniforms: [N, H, W, C] in [0, 1): an image is a function of its numbers alone.
      levels: of a sub-pixel.
      label: int32 [N], for a class-conditional network.
      given: [N, H, W, C] in [-1, 1], on the levels: images whose known pixels are kept.
      known: bool [H, W], or of each image [N, H, W]: the pixels that are kept.
      temperature: by which logits are divided, of all images or of each [N]: below 1 for more probable ones.

    Returns:
      [N, H, W, C] in [-1, 1].

    Raises:
      ValueError: if only one of `given` and `known` is there.
    """
    if (given is None) != (known is None):
        raise ValueError("expected images and a mask of their known pixels, or neither, found only one")
    n, height, width, channels = uniforms.shape
    if known is not None:
        known = jnp.broadcast_to(known if known.ndim == 3 else known[None], (n, height, width))
    m, temperature = network.margin, jnp.broadcast_to(jnp.asarray(temperature, jnp.float32), (n,))[:, None]

    def call(method, cache, *inputs):
        out, changed = network.apply({"params": params, "cache": cache}, *inputs, method=method, mutable=["cache"])
        return out, changed.get("cache", cache)

    def begin():
        place = Place(jnp.int32(0), jnp.int32(0), width)
        rows, window = (jnp.zeros((n, m + 1, columns, channels)) for columns in (width + 2 * m, 2 * m + 1))
        context, cache = call("above", {}, rows, label, place._replace(column=None))
        return call("here", cache, window, _column(context, 0), label, place)[1]

    def row(i, carry):
        image, cache = carry
        rows = jax.lax.dynamic_slice_in_dim(image, i, m + 1, axis=1)
        context, cache = call("above", cache, rows, label, Place(i, None, width))

        def pixel(j, carry):
            image, cache = carry
            window = jax.lax.dynamic_slice(image, (0, i, j, 0), (n, m + 1, 2 * m + 1, channels))
            for c in range(channels):
                logits, cache = call("here", cache, window, _column(context, j), label, Place(i, j, width))
                value = scale(pick(logits[:, 0, 0, c] / temperature, uniforms[:, i, j, c]), levels)
                if known is not None:
                    value = jnp.where(known[:, i, j], given[:, i, j, c], value)
                window = window.at[:, m, m, c].set(value)
            return jax.lax.dynamic_update_slice(image, window[:, m:, m : m + 1], (0, i + m, j + m, 0)), cache

        return jax.lax.fori_loop(0, width, pixel, (image, cache))

    empty = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(begin))
    image, _ = jax.lax.fori_loop(0, height, row, (jnp.zeros((n, height + m, width + 2 * m, channels)), empty))
    return image[:, m:, m : m + width]


def _column(context, j):
    return jax.tree.map(lambda x: jax.lax.dynamic_slice_in_dim(x, j, 1, axis=2), context)
