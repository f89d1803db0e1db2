"""Styles of given images: projection into the space of styles, and tuning of the generator around what was found."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan.types import Array, Key, Params

Distance = Callable[[Array, Array], Array]  # (images, targets) -> [N]
RISE, FALL = 0.05, 0.25  # shares of the steps in which the learning rate rises, and falls at the end
JITTER, STILL = 0.05, 0.75  # noise on styles: its share of their spread, and the share of the steps after which there is none
SMALLEST = 8  # pixels: noise maps are compared with themselves down to this size


class Projection(NamedTuple):
    """What a generator makes images like the given ones of."""

    ws: Array  # [N, layers, style_size]
    noise: tuple[Array, ...]  # maps [N, H, W, C]


def project(
    key: Key,
    targets: Array,
    start: Projection,
    generate: Callable[[Array, tuple[Array, ...]], Array],
    distance: Distance,
    *,
    spread: Array | float,
    each_layer: bool = False,
    steps: int = 1000,
    learning_rate: float = 0.1,
    noise_weight: float = 1e5,
) -> Projection:
    """Finds styles and noise maps whose images are near to given ones, of all images at once.

    Source: Karras et al. 2019, appendix D (https://arxiv.org/abs/1912.04958): Adam on distance + noise_weight * `autocorrelation`, with
    normal noise of falling strength on the styles, and noise maps that are brought back to mean 0 and variance 1 after each step. With
    `each_layer`, styles of the layers may differ: W+ of Abdal, Qin, Wonka 2019 (https://arxiv.org/abs/1904.03189).

    Args:
      key: of the noise on styles.
      targets: images [N, H, W, C] in [-1, 1].
      start: where to begin. Without `each_layer` the first style of each image counts.
      generate: (ws, noise) -> images [N, H, W, C].
      distance: (images, targets) -> [N].
      spread: the root of the mean square of |w - mean w| of random styles.
      each_layer: whether each layer has its own style.
      steps, learning_rate: of Adam.
      noise_weight: of the penalty on noise maps.
    """
    count, layers, size = start.ws.shape
    optimizer = optax.adam(lambda number: learning_rate * rate(jnp.asarray(number) / steps))

    def loss(found: Projection, number: Array) -> Array:
        strength = spread * JITTER * jnp.square(jnp.maximum(0.0, 1 - number / (STILL * steps)))
        noisy = found.ws + strength * jax.random.normal(jax.random.fold_in(key, number), found.ws.shape)
        images = generate(jnp.broadcast_to(noisy, (count, layers, size)), found.noise)
        penalty = sum((jnp.sum(autocorrelation(noise)) for noise in found.noise), jnp.zeros(()))
        return jnp.sum(distance(images, targets)) + noise_weight * penalty

    def step(number, carry):
        found, opt_state = carry
        updates, opt_state = optimizer.update(jax.grad(loss)(found, number), opt_state, found)
        found: Any = optax.apply_updates(found, updates)
        return Projection(found.ws, tuple(map(normalised, found.noise))), opt_state

    begin = Projection(start.ws if each_layer else start.ws[:, :1], start.noise)
    found, _ = jax.lax.fori_loop(0, steps, step, (begin, optimizer.init(begin)))
    return Projection(jnp.broadcast_to(found.ws, start.ws.shape), found.noise)


def tune(
    params: Params,
    targets: Array,
    pivot: Projection,
    generate: Callable[[Params, Array, tuple[Array, ...]], Array],
    distance: Distance,
    *,
    steps: int = 350,
    learning_rate: float = 3e-4,
) -> Params:
    """Changes the parameters of a generator until its images of fixed styles are near to given ones; styles around them stay editable.

    Source: Roich, Mokady, Bermano, Cohen-Or 2021, "Pivotal Tuning" (https://arxiv.org/abs/2106.05744), without its term of locality.

    Args:
      params: of the generator.
      targets: images [N, H, W, C] in [-1, 1]; one gives the best likeness.
      pivot: of `project`.
      generate: (params, ws, noise) -> images [N, H, W, C].
      distance: (images, targets) -> [N].
      steps, learning_rate: of Adam.
    """
    optimizer = optax.adam(learning_rate)

    def loss(params: Params) -> Array:
        return jnp.sum(distance(generate(params, *pivot), targets))

    def step(_, carry):
        params, opt_state = carry
        updates, opt_state = optimizer.update(jax.grad(loss)(params), opt_state, params)
        return optax.apply_updates(params, updates), opt_state

    return jax.lax.fori_loop(0, steps, step, (params, optimizer.init(params)))[0]


def rate(share: Array | float) -> Array:
    """Returns the learning rate, relative to its largest, after a share of the steps: it rises linearly, and falls as a cosine.

    >>> [round(float(rate(share)), 3) for share in (0.0, 0.025, 0.5, 0.875, 1.0)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    fall = 0.5 - 0.5 * jnp.cos(math.pi * jnp.minimum(1.0, (1 - share) / FALL))
    return fall * jnp.minimum(1.0, share / RISE)


def autocorrelation(noise: Array) -> Array:
    """Computes how much noise maps are like themselves, one pixel to the side and one below: 0 for noise, on every scale.

    Sum over maps, and over sizes halved down to 8 pixels, of mean(n(x, y) n(x - 1, y))^2 + mean(n(x, y) n(x, y - 1))^2. Maps are halved by
    twice the mean of 2 x 2 pixels, which keeps the variance of noise (Karras et al. 2019, appendix D).

    Args:
      noise: [N, H, W, C].

    Returns:
      [N].

    >>> autocorrelation(jnp.ones((1, 4, 4, 1))).tolist()
    [2.0]
    """
    shifted = (jnp.mean(noise * jnp.roll(noise, 1, axis=axis), axis=(1, 2)) for axis in (1, 2))
    own = sum((jnp.sum(jnp.square(mean), axis=1) for mean in shifted), jnp.zeros(len(noise)))
    n, h, w, c = noise.shape
    if min(h, w) <= SMALLEST or h % 2 or w % 2:
        return own
    return own + autocorrelation(2 * jnp.mean(noise.reshape(n, h // 2, 2, w // 2, 2, c), axis=(2, 4)))


def normalised(noise: Array) -> Array:
    """Returns noise maps [N, H, W, C] at mean 0 and variance 1."""
    centred = noise - jnp.mean(noise, axis=(1, 2), keepdims=True)
    return centred * jax.lax.rsqrt(jnp.mean(jnp.square(centred), axis=(1, 2), keepdims=True) + 1e-12)
