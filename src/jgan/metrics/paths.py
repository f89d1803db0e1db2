"""Perceptual path length: how abruptly images change along paths between latents.

Karras, Laine, Aila 2018, "A style-based generator architecture for generative adversarial networks", section 4.1,
https://arxiv.org/abs/1812.04948.

In Z, `draw` gives latents z and the path is `slerp`; in W, `draw` gives mapped styles w and the path is `lerp`. The published lengths are
distances by VGG16 with the LPIPS heads, of images at most 256 pixels wide (`shrunk`), those of faces cropped (`face`), of 100,000 pairs.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan.types import Array, Key


@jax.jit
def slerp(a: Array, b: Array, t: Array) -> Array:
    """Computes the point at t [N] on the arc from a [N, D] to b [N, D] (Shoemake 1985, https://doi.org/10.1145/325165.325242): the path in
    Z.

    sin((1 - t) angle) / sin(angle) a + sin(t angle) / sin(angle) b. The length goes from |a| to |b|.

    >>> slerp(jnp.array([[1.0, 0.0]]), jnp.array([[0.0, 1.0]]), jnp.array([0.5])).round(4)
    Array([[0.7071, 0.7071]], dtype=float32)
    """
    lengths = jnp.linalg.norm(a, axis=1) * jnp.linalg.norm(b, axis=1)
    angle = jnp.arccos(jnp.clip(jnp.sum(a * b, axis=1) / lengths, -1.0, 1.0))
    parts = jnp.sinc(jnp.stack([1.0 - t, t]) * angle[None] / jnp.pi) * jnp.stack([1.0 - t, t]) / jnp.sinc(angle / jnp.pi)[None]
    return parts[0][:, None] * a + parts[1][:, None] * b


def lerp(a: Array, b: Array, t: Array) -> Array:
    """Computes the point at t [N] on the line from a [N, ...] to b [N, ...]: the path in W.

    >>> lerp(jnp.zeros((1, 2)), jnp.ones((1, 2)), jnp.array([0.25]))
    Array([[0.25, 0.25]], dtype=float32)
    """
    t = t.reshape(t.shape + (1,) * (a.ndim - 1))
    return a + t * (b - a)


def full(key: Key, count: int) -> Array:
    """Computes positions t [count] anywhere on the path, uniform in [0, 1): "full path length".

    >>> full(jax.random.key(0), 3).shape
    (3,)
    """
    return jax.random.uniform(key, (count,))


def end(key: Key, count: int) -> Array:
    """Computes positions t = 0 [count]: "path length at the ends". Both ends are drawn alike, so one stands for both.

    >>> end(jax.random.key(0), 2)
    Array([0., 0.], dtype=float32)
    """
    return jnp.zeros((count,))


def whole(images: Array) -> Array:
    """Computes images as they are, the `crop` of whatever is not a face."""
    return images


def face(images: Array) -> Array:
    """Returns the face in aligned portraits [N, H, W, C]: rows 3/8 to 7/8, columns 1/4 to 3/4.

    >>> face(jnp.zeros((1, 64, 64, 3))).shape
    (1, 32, 32, 3)
    """
    h, w = images.shape[1:3]
    return images[:, 3 * h // 8 : 7 * h // 8, w // 4 : 3 * w // 4]


def shrunk(images: Array, size: int = 256) -> Array:
    """Computes images [N, H, W, C] reduced by the whole factor H // size, as averages of pixels: VGG16 saw objects at about that size.

    >>> shrunk(jnp.zeros((1, 1024, 1024, 3))).shape
    (1, 256, 256, 3)
    """
    n, h, w, c = images.shape
    factor = max(h // size, 1)
    h, w = h // factor, w // factor
    return images[:, : h * factor, : w * factor].reshape(n, h, factor, w, factor, c).mean(axis=(2, 4))


def path_distances(
    key: Key,
    generate: Callable[[Any], Array],
    distance: Callable[[Array, Array], Array],
    n: int,
    *,
    draw: Callable[[Key, int], Array],
    interpolate: Callable[[Array, Array, Array], Array] = slerp,
    position: Callable[[Key, int], Array] = full,
    crop: Callable[[Array], Array] = whole,
    epsilon: float = 1e-4,
    batch: int = 32,
) -> np.ndarray:
    """Computes distances d(g(x(t)), g(x(t + epsilon))) / epsilon^2 [n] in float64, of n random paths x.

    Args:
      generate: latents [batch, ...] -> images [batch, H, W, C] in [-1, 1]. What else it draws, noise say, must be the same in each call.
      distance: (images, images) -> [batch], growing with the square of small changes: LPIPS, or a mean squared difference of features.
        Both are called as they are, always with `batch` latents: pass them jitted.
      draw: (key, count) -> latents [count, ...], the end points of paths.
      interpolate: `slerp` in Z, `lerp` in W.
      position: `full` or `end`.
      crop: images -> images, before the distance: `whole`, `face`, `shrunk` or a function of these.
      epsilon: step along the path.

    Raises ValueError if n, epsilon or batch are not positive, the distance does not return [batch], or a distance is not finite.

    >>> plane = lambda z: z[:, :, None, None]
    >>> squared = lambda a, b: jnp.mean((a - b) ** 2, axis=(1, 2, 3))
    >>> normal = lambda key, count: jax.random.normal(key, (count, 8))
    >>> path_distances(jax.random.key(0), plane, squared, 5, draw=normal, interpolate=lerp, epsilon=0.5).shape
    (5,)
    """
    if min(n, batch) < 1 or epsilon <= 0:
        raise ValueError(f"expected positive n, batch and epsilon, found {n}, {batch} and {epsilon}")
    found = []
    for number in range(-(-n // batch)):
        a_key, b_key, t_key = jax.random.split(jax.random.fold_in(key, number), 3)
        a, b, t = draw(a_key, batch), draw(b_key, batch), position(t_key, batch)
        images, later = (crop(generate(interpolate(a, b, at))) for at in (t, t + epsilon))
        found.append(np.asarray(distance(images, later), np.float64))
        if found[-1].shape != (batch,) or not np.isfinite(found[-1]).all():
            what = f"shape {found[-1].shape} for a batch of {batch}, {np.isnan(found[-1]).sum()} of them NaN"
            raise ValueError(f"expected finite distances [batch], found {what}: check `distance` and the images")
    return np.concatenate(found)[:n] / epsilon**2


def perceptual_path_length(key: Key, generate: Callable, distance: Callable, n: int, *, keep=(0.01, 0.99), **settings) -> float:
    """Computes the perceptual path length: the mean of `path_distances`, whose arguments it takes.

    keep: quantiles between which distances count, both ends included; the published lengths leave out the smallest and the largest
    hundredth, lest a few paths decide. (0.0, 1.0) keeps all. Raises ValueError for quantiles out of order, and as `path_distances` does.

    >>> plane = lambda z: z[:, :, None, None]
    >>> squared = lambda a, b: jnp.mean((a - b) ** 2, axis=(1, 2, 3))
    >>> axes = lambda key, count: jax.random.permutation(key, jnp.eye(8))[:count]
    >>> perceptual_path_length(jax.random.key(0), plane, squared, 8, draw=axes, interpolate=lerp, batch=8, epsilon=0.5) <= 0.25
    True
    """
    low, high = keep
    if not 0.0 <= low < high <= 1.0:
        raise ValueError(f"expected quantiles 0 <= low < high <= 1 as keep, found {keep}")
    distances = path_distances(key, generate, distance, n, **settings)
    low, high = np.quantile(distances, low, method="lower"), np.quantile(distances, high, method="higher")
    return float(distances[(distances >= low) & (distances <= high)].mean())
